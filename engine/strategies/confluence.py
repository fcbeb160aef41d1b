"""Five witnesses, of whom at least so many must agree: EMA trend, RSI band, sign of MACD, Bollinger half, and volume.

The first four speak for a rise or for a fall; much volume speaks for whoever has the others on its side.
"""

from dataclasses import dataclass
from decimal import Decimal

import numpy as np

from engine.indicators import (
    ema,
    ema_window,
    rsi,
    rsi_window,
    sma,
    sma_window,
    volume_ratio,
    volume_ratio_window,
)
from engine.market import Candles
from engine.strategies.contract import BoolArray, Signals, Strategy, began, known_twice
from engine.strategies.params import decimal, whole


@dataclass(frozen=True)
class Params:
    votes_needed: int = whole(
        4,
        1,
        5,
        search=(2, 5),
        label="Votes needed",
        help="So many of the five must agree, and outvote the other side.",
    )
    ema_fast: int = whole(
        8,
        1,
        200,
        search=(3, 15),
        label="Fast EMA",
        help="Above the slow EMA it votes for a rise, below for a fall.",
    )
    ema_slow: int = whole(
        21, 2, 400, search=(15, 60), step=5, label="Slow EMA",
        help="Candles of the slow average; more than the fast one.",
    )  # fmt: skip
    rsi_period: int = whole(
        14, 2, 100, search=(7, 28), step=7, label="RSI period", help="Candles of the relative strength index."
    )
    rsi_band: int = whole(
        20, 1, 50, search=(10, 30), step=5, label="RSI band",
        help="RSI from 50 to 50 plus this votes for a rise, from 50 down to 50 minus this for a fall.",
    )  # fmt: skip
    macd_fast: int = whole(
        12, 1, 100, search=(6, 18), step=2, label="Fast average", help="Candles of the fast average of MACD."
    )
    macd_slow: int = whole(
        26, 2, 200, search=(20, 50), step=5, label="Slow average",
        help="Above zero MACD votes for a rise, below for a fall.",
    )  # fmt: skip
    bollinger_period: int = whole(
        20, 2, 200, search=(10, 50), step=5, label="Bollinger period",
        help="The price in the upper half of the bands votes for a rise, in the lower for a fall.",
    )  # fmt: skip
    volume_period: int = whole(
        20, 2, 200, search=(10, 50), step=5, label="Volume period", help="Candles of the average volume."
    )
    volume_ratio: Decimal = decimal(
        "1.5", "0.1", "20", search=("1", "3"), step="0.25", label="Volume ratio",
        help="So many times the average volume, or more, is a vote for either side.",
    )  # fmt: skip

    def conflicts(self) -> dict[str, str]:
        found = {}
        if self.ema_fast >= self.ema_slow:
            found["ema_fast"] = f"Must be smaller than the slow EMA ({self.ema_slow})."
        if self.macd_fast >= self.macd_slow:
            found["macd_fast"] = f"Must be smaller than the slow average ({self.macd_slow})."
        return found


def signals(candles: Candles, params: Params) -> Signals:
    close, band = candles.closes, float(params.rsi_band)
    fast, slow = ema(close, params.ema_fast), ema(close, params.ema_slow)
    quick, calm = ema(close, params.macd_fast), ema(close, params.macd_slow)
    strength, middle = rsi(close, params.rsi_period), sma(close, params.bollinger_period)
    volume = volume_ratio(candles.volumes, params.volume_period)
    rises = fast > slow, (strength > 50.0) & (strength <= 50.0 + band), quick > calm, close > middle
    falls = fast < slow, (strength < 50.0) & (strength >= 50.0 - band), quick < calm, close < middle
    loud = volume >= float(params.volume_ratio)
    up, down = votes(*rises, loud), votes(*falls, loud)
    ready = known_twice(slow, calm, strength, middle, volume)
    rise = ready & began((up >= params.votes_needed) & (up > down))
    fall = ready & began((down >= params.votes_needed) & (down > up))
    return Signals(long_entry=rise, long_exit=fall, short_entry=fall, short_exit=rise, ready=ready)


def votes(*witnesses: BoolArray) -> np.ndarray[tuple[int, ...], np.dtype[np.int8]]:
    total = np.zeros(len(witnesses[0]), dtype=np.int8)
    for witness in witnesses:
        total += witness
    return total


def window(params: Params) -> int:
    """One candle more than the longest memory: the candle before the last must be right as well."""
    averages = (params.ema_fast, params.ema_slow, params.macd_fast, params.macd_slow)
    others = (
        rsi_window(params.rsi_period),
        sma_window(params.bollinger_period),
        volume_ratio_window(params.volume_period),
    )
    return 1 + max(*others, *(ema_window(length) for length in averages))


STRATEGY = Strategy(
    name="confluence",
    title="Confluence",
    summary=(
        "Enters when enough of five witnesses speak for a rise: EMA trend, RSI band, MACD above zero, price above the "
        "middle of its Bollinger Bands, and volume; leaves when as many speak for a fall."
    ),
    Params=Params,
    signals=signals,
    window=window,
)
