"""Two averages crossing, with RSI as a brake: enters with the move unless it has run too far already."""

from dataclasses import dataclass

from engine.indicators import crossing, ema, ema_window, rsi_window
from engine.market import Candles
from engine.strategies.contract import Signals, Strategy, known_twice
from engine.strategies.crossings import crossings
from engine.strategies.params import whole


@dataclass(frozen=True)
class Params:
    ema_fast: int = whole(8, 1, 200, search=(3, 15), label="Fast EMA", help="Candles of the fast average.")
    ema_slow: int = whole(
        21, 2, 400, search=(15, 60), step=5, label="Slow EMA",
        help="Candles of the slow average; more than the fast one.",
    )  # fmt: skip
    ema_period: int | None = whole(
        None, 2, 400, search=(50, 200), step=50, label="Trend EMA",
        help="Optional: enter long only above this average, short only below it.",
    )  # fmt: skip
    rsi_period: int = whole(
        7, 2, 100, search=(7, 21), step=7, label="RSI period", help="Candles of the relative strength index."
    )
    rsi_oversold: int = whole(
        35, 0, 100, search=(20, 45), step=5, label="RSI oversold",
        help="At or below it, no exit and no short entry.",
    )  # fmt: skip
    rsi_overbought: int = whole(
        65, 0, 100, search=(55, 80), step=5, label="RSI overbought", help="At or above it, no long entry."
    )

    def conflicts(self) -> dict[str, str]:
        found = {}
        if self.ema_fast >= self.ema_slow:
            found["ema_fast"] = f"Must be smaller than the slow EMA ({self.ema_slow})."
        if self.rsi_oversold >= self.rsi_overbought:
            found["rsi_oversold"] = f"Must be smaller than the overbought level ({self.rsi_overbought})."
        return found


def signals(candles: Candles, params: Params) -> Signals:
    close = candles.closes
    fast, slow, strength = crossing(close, params.ema_fast, params.ema_slow, params.rsi_period)
    ready, up, down = crossings(fast, slow, strength, low=params.rsi_oversold, high=params.rsi_overbought)
    if params.ema_period is None:
        return Signals(long_entry=up, long_exit=down, short_entry=down, short_exit=up, ready=ready)
    trend = ema(close, params.ema_period)
    ready &= known_twice(trend)
    up &= ready
    down &= ready
    return Signals(
        long_entry=up & (close > trend),
        long_exit=down,
        short_entry=down & (close < trend),
        short_exit=up,
        ready=ready,
    )


def window(params: Params) -> int:
    """One candle more than the longest memory: the candle before the last must be right as well."""
    averages = [params.ema_fast, params.ema_slow, params.ema_period or params.ema_slow]
    return 1 + max(rsi_window(params.rsi_period), *(ema_window(length) for length in averages))


STRATEGY = Strategy(
    name="ema",
    title="EMA crossing",
    summary=(
        "Enters when the fast average crosses above the slow one and RSI is not overbought; "
        "leaves when it crosses back below and RSI is not oversold."
    ),
    Params=Params,
    signals=signals,
    window=window,
)
