"""The logs of processes: appended to, and turned over at a start when they have grown long."""

from __future__ import annotations

from pathlib import Path
from typing import BinaryIO

TURN_OVER_BYTES = 5_000_000
KEPT = 3


def open_log(path: Path) -> BinaryIO:
    """The log at `path`, ready to append; the last three full ones are kept as path.1 … path.3."""
    if path.exists() and path.stat().st_size > TURN_OVER_BYTES:
        for number in range(KEPT - 1, 0, -1):
            older = path.with_name(f"{path.name}.{number}")
            if older.exists():
                older.replace(path.with_name(f"{path.name}.{number + 1}"))
        path.replace(path.with_name(f"{path.name}.1"))
    return open(path, "ab")


def last_lines(path: Path, count: int = 12) -> str:
    """The end of a log, for the person who reads why something did not start."""
    try:
        lines = path.read_text(errors="replace").splitlines()
    except FileNotFoundError:
        return ""
    return "\n".join(f"    {line}" for line in lines[-count:])
