"""MACD crossing its own average: enters when the move gathers speed, leaves when it loses it."""

from dataclasses import dataclass

from engine.indicators import macd, macd_window
from engine.market import Candles
from engine.strategies.contract import Signals, Strategy
from engine.strategies.crossings import crossings
from engine.strategies.params import whole


@dataclass(frozen=True)
class Params:
    macd_fast: int = whole(
        12, 1, 100, search=(6, 18), step=2, label="Fast average", help="Candles of the fast average of MACD."
    )
    macd_slow: int = whole(
        26, 2, 200, search=(20, 50), step=5, label="Slow average",
        help="Candles of the slow average of MACD; more than the fast one.",
    )  # fmt: skip
    macd_signal: int = whole(
        9, 2, 100, search=(5, 15), step=2, label="Signal average",
        help="Candles of the average of MACD that MACD itself must cross.",
    )  # fmt: skip

    def conflicts(self) -> dict[str, str]:
        if self.macd_fast >= self.macd_slow:
            return {"macd_fast": f"Must be smaller than the slow average ({self.macd_slow})."}
        return {}


def signals(candles: Candles, params: Params) -> Signals:
    line, average = macd(candles.closes, params.macd_fast, params.macd_slow, params.macd_signal)
    ready, up, down = crossings(line, average)
    return Signals(long_entry=up, long_exit=down, short_entry=down, short_exit=up, ready=ready)


def window(params: Params) -> int:
    """One candle more than the memory: the candle before the last must be right as well."""
    return 1 + macd_window(params.macd_fast, params.macd_slow, params.macd_signal)


STRATEGY = Strategy(
    name="macd",
    title="MACD crossing",
    summary="Enters when MACD crosses above its signal average; leaves when it crosses back below.",
    Params=Params,
    signals=signals,
    window=window,
)
