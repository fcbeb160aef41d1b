"""What a bot's chart draws of its strategy: averages and bands over the candles, an oscillator in a pane below them.

By the kernels the bot itself decides with, and with its own parameters. Of somebody's own strategy the averages are
drawn whose parameters are called as ours are.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final, NamedTuple

from engine.indicators import bollinger, ema, macd, rsi, sma
from engine.market import FloatArray
from engine.strategies import InvalidParams, UnknownStrategy, parse_params

AVERAGES: Final = ("ema_fast", "ema_slow", "ema_period")
# An average has forgotten where its window began after four times its length; Wilder's takes longer.
LEAD_IN: Final = 4
LEAD_IN_OF_RSI: Final = 10


class StrategyLine(NamedTuple):
    """`pane` 0 lies over the candles, 1 below them; `levels` are dashed across its pane."""

    name: str
    values: FloatArray
    pane: int = 0
    levels: tuple[float, ...] = ()


class Drawing(NamedTuple):
    """`lead_in`: so many candles before the first one shown."""

    lead_in: int
    lines: Callable[[FloatArray], list[StrategyLine]]


def drawing_of(strategy: str, params: Any) -> Drawing:
    """Of what a bot is configured with; nothing where its strategy is gone."""
    try:
        found = parse_params(strategy, params)
    except (InvalidParams, UnknownStrategy):
        return Drawing(0, lambda _closes: [])
    return _DRAWN.get(strategy, _averages)(found)


def _averages(params: Any) -> Drawing:
    lengths = [length for name in AVERAGES if (length := getattr(params, name, None))]
    return Drawing(
        LEAD_IN * max(lengths, default=0),
        lambda closes: [StrategyLine(f"EMA {length}", ema(closes, length)) for length in lengths],
    )


def _rsi(params: Any) -> Drawing:
    levels = (float(params.rsi_oversold), float(params.rsi_overbought))
    length = params.rsi_period
    return Drawing(
        LEAD_IN_OF_RSI * length,
        lambda closes: [StrategyLine(f"RSI {length}", rsi(closes, length), 1, levels)],
    )


def _macd(params: Any) -> Drawing:
    fast, slow, smooth = params.macd_fast, params.macd_slow, params.macd_signal

    def lines(closes: FloatArray) -> list[StrategyLine]:
        found = macd(closes, fast, slow, smooth)
        return [
            StrategyLine(f"MACD {fast}/{slow}", found.line, 1, (0.0,)),
            StrategyLine(f"EMA {smooth}", found.signal, 1),
        ]

    return Drawing(LEAD_IN * (slow + smooth), lines)


def _bollinger(params: Any) -> Drawing:
    length, deviations = params.bollinger_period, float(params.bollinger_deviations)

    def lines(closes: FloatArray) -> list[StrategyLine]:
        bands = bollinger(closes, length, deviations)
        return [
            StrategyLine("BB+", bands.upper),
            StrategyLine(f"BB {length}", bands.middle),
            StrategyLine("BB−", bands.lower),
        ]

    return Drawing(length, lines)


def _confluence(params: Any) -> Drawing:
    averages, length = _averages(params), params.bollinger_period
    return Drawing(
        max(averages.lead_in, length),
        lambda closes: [*averages.lines(closes), StrategyLine(f"SMA {length}", sma(closes, length))],
    )


_DRAWN: Final = {"rsi": _rsi, "macd": _macd, "bollinger": _bollinger, "confluence": _confluence}
