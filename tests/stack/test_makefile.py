"""The Makefile says what it can do, and what the machine lacks."""

import os
import shutil
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
TARGETS = {"help", "run", "story", "reset", "test", "check", "bench"}


@pytest.fixture
def clone(tmp_path: Path) -> Path:
    """A folder with the Makefile, in which nothing is installed."""
    shutil.copy(ROOT / "Makefile", tmp_path)
    contracts = tmp_path / "contracts"
    contracts.mkdir()
    for name in ("package.json", "package-lock.json"):
        shutil.copy(ROOT / "contracts" / name, contracts)
    return tmp_path


def make(folder: Path, *arguments: str, path: str = "") -> subprocess.CompletedProcess[str]:
    env = {"PATH": f"{path}:{os.environ['PATH']}"}
    return subprocess.run(
        ["make", *arguments], cwd=folder, env=env, capture_output=True, text=True, check=False
    )


def pretend(folder: Path, *names: str, version: str) -> str:
    """Put programs of an old version first on the PATH, and return their folder."""
    programs = folder / "old"
    programs.mkdir()
    for name in names:
        program = programs / name
        program.write_text(f'#!/bin/sh\n[ "$1" = --version ] && echo {version} || exit 1\n')
        program.chmod(0o755)
    return str(programs)


def test_help_lists_every_target(clone: Path) -> None:
    listed = {line.split()[1] for line in make(clone, "help").stdout.splitlines()}
    assert listed >= TARGETS


def test_an_old_python_is_named(clone: Path) -> None:
    pythons = ["python3", *(f"python3.{minor}" for minor in range(11, 15))]
    done = make(clone, ".venv/bin/uv", path=pretend(clone, *pythons, version="3.8.1"))
    assert done.returncode != 0
    assert "Python 3.11 or newer is needed; found: 3.8.1" in done.stdout


def test_an_old_node_is_named(clone: Path) -> None:
    target = "contracts/node_modules/installed"
    done = make(clone, target, path=pretend(clone, "node", version="v16.0.0"))
    assert done.returncode != 0
    assert "Node 20 or newer is needed; found: v16.0.0" in done.stdout


def test_ci_runs_make_test() -> None:
    script = ROOT / ".ci" / "run"
    assert os.access(script, os.X_OK)
    assert script.read_text().splitlines()[-1] == "make test"
