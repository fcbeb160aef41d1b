"""Which code found a result: a fingerprint of everything that decides, so that two reports can be told apart."""

from __future__ import annotations

import hashlib
from functools import cache
from pathlib import Path

import engine


@cache
def code_version() -> str:
    """The engine's sources as they were when this process first asked, in sixteen digits."""
    folder = Path(str(engine.__file__)).parent
    digest = hashlib.sha256()
    for path in sorted(folder.rglob("*.py")):
        digest.update(path.relative_to(folder).as_posix().encode())
        digest.update(path.read_bytes())
    return f"engine {digest.hexdigest()[:16]}"
