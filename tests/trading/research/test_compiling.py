"""Compiled ahead, in a process of its own: all that a backtest then runs is there; what older code left behind goes."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from engine.compiled import keep_in, kept_in
from tradebot.supervisor.instance import ROOT
from trading.research.compiling import OTHERS_STAY_SECONDS, compile_ahead, drop_others, is_compiled

# As a worker would, with other candles, other settings and another timeframe.
BACKTESTS = """
import sys, numpy
from pathlib import Path
from engine import compiled
from engine.ahead import RULES
from engine.backtest import run
from engine.fold import Setting
from engine.market import Candles
compiled.keep_in(Path(sys.argv[1]))
number = numpy.arange(30_000, dtype=numpy.int64)
price = (100 + (number * 7919) % 50) * 10**8
minutes = Candles(number * 60_000, price, price + 10**8, price - 10**8, price, price)
for interval, length in (("1m", 60_000), ("15m", 900_000)):
    setting = Setting(rules=RULES, interval_ms=length, initial_capital_e8=10**11, stop_percent_e6=5_000)
    run(minutes, interval=interval, strategy="ema", params={}, setting=setting, start_ms=0, end_ms=2**40)
"""


@pytest.fixture
def folder(settings: Any, tmp_path: Path) -> Iterator[Path]:
    """That of this code, empty."""
    keep_in(tmp_path)
    yield kept_in() or tmp_path
    keep_in(settings.DATA_DIR / "compiled")


def compiled_in(folder: Path) -> set[str]:
    return {path.name for path in folder.rglob("*.nb?")}


def test_a_backtest_finds_all_of_it_compiled(folder: Path) -> None:
    assert not is_compiled("ema")
    compile_ahead("ema")
    assert is_compiled("ema")
    assert not is_compiled("rsi")
    ahead = compiled_in(folder)
    subprocess.run([sys.executable, "-c", BACKTESTS, str(folder.parent)], cwd=ROOT, check=True)
    assert len(ahead) > 50
    assert compiled_in(folder) == ahead


def test_what_is_compiled_is_not_compiled_again(folder: Path) -> None:
    folder.mkdir()
    (folder / "ema.ahead").touch()
    compile_ahead("ema")
    assert compiled_in(folder) == set()


def test_folders_of_older_code_go_after_a_day(folder: Path) -> None:
    now = 1_800_000_000.0
    old, recent = folder.with_name("a" * 24), folder.with_name("b" * 24)
    note, strange = folder.with_name("a-note-that-is-no-folder"), folder.with_name("somebody-elses")
    for place in (folder, old, recent, strange):
        place.mkdir()
        (place / "kernel.nbc").touch()
    note.touch()
    for place in (folder, old, note, strange):
        os.utime(place, (now - OTHERS_STAY_SECONDS - 1,) * 2)
    os.utime(recent, (now - OTHERS_STAY_SECONDS + 1,) * 2)
    drop_others(folder, now=now)
    assert {place.name for place in folder.parent.iterdir()} == {
        folder.name, recent.name, note.name, strange.name
    }  # fmt: skip
