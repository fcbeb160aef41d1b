"""The engine compiled before the first backtest needs it, in a process of its own: a compiler would leave a worker many
megabytes heavier. Once for each strategy and version of the code; what older versions left behind is thrown away.
"""

from __future__ import annotations

import shutil
import subprocess
import sys
import time
from pathlib import Path
from typing import Final

import structlog
from django.conf import settings

from engine.compiled import kept_in
from engine.strategies import built_in_strategies

logger = structlog.get_logger(__name__)

# A process of the version before may still be at work after an update, but not that long. One that finds its folder
# gone compiles again.
OTHERS_STAY_SECONDS: Final = 86_400


def is_compiled(strategy: str) -> bool:
    """Also where nothing is kept: then every process compiles for itself."""
    kept = kept_in()
    return kept is None or _mark(kept, strategy).exists()


def compile_ahead(strategy: str) -> None:
    """Nothing where it has been done. Where it cannot be done whoever asks compiles, a little heavier."""
    kept = kept_in()
    if kept is None or is_compiled(strategy):
        return
    # Its own process reads nothing of the user's: of a strategy that is not ours it compiles what all have in common.
    known = {entry.name for entry in built_in_strategies()}
    command = [
        sys.executable,
        "-m",
        "engine.ahead",
        str(kept.parent),
        strategy if strategy in known else "ema",
    ]
    done = subprocess.run(command, cwd=settings.BASE_DIR, capture_output=True, text=True, check=False)
    if done.returncode != 0:
        logger.warning("not_compiled_ahead", strategy=strategy, why=done.stderr[-500:])
        return
    _mark(kept, strategy).touch()
    drop_others(kept, now=time.time())


def _mark(kept: Path, strategy: str) -> Path:
    return kept / f"{strategy}.ahead"


def drop_others(kept: Path, *, now: float) -> None:
    """Folders of other versions, and nothing else that may lie beside them; those of a day ago may be in use."""
    for other in kept.parent.iterdir():
        is_version = other.is_dir() and not other.is_symlink() and len(other.name) == len(kept.name)
        if is_version and other != kept and now - other.stat().st_mtime > OTHERS_STAY_SECONDS:
            shutil.rmtree(other, ignore_errors=True)
