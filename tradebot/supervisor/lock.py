"""One supervisor a DATA_DIR. The kernel drops the lock with its holder, however that one died."""

from __future__ import annotations

import contextlib
import fcntl
import os
from collections.abc import Iterator
from pathlib import Path


class InUse(Exception):
    """Something that only one may have is taken; the message names the owner (exit 4)."""


@contextlib.contextmanager
def hold_data_dir(data_dir: Path) -> Iterator[None]:
    """Hold `data_dir` for this process; raises InUse with the owner's pid."""
    with open(data_dir / "lock", "a+") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            owner = owner_in(data_dir)
            raise InUse(
                f"{data_dir} is in use by TradeBot with pid {owner}. Stop it with ./run stop."
            ) from None
        file.truncate(0)
        file.write(str(os.getpid()))
        file.flush()
        yield


def holder_of(data_dir: Path) -> int | None:
    """The pid of the supervisor that holds `data_dir` now, or None."""
    try:
        with open(data_dir / "lock") as file:
            fcntl.flock(file, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except BlockingIOError:
        owner = owner_in(data_dir)
        return int(owner) if owner.isdecimal() else 0
    except FileNotFoundError:
        return None
    return None


def owner_in(data_dir: Path) -> str:
    return (data_dir / "lock").read_text().strip() or "unknown"
