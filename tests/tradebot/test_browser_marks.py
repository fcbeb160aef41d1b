"""Without a browser, journeys are listed as not run; where one is required, they run and fail."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from tradebot.supervisor.instance import ROOT

TESTS = """
import pytest

@pytest.mark.browser
def test_journey():
    raise AssertionError("no browser to walk with")

def test_plain():
    assert 1 + 1 == 2
"""


def run_pytest(tmp_path: Path, *, require: str, spread: tuple[str, ...]) -> tuple[int, dict[str, object]]:
    (tmp_path / "test_walk.py").write_text(TESTS)
    (tmp_path / "pytest.ini").write_text("[pytest]\nmarkers =\n    browser: needs one\n")
    counts = tmp_path / "counts.json"
    environment = {
        # No browser is on this PATH.
        "PATH": str(tmp_path),
        "PYTHONPATH": str(ROOT),
        "TRADEBOT_TEST_COUNTS": str(counts),
        "REQUIRE_BROWSER": require,
        "HOME": os.environ.get("HOME", "/"),
    }
    command = [
        sys.executable,
        "-m",
        "pytest",
        "-p",
        "tradebot.verbs.counting",
        "-p",
        "no:django",
        "-n",
        "2",
        "-q",
    ]
    done = subprocess.run([*command, "."], cwd=tmp_path, env=environment, capture_output=True, check=False)
    return done.returncode, json.loads(counts.read_text())


@pytest.mark.parametrize(
    ("require", "code", "counts"),
    [
        (
            "",
            0,
            {"passed": 1, "failed": 0, "error": 0, "skipped": 0, "not_run": ["test_walk.py::test_journey"]},
        ),
        ("1", 1, {"passed": 1, "failed": 1, "error": 0, "skipped": 0, "not_run": []}),
    ],
)
def test_a_missing_browser(tmp_path: Path, require: str, code: int, counts: dict[str, object]) -> None:
    # Over cores and in one process: the list comes from a worker, or from the session itself.
    spread = ("-n", "1") if require == "" else ("-n", "0")
    assert run_pytest(tmp_path, require=require, spread=spread) == (code, counts)
