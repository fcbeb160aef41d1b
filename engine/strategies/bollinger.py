"""The price coming back into its Bollinger Bands: enters when it climbs back above the lower one, leaves when it falls
back below the upper one."""

from dataclasses import dataclass
from decimal import Decimal

from engine.indicators import bollinger, bollinger_window
from engine.market import Candles
from engine.strategies.contract import Signals, Strategy, crossed_above, known_twice
from engine.strategies.params import decimal, whole


@dataclass(frozen=True)
class Params:
    bollinger_period: int = whole(
        20, 2, 200, search=(10, 50), step=5, label="Bollinger period",
        help="Candles of the average in the middle of the bands.",
    )  # fmt: skip
    bollinger_deviations: Decimal = decimal(
        "2", "0.1", "10", search=("1.5", "3"), step="0.25", label="Deviations",
        help="Standard deviations between the average and each band.",
    )  # fmt: skip


def signals(candles: Candles, params: Params) -> Signals:
    close = candles.closes
    bands = bollinger(close, params.bollinger_period, float(params.bollinger_deviations))
    ready = known_twice(bands.middle)
    up = ready & crossed_above(close, bands.lower)
    down = ready & crossed_above(bands.upper, close)
    return Signals(long_entry=up, long_exit=down, short_entry=down, short_exit=up, ready=ready)


def window(params: Params) -> int:
    """One candle more than the bands look back: the candle before the last must be right as well."""
    return 1 + bollinger_window(params.bollinger_period)


STRATEGY = Strategy(
    name="bollinger",
    title="Bollinger reversal",
    summary="Enters when the price climbs back above the lower band; leaves when it falls back below the upper one.",
    Params=Params,
    signals=signals,
    window=window,
)
