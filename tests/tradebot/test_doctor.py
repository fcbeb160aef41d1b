"""What the doctor says of the user's own strategies."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from engine.strategies import look_in
from tradebot.doctor import Finding, examine_strategies

PEEKING = """
from dataclasses import dataclass
import numpy as np
from engine.strategies import Signals, Strategy

@dataclass(frozen=True)
class Params:
    pass

def signals(candles, params):
    entry = np.zeros(len(candles), dtype=bool)
    entry[:-1] = candles.close[1:] > candles.close[:-1]
    return Signals(entry, ~entry, ~entry, entry, np.ones(len(candles), dtype=bool))

STRATEGY = Strategy("peeking", "Peeking", "Knows the next close.", Params, signals, lambda params: 2)
"""


@pytest.fixture
def folder(tmp_path: Path) -> Iterator[Path]:
    look_in(tmp_path)
    yield tmp_path
    look_in(None)


def finding() -> Finding:
    return examine_strategies()


def test_ours_alone_are_well(folder: Path) -> None:
    assert finding() == Finding("strategies", "5 of TradeBot, 0 of your own")


def test_a_broken_file_is_named(folder: Path) -> None:
    (folder / "bad.py").write_text("1 / 0")
    assert finding().detail == "bad.py: line 1: ZeroDivisionError: division by zero"
    assert finding().advice.startswith("Correct what lies in ")


def test_who_looks_ahead_is_named_with_a_candle(folder: Path) -> None:
    (folder / "peeking.py").write_text(PEEKING)
    assert finding().detail.startswith("peeking fails on the recorded candle of 20")
    assert finding().detail.endswith(": its signals change when later candles are known")
    (folder / "honest.py").write_text(
        PEEKING.replace("[:-1] = candles.close[1:] >", "[1:] = candles.close[1:] >")
    )
    (folder / "peeking.py").unlink()
    look_in(folder)
    assert finding() == Finding("strategies", "5 of TradeBot, 1 of your own")
