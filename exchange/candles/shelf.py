"""Months of candles as files under DATA_DIR/candles, the very bytes of their blocks, named by the checksum of these.

Only a cache: it may be deleted or damaged at any time, and PostgreSQL fills it again. A file is believed once a process
has proved its bytes, and again whenever it has changed. Files are read, not mapped: a mapped file that is cut short
kills the process.
"""

from __future__ import annotations

import hashlib
import os
import tempfile
from pathlib import Path
from typing import Final

import structlog
from django.conf import settings

from exchange.candles.packing import checksum as checksum_of

logger = structlog.get_logger(__name__)

FOLDER: Final = "candles"
SUFFIX: Final = ".i64"
# inode, last change of content and of anything, length: what a file is, without reading it.
type Identity = tuple[int, int, int, int]

_proved: dict[Path, Identity] = {}


def take(subject: str, checksum: str) -> bytes | None:
    """The columns with this checksum, kept for the subject (a series and month); None where they must be fetched."""
    path = _path(subject, checksum)
    try:
        with path.open("rb") as file:
            columns = file.read()
            # After reading: a file that is now as it was proved was not changed meanwhile.
            identity = _identity(os.fstat(file.fileno()))
    except FileNotFoundError:
        return None
    except OSError as error:
        logger.warning("candle_cache_unreadable", file=path.name, cause=str(error))
        return None
    if _proved.get(path) != identity:
        if checksum_of(columns) != checksum:
            logger.warning("candle_cache_damaged", file=path.name)
            return None
        _proved[path] = identity
    return columns


def put(subject: str, checksum: str, columns: bytes) -> None:
    """Keep the columns, whole or not at all, and drop what was kept for the subject before."""
    path = _path(subject, checksum)
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.NamedTemporaryFile(dir=path.parent, prefix=".", delete=False) as file:
            file.write(columns)
        Path(file.name).replace(path)
        for other in path.parent.glob(f"{_prefix(subject)}-*{SUFFIX}"):
            if other != path:
                other.unlink(missing_ok=True)
                _proved.pop(other, None)
    except OSError as error:
        # A full or read-only disk costs time, not candles.
        logger.warning("candle_cache_not_written", file=path.name, cause=str(error))


def _path(subject: str, checksum: str) -> Path:
    return Path(settings.DATA_DIR) / FOLDER / f"{_prefix(subject)}-{checksum}{SUFFIX}"


def _prefix(subject: str) -> str:
    """A symbol may have any letters; a file name may not."""
    return hashlib.sha256(subject.encode()).hexdigest()[:20]


def _identity(stat: os.stat_result) -> Identity:
    return stat.st_ino, stat.st_mtime_ns, stat.st_ctime_ns, stat.st_size
