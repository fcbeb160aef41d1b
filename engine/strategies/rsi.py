"""The relative strength index leaving an extreme: enters when it climbs out of oversold, leaves when it falls out of
overbought."""

from dataclasses import dataclass

from engine.indicators import rsi, rsi_window
from engine.market import Candles
from engine.strategies.contract import Signals, Strategy, crossed_above, known_twice
from engine.strategies.params import whole


@dataclass(frozen=True)
class Params:
    rsi_period: int = whole(
        14, 2, 100, search=(7, 28), step=7, label="RSI period", help="Candles of the relative strength index."
    )
    rsi_oversold: int = whole(
        30, 0, 100, search=(15, 40), step=5, label="RSI oversold",
        help="Climbing above it is the signal to enter long.",
    )  # fmt: skip
    rsi_overbought: int = whole(
        70, 0, 100, search=(60, 85), step=5, label="RSI overbought",
        help="Falling below it is the signal to leave, or to enter short.",
    )  # fmt: skip

    def conflicts(self) -> dict[str, str]:
        if self.rsi_oversold >= self.rsi_overbought:
            return {"rsi_oversold": f"Must be smaller than the overbought level ({self.rsi_overbought})."}
        return {}


def signals(candles: Candles, params: Params) -> Signals:
    strength = rsi(candles.closes, params.rsi_period)
    ready = known_twice(strength)
    up = ready & crossed_above(strength, float(params.rsi_oversold))
    down = ready & crossed_above(float(params.rsi_overbought), strength)
    return Signals(long_entry=up, long_exit=down, short_entry=down, short_exit=up, ready=ready)


def window(params: Params) -> int:
    """One candle more than the memory: the candle before the last must be right as well."""
    return 1 + rsi_window(params.rsi_period)


STRATEGY = Strategy(
    name="rsi",
    title="RSI reversal",
    summary="Enters when RSI climbs back above oversold; leaves when it falls back below overbought.",
    Params=Params,
    signals=signals,
    window=window,
)
