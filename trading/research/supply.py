"""Which candles a backtest can stand on: what is stored, and what the market they come from can still give.

Every candle names its source. Of real markets only stored ones are used where this installation may not ask them.
Futures are traded nowhere here, so theirs are always stored ones, with the rules Binance served once.
"""

from __future__ import annotations

from typing import Final, NamedTuple

from engine.market import MINUTE_MS
from engine.rules import SymbolRules
from exchange.candles import known_range, stored_symbols
from exchange.connect import VenueNotAvailable, market_data
from exchange.futures.contracts import contract_symbols, rules_of_contract, rules_version
from exchange.models import Market, Venue
from exchange.port import MarketData
from exchange.symbols import rules_for, tradable

SANDBOX: Final = "sandbox"
BINANCE: Final = "binance"
SOURCES: Final = (SANDBOX, BINANCE)
# Whose rules orders are rounded with. The paper market lists the real symbols with their real rules.
RULES_VENUE: Final = str(Venue.SANDBOX)
# Asked for candles of a source, in this order.
_VENUES: Final[dict[str, tuple[str, ...]]] = {
    SANDBOX: (str(Venue.SANDBOX),),
    BINANCE: (str(Venue.LIVE),),
}


class Span(NamedTuple):
    """From the opening of the first minute to the end of the last (ms)."""

    first_ms: int
    end_ms: int

    def covers(self, start_ms: int, end_ms: int) -> bool:
        return self.first_ms <= start_ms and end_ms <= self.end_ms


def rules_of(market: str, symbol: str) -> tuple[SymbolRules, int]:
    """The rules orders are rounded with, and their version. Raises `UnknownSymbol`, or `ExchangeError` where nothing is
    known and the exchange does not answer. Outside a transaction."""
    if market == Market.FUTURES:
        return rules_of_contract(symbol), rules_version()
    return rules_for(RULES_VENUE, market, symbol)


def symbols_of(market: str) -> list[str]:
    """To choose from. Of futures those with candles: nobody could be asked for others. Raises `ExchangeError`."""
    if market == Market.FUTURES:
        return sorted(set(contract_symbols()) & stored_symbols(BINANCE, market))
    return tradable(RULES_VENUE, market)


def market_of(source: str, market: str) -> MarketData | None:
    """Where missing candles of that source can be fetched; None where this installation may not ask."""
    if market == Market.FUTURES:
        return None
    for venue in _VENUES[source]:
        try:
            return market_data(venue)
        except VenueNotAvailable:
            continue
    return None


def stored_span(source: str, market: str, symbol: str) -> Span | None:
    """From the first to the last minute that is stored; None where there is none."""
    known = known_range(source, market, symbol)
    return Span(known[0], known[1] + MINUTE_MS) if known else None


def span_within_reach(source: str, market: str, symbol: str) -> Span | None:
    """What is stored, and what can be fetched to it. May ask the exchange: raises `ExchangeError` where it is away."""
    stored, venue = stored_span(source, market, symbol), market_of(source, market)
    if venue is None:
        return stored
    first = venue.candles(symbol, "1m", start_ms=0, end_ms=None, limit=1)
    if not len(first):
        return stored
    end_ms = venue.market_time_ms(symbol) // MINUTE_MS * MINUTE_MS
    first_ms = int(first.open_ms[0])
    if stored is None:
        return Span(first_ms, end_ms) if first_ms < end_ms else None
    return Span(min(stored.first_ms, first_ms), max(stored.end_ms, end_ms))
