"""`make reset` removes what the stack keeps, and nothing else."""

from pathlib import Path

import pytest

from gateway.local.lock import HomeLock
from gateway.local.process import StackError
from gateway.local.reset import reset


def test_reset_removes_an_idle_home_and_is_content_with_none(home: Path) -> None:
    with HomeLock(home):
        (home / "postgres").mkdir()
    assert "is removed" in reset(home)
    assert not home.exists()
    assert "nothing to reset" in reset(home)


def test_reset_leaves_a_home_in_use(home: Path) -> None:
    with HomeLock(home), pytest.raises(StackError, match="another `make run` holds"):
        reset(home)
    assert home.exists()


def test_reset_leaves_a_folder_that_is_no_home(home: Path) -> None:
    (home / "thesis.txt").touch()
    with pytest.raises(StackError, match="left alone"):
        reset(home)
    assert (home / "thesis.txt").exists()
