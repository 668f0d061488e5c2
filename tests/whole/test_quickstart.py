"""The quickstart of the client sells something, against the running system."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

from tests.whole.conftest import ROOT, Whole

pytestmark = pytest.mark.serial
SECONDS = 60


def test_it_sells_a_falafel(running: Whole, tmp_path: Path) -> None:
    (tmp_path / ".mizan").mkdir()
    (tmp_path / ".mizan" / "dev.json").write_text(json.dumps(running.facts))
    done = subprocess.run(
        [sys.executable, str(ROOT / "client" / "quickstart.py")],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        timeout=SECONDS,
        check=False,
    )
    assert done.returncode == 0, done.stderr + running.logs("api", "watch")
    page, *_, last = done.stdout.splitlines()
    assert page.startswith("the payer's page: http")
    assert last == "paid, final: 4.50 USD"
