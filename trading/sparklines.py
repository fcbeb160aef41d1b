"""The last 24 hours of a symbol as a small line: 48 half-hour closes, drawn on the server, remembered for minutes.

Nothing is written, and a line that cannot be had is left out.
"""

from __future__ import annotations

from typing import Any, Final

import structlog

from exchange.cache import cache
from exchange.connect import market_data
from exchange.port import ExchangeError
from trading.markets import MARKET, VENUE

logger = structlog.get_logger(__name__)

INTERVAL: Final = "30m"
POINTS: Final = 48
KEPT_SECONDS: Final = 300
# A page waits for this many new lines; the rest come when they are scrolled to.
ASKED_PER_PAGE: Final = 4
WIDTH: Final = 96
HEIGHT: Final = 28


def sparklines_of(symbols: list[str], *, may_ask: bool) -> dict[str, str]:
    """The lines at hand; where `may_ask`, with a few more asked for now."""
    kept = cache().get_many([_key(symbol) for symbol in symbols])
    lines = {symbol: draw(closes) for symbol, closes in zip(symbols, kept, strict=True) if closes}
    missing = [symbol for symbol in symbols if symbol not in lines] if may_ask else []
    for symbol in missing[:ASKED_PER_PAGE]:
        line = ask_sparkline(symbol)
        if line is None:
            break
        lines[symbol] = line
    return lines


def sparkline_of(symbol: str) -> str | None:
    """Remembered, or asked for now; None where the exchange cannot say."""
    closes = cache().get(_key(symbol))
    return draw(closes) if closes else ask_sparkline(symbol)


def ask_sparkline(symbol: str) -> str | None:
    try:
        candles = market_data(VENUE).candles(symbol, INTERVAL, start_ms=None, end_ms=None, limit=POINTS)
    except ExchangeError as error:
        logger.warning("sparkline_not_asked", symbol=symbol, error=type(error).__name__)
        return None
    closes = candles.close.tolist()
    if not closes:
        return None
    cache().put(_key(symbol), closes, ttl_seconds=KEPT_SECONDS)
    return draw(closes)


def draw(closes: list[Any]) -> str:
    """SVG path data in a box of WIDTH × HEIGHT: a line through the closes from edge to edge; a flat one runs through
    the middle."""
    low, high = min(closes), max(closes)
    across = WIDTH / max(1, len(closes) - 1)
    room = HEIGHT - 4
    heights = [(high - close) / (high - low) * room + 2 if high > low else HEIGHT / 2 for close in closes]
    points = " ".join(f"{number * across:.1f},{y:.1f}" for number, y in enumerate(heights))
    return f"M{points}"


def _key(symbol: str) -> str:
    return f"sparkline:{VENUE}:{MARKET}:{symbol}"
