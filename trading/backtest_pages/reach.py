"""Which days of a symbol are known, for the date fields of the form. What is beyond them cannot be tested, and is not
offered.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any, Final

from engine.market import DAY_MS
from exchange.cache import cache
from exchange.instants import instant_of
from exchange.models import Market
from exchange.port import ExchangeError
from trading.research.supply import BINANCE, SOURCES, Span, span_within_reach, stored_span, symbols_of

# A first backtest of everything there is; of a long history, its end.
LONGEST_SUGGESTED: Final = timedelta(days=100)
# The form asks again at every key pressed.
REMEMBERED_SECONDS: Final = 30


@dataclass(frozen=True, slots=True)
class Reach:
    """`span` is None where no candle is known. `is_asked`: the market was asked, so that nothing more can be had."""

    source: str
    market: str
    symbol: str
    span: Span | None
    is_asked: bool = True

    @property
    def first_at(self) -> datetime | None:
        return instant_of(self.span.first_ms) if self.span else None

    @property
    def end_at(self) -> datetime | None:
        return instant_of(self.span.end_ms) if self.span else None

    @property
    def first_day(self) -> date | None:
        return self.first_at.date() if self.first_at else None

    @property
    def last_day(self) -> date | None:
        """The day of the last minute."""
        return instant_of(self.span.end_ms - 1).date() if self.span else None

    @property
    def suggested(self) -> tuple[date, date] | None:
        if self.first_day is None or self.last_day is None:
            return None
        return max(self.first_day, self.last_day - LONGEST_SUGGESTED), self.last_day

    def clipped(self, name: str, given: Any) -> Any:
        """A first or last known day that is not whole ends where its candles do; all else stays as it was given."""
        if self.span is None or self.first_day is None or self.last_day is None:
            return given
        if name == "start_time" and given == self.first_day.isoformat():
            return self.first_at
        if name == "end_time" and given == self.last_day.isoformat() and self.span.end_ms % DAY_MS:
            return self.end_at
        return given


def readable(symbol: str) -> str:
    """As symbols are written; of what no symbol can be, and no database can be asked for, nothing."""
    return symbol.strip().upper()[:32] if symbol.isprintable() else ""


def reach_of(source: str, symbol: str, market: str = Market.SPOT) -> Reach:
    """Asks the market the candles come from, where there is one; what it does not answer is told from what is
    stored. Futures are those of Binance: the paper market has none."""
    market = market if market in Market.values else Market.SPOT.value
    source = source if source in SOURCES and market == Market.SPOT else BINANCE
    of = (source, str(market), readable(symbol))
    key = "reach:" + ":".join(of)
    kept: list[int] | None = cache().get(key)
    if kept is not None:
        return Reach(*of, Span(*kept))
    try:
        span = span_within_reach(*of)
    except ExchangeError:
        return Reach(*of, stored_span(*of), is_asked=False)
    if span is not None:
        cache().put(key, list(span), ttl_seconds=REMEMBERED_SECONDS)
    return Reach(*of, span)


def known_symbols(market: str) -> list[str]:
    """To choose from; none where nobody can be asked."""
    try:
        return symbols_of(market)
    except ExchangeError:
        return []
