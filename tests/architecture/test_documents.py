"""Documents name only what is there: files of the README's table, and whatever a document links to."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
DOCUMENTS = sorted(
    path.relative_to(ROOT).as_posix() for path in [ROOT / "README.md", *ROOT.glob("docs/**/*.md")]
)
# In the README's table: one file of each room's own.
OF_EACH_ROOM = {"api.py"}


def named_in_table() -> list[str]:
    table = (ROOT / "README.md").read_text().split("## Where do I change …?")[1].split("\n## ")[0]
    rows = [line.rsplit("|", 2)[1] for line in table.splitlines() if line.startswith("| ")]
    names = [name for row in rows for name in re.findall(r"`([^`]+)`", row)]
    return [name for name in names if not name.startswith("/")]


def test_where_do_i_change_names_files_that_exist() -> None:
    names = named_in_table()
    assert len(names) > 20
    assert [name for name in names if name not in OF_EACH_ROOM and not (ROOT / name).exists()] == []


@pytest.mark.parametrize("document", DOCUMENTS)
def test_links_lead_to_files_that_exist(document: str) -> None:
    place = ROOT / document
    links = re.findall(r"\]\(([^)#\s]+)[^)]*\)", place.read_text())
    own = [link for link in links if not re.match(r"[a-z]+:", link)]
    assert [link for link in own if not (place.parent / link).exists()] == []


def test_the_readme_stays_short() -> None:
    assert len((ROOT / "README.md").read_text().splitlines()) <= 80


def test_the_commands_that_are_documented_are_those_that_exist() -> None:
    """Each of them once, in order."""
    named = re.findall(r"^\| `(\w+)` \|", (ROOT / "docs/commands.md").read_text(), re.MULTILINE)
    known = [path.stem for path in ROOT.glob("*/management/commands/*.py") if path.stem != "__init__"]
    assert named == sorted(known)
