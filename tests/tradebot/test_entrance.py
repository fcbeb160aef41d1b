"""`run` and its bootstrap: which Python, what is set up when, what is said where it cannot be."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tradebot import bootstrap
from tradebot.supervisor.instance import ROOT
from tradebot.verbs.counting import find_chromium
from tradebot.verbs.entrance import main
from tradebot.verbs.measuring import Metric
from tradebot.verbs.test import pytest_command, summary

TOOLS = ("sh", "dirname", "cat", "env")


@pytest.fixture
def clone(tmp_path: Path) -> Path:
    """The few files a set-up needs, in a folder with a space in its name, with nothing to install."""
    root = tmp_path / "my clone"
    (root / "tradebot").mkdir(parents=True)
    shutil.copy(ROOT / "run", root / "run")
    shutil.copy(ROOT / "tradebot" / "bootstrap.py", root / "tradebot" / "bootstrap.py")
    (root / "tradebot" / "__init__.py").touch()
    (root / "tradebot" / "__main__.py").write_text(
        "import json, os, sys\nprint(json.dumps({'arguments': sys.argv[1:], 'prefix': sys.prefix,"
        " 'folder': os.getcwd(), 'data': os.environ.get('DATA_DIR')}))\n"
    )
    (root / "requirements.txt").write_text("# nothing\n")
    (root / "requirements-dev.txt").write_text("# nothing\n")
    return root


def bare_path(tmp_path: Path, *, python: str | None) -> str:
    """A PATH with the plain tools, and one interpreter or none."""
    folder = tmp_path / "bin"
    folder.mkdir(exist_ok=True)
    for tool in TOOLS:
        (folder / tool).symlink_to(shutil.which(tool) or f"/bin/{tool}")
    if python:
        (folder / "python3").symlink_to(python)
    return str(folder)


def start(clone: Path, *words: str, **environment: str) -> subprocess.CompletedProcess[str]:
    # An index nobody serves: what must be fetched fails at once.
    closed = {
        "PIP_INDEX_URL": "http://127.0.0.1:9/",
        "UV_DEFAULT_INDEX": "http://127.0.0.1:9/",
        "PIP_RETRIES": "0",
    }
    return subprocess.run(
        [clone / "run", *words],
        cwd="/var",
        env={"HOME": str(clone.parent), **closed, **environment},
        capture_output=True,
        text=True,
        check=False,
    )


def test_without_any_fitting_python_it_says_what_to_type(clone: Path, tmp_path: Path) -> None:
    refused = start(clone, PATH=bare_path(tmp_path, python=None))
    assert (refused.returncode, refused.stdout) == (3, "")
    assert "apt-get install python3.12" in refused.stderr


def test_it_sets_up_once_from_anywhere_and_hands_over(clone: Path, tmp_path: Path) -> None:
    # The interpreter under our own environment: the one thing on this PATH.
    path = bare_path(tmp_path, python=os.path.realpath(sys.executable))
    first = start(clone, "manage", "two words", PATH=path, DATA_DIR="here")
    assert first.returncode == 0, first.stderr
    said = json.loads(first.stdout)
    assert said == {
        "arguments": ["manage", "two words"],
        "prefix": str(clone / ".venv"),
        "folder": str(clone),
        "data": "/var/here",
    }
    assert "Setting up" in first.stderr
    # The environment made last time is found without any PATH, and set-up is not repeated.
    second = start(clone, PATH=str(tmp_path / "bin"))
    assert (second.returncode, second.stderr) == (0, "")
    # A package that cannot be fetched: said with what to do, and what was begun is begun again next time.
    (clone / "requirements.txt").write_text("tradebot-no-such-package==1\n")
    broken = start(clone, PATH=path)
    assert (broken.returncode, broken.stdout) == (3, "")
    assert "requirements.txt could not be installed" in broken.stderr
    (clone / "requirements.txt").write_text("# nothing again\n")
    mended = start(clone, PATH=path)
    assert mended.returncode == 0, mended.stderr
    assert not (clone / ".venv" / bootstrap.UNFINISHED.name).exists()


def test_an_unknown_verb_is_a_usage_error(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["trade"]) == 2
    assert "There is no verb 'trade'" in capsys.readouterr().err


@pytest.mark.parametrize(
    "arguments", [["parity", "--candles", "0"], ["bench", "nothing"], ["stop", "now"], ["check", "nothing"]]
)
def test_what_cannot_be_meant_is_a_usage_error(
    arguments: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(arguments) == 2
    assert capsys.readouterr().err != ""


def test_help_names_every_verb(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["help"]) == 0
    assert "./run bench" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("compare", "target", "holds"), [("<=", 3, True), ("<=", 1.5, False), (">=", 2, True), ("<=", None, None)]
)
def test_a_metric_is_judged_by_its_median(compare: str, target: float | None, holds: bool | None) -> None:
    metric = Metric(metric="ready", unit="s", values=[1, 9, 2], target=target, compare=compare)  # type: ignore[arg-type]
    assert metric.as_json() == {
        "metric": "ready",
        "unit": "s",
        "value": 2,
        "min": 1,
        "max": 9,
        "runs": 3,
        "compare": compare,
        "target": target,
        "holds": holds,
        "yardstick": None,
    }


def test_tests_go_over_both_cores_unless_told_otherwise() -> None:
    assert pytest_command(["-k", "x"])[-6:] == ["-n", "2", "--dist", "loadfile", "-k", "x"]
    assert "loadfile" not in pytest_command(["-n0"])


def test_errors_count_as_failures_and_missing_browsers_are_named() -> None:
    counts = {
        "passed": 3,
        "failed": 1,
        "error": 1,
        "skipped": 0,
        "not_run": ["tests/journeys/test_a.py::test_b"],
    }
    assert summary(counts) == {
        "passed": 3,
        "failed": 2,
        "skipped": 0,
        "not_run": [{"what": "tests/journeys/test_a.py::test_b", "why": "no Chromium on this machine"}],
    }


def test_a_named_browser_is_taken(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CHROMIUM", "/opt/chromium")
    assert find_chromium() == "/opt/chromium"
