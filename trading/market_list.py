"""The list of markets: what is traded, narrowed, sorted and in pages. A user's favourites are marked, theirs alone."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from decimal import Decimal
from typing import Any, Final

from django.core.paginator import Page, Paginator

from accounts.models import FavouriteSymbol
from exchange.symbols import listing
from trading.markets import MARKET, VENUE, Board, Quote
from trading.sparklines import sparklines_of

PAGE_SIZE: Final = 50
NEVER: Final = Decimal("-Infinity")


@dataclass(frozen=True)
class MarketRow:
    """A symbol of the list; `quote` is None while no price of it is known, `sparkline` while it was not asked for."""

    symbol: str
    base_asset: str
    quote_asset: str
    is_favourite: bool
    quote: Quote | None
    sparkline: str | None = None


def _figure(name: str) -> Callable[[MarketRow], Any]:
    """Sorts by a figure of the quote; what has none comes last from above."""

    def figure(row: MarketRow) -> Any:
        value = getattr(row.quote, name, None)
        return NEVER if value is None else value

    return figure


SORTS: Final[Mapping[str, Callable[[MarketRow], Any]]] = {
    "symbol": lambda row: row.symbol,
    "price": _figure("price"),
    "change": _figure("change"),
    "volume": _figure("volume"),
}
DEFAULT_SORT: Final = "-volume"


class MarketList:
    """One page of the list, as the address asks for it: `q`, `favourites`, `sort`, `page`. Unknown values ask nothing.

    Raises ExchangeError where no symbols are known and the exchange does not answer."""

    def __init__(self, user: Any, wanted: Mapping[str, str], board: Board, *, now: float) -> None:
        self.search = wanted.get("q", "").strip()[:32]
        self.only_favourites = wanted.get("favourites") == "1"
        sort = wanted.get("sort", "")
        self.sort = sort if sort.removeprefix("-") in SORTS else DEFAULT_SORT
        self.stands_still = board.stands_still(now)
        rows = _rows(user, board)
        self.has_any = bool(rows)
        self.page = self._page(self._narrowed(rows), wanted.get("page"))

    def _narrowed(self, rows: list[MarketRow]) -> list[MarketRow]:
        sought = self.search.upper().replace("/", "")
        found = [row for row in rows if sought in row.symbol]
        if self.only_favourites:
            found = [row for row in found if row.is_favourite]
        found.sort(key=lambda row: row.symbol)
        found.sort(key=SORTS[self.sort.removeprefix("-")], reverse=self.sort.startswith("-"))
        # Favourites stay on top, whatever the order below them.
        return sorted(found, key=lambda row: not row.is_favourite)

    def _page(self, rows: list[MarketRow], number: str | None) -> Page[MarketRow]:
        page = Paginator(rows, PAGE_SIZE).get_page(number)
        # An exchange that does not tell its prices would let every page wait for its candles too.
        lines = sparklines_of([row.symbol for row in page], may_ask=not self.stands_still)
        page.object_list = [replace(row, sparkline=lines.get(row.symbol)) for row in page]
        return page


def _rows(user: Any, board: Board) -> list[MarketRow]:
    favourites = favourites_of(user)
    return [
        MarketRow(
            symbol=entry["symbol"],
            base_asset=entry["base_asset"],
            quote_asset=entry["quote_asset"],
            is_favourite=entry["symbol"] in favourites,
            quote=board.quotes.get(entry["symbol"]),
        )
        for entry in listing(VENUE, MARKET)
    ]


def favourites_of(user: Any) -> set[str]:
    return set(FavouriteSymbol.objects.for_user(user).filter(market=MARKET).values_list("symbol", flat=True))


def set_favourite(user: Any, symbol: str, *, wanted: bool) -> None:
    """Asked twice, it is the same."""
    if wanted:
        FavouriteSymbol.objects.get_or_create(user=user, market=MARKET, symbol=symbol)
    else:
        FavouriteSymbol.objects.for_user(user).filter(market=MARKET, symbol=symbol).delete()
