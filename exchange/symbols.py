"""Symbols and their rules: kept in rows with a version, so that an exchange or a Redis away stops nobody.

Read process → Redis → row → exchange. A bot run that read a symbol within the last minute needs none of them.
"""

from __future__ import annotations

import json
import threading
import time
from datetime import timedelta
from typing import Any, Final, NamedTuple

import structlog
from django.db import connection, transaction
from django.utils import timezone

from engine.rules import InexactAmount, SymbolRules, rules_from_symbol_info
from exchange.cache import cache
from exchange.connect import market_data
from exchange.models import Market, SymbolInfo
from exchange.port import ExchangeError, Unavailable

logger = structlog.get_logger(__name__)

QUOTE_ASSET: Final = "USDT"
REDIS_SECONDS: Final = 3600
PROCESS_SECONDS: Final = 60.0
FRESH: Final = timedelta(hours=1)
DELISTED: Final = "DELISTED"


class UnknownSymbol(LookupError):
    """The venue does not list the symbol on that market, or lists it with rules we do not understand."""

    def __init__(self, symbol: str, venue: str, reason: str = "") -> None:
        text = reason or f"{symbol} is not a symbol of the {venue} venue. Choose one from its list."
        super().__init__(text)
        self.message = text
        self.symbol = symbol


class _Known(NamedTuple):
    rules: SymbolRules
    version: int
    until: float


_known: dict[tuple[str, str, str], _Known] = {}
_asking = threading.Lock()


def rules_for(venue: str, market: str, symbol: str) -> tuple[SymbolRules, int]:
    """The rules and their version. Raises `UnknownSymbol`, or `ExchangeError` where nothing is known and the exchange
    does not answer. Call it outside a transaction: the first call may ask the exchange."""
    key = (venue, market, symbol)
    known = _known.get(key)
    if known is None or known.until < time.monotonic():
        info, version = _entry(venue, market, symbol)
        known = _known[key] = _Known(_understood(info, venue), version, time.monotonic() + PROCESS_SECONDS)
    return known.rules, known.version


def tradable(venue: str, market: str = Market.SPOT) -> list[str]:
    """Names of the symbols that trade against USDT, sorted; from Redis, the rows, or the exchange."""
    return [row["symbol"] for row in listing(venue, market)]


def listing(venue: str, market: str = Market.SPOT) -> list[dict[str, str]]:
    """Tradable symbols as {symbol, base_asset, quote_asset}, sorted by name."""
    key = _list_key(venue, market)
    kept: list[dict[str, str]] | None = cache().get(key)
    if kept is not None:
        return kept
    if not SymbolInfo.objects.filter(venue=venue, market=market).exists():
        refresh(venue, market)
    rows = SymbolInfo.objects.filter(venue=venue, market=market, status="TRADING", quote_asset=QUOTE_ASSET)
    found = [
        {"symbol": symbol, "base_asset": base, "quote_asset": quote}
        for symbol, base, quote in rows.order_by("symbol").values_list("symbol", "base_asset", "quote_asset")
    ]
    cache().put(key, found, ttl_seconds=REDIS_SECONDS)
    return found


def refresh(venue: str, market: str = Market.SPOT) -> int:
    """Ask the exchange for every symbol and keep what it says; returns how many entries changed.

    Raises `ExchangeError` and then leaves the last good copy as it is. A symbol no longer listed is kept as DELISTED.
    """
    infos = market_data(venue).symbol_infos()
    if not infos:
        raise Unavailable("The exchange listed no symbols; the last good list is kept.")
    with transaction.atomic():
        changed = _write(venue, market, infos) + _mark_delisted(venue, market, infos)
    forget(venue, market, [*changed, *(str(info["symbol"]) for info in infos)] if changed else [])
    if changed:
        logger.info("symbols_changed", venue=venue, market=market, count=len(changed))
    return len(changed)


def forget(venue: str, market: str, symbols: list[str]) -> None:
    """Drop what this process and Redis remember of these, so that the rows are read again."""
    forget_process()
    cache().delete(_list_key(venue, market), *(_entry_key(venue, market, symbol) for symbol in symbols))


def forget_process() -> None:
    """Drop what this process remembers."""
    _known.clear()


def _entry(venue: str, market: str, symbol: str) -> tuple[dict[str, Any], int]:
    """exchangeInfo's entry and its version."""
    kept = cache().get(_entry_key(venue, market, symbol))
    if kept is not None:
        return kept["info"], kept["version"]
    row = _fresh_row(venue, market, symbol)
    if row is None:
        raise UnknownSymbol(symbol, venue)
    entry = {"info": row.info, "version": row.rules_version}
    cache().put(_entry_key(venue, market, symbol), entry, ttl_seconds=REDIS_SECONDS)
    return row.info, row.rules_version


def _fresh_row(venue: str, market: str, symbol: str) -> SymbolInfo | None:
    """The row, refreshed where it is missing or old; the old one where the exchange is away."""
    row = _row(venue, market, symbol)
    if _is_fresh(row):
        return row
    with _asking:
        row = _row(venue, market, symbol)
        if _is_fresh(row):
            return row
        try:
            refresh(venue, market)
        except ExchangeError as error:
            if row is None:
                raise
            logger.warning("symbols_not_refreshed", venue=venue, error=type(error).__name__)
    return _row(venue, market, symbol)


def _row(venue: str, market: str, symbol: str) -> SymbolInfo | None:
    return SymbolInfo.objects.filter(venue=venue, market=market, symbol=symbol).first()


def _is_fresh(row: SymbolInfo | None) -> bool:
    return row is not None and row.fetched_at > timezone.now() - FRESH


def _understood(info: dict[str, Any], venue: str) -> SymbolRules:
    try:
        return rules_from_symbol_info(info)
    except (KeyError, InexactAmount) as error:
        symbol = str(info.get("symbol", "?"))
        raise UnknownSymbol(symbol, venue, f"The rules of {symbol} on {venue} cannot be read.") from error


def _list_key(venue: str, market: str) -> str:
    return f"symbols:{venue}:{market}"


def _entry_key(venue: str, market: str, symbol: str) -> str:
    return f"symbol:{venue}:{market}:{symbol}"


_WRITE: Final = """
INSERT INTO exchange_symbolinfo AS old (venue, market, symbol, status, base_asset, quote_asset, info, rules_version,
                                        fetched_at, created_at, updated_at)
SELECT %(venue)s, %(market)s, new.info->>'symbol', new.info->>'status', new.info->>'baseAsset',
       new.info->>'quoteAsset', new.info, 1, %(now)s, %(now)s, %(now)s
FROM jsonb_array_elements(%(infos)s::jsonb) AS new(info)
ON CONFLICT (venue, market, symbol) DO UPDATE
SET status = EXCLUDED.status, base_asset = EXCLUDED.base_asset, quote_asset = EXCLUDED.quote_asset,
    fetched_at = EXCLUDED.fetched_at, info = EXCLUDED.info,
    rules_version = old.rules_version + (old.info IS DISTINCT FROM EXCLUDED.info)::int,
    updated_at = CASE WHEN old.info IS DISTINCT FROM EXCLUDED.info THEN EXCLUDED.updated_at ELSE old.updated_at END
RETURNING symbol, updated_at
"""


def _write(venue: str, market: str, infos: list[dict[str, object]]) -> list[str]:
    """Upsert every entry; names of those that are new or changed."""
    now = timezone.now()
    with connection.cursor() as cursor:
        cursor.execute(_WRITE, {"venue": venue, "market": market, "now": now, "infos": json.dumps(infos)})
        return [symbol for symbol, updated_at in cursor.fetchall() if updated_at == now]


def _mark_delisted(venue: str, market: str, infos: list[dict[str, object]]) -> list[str]:
    gone = SymbolInfo.objects.select_for_update().filter(venue=venue, market=market)
    rows = list(gone.exclude(symbol__in=[str(info["symbol"]) for info in infos]).exclude(status=DELISTED))
    for row in rows:
        row.status, row.info = DELISTED, {**row.info, "status": DELISTED}
        row.rules_version += 1
        row.save(update_fields=["status", "info", "rules_version", "updated_at"])
    return [row.symbol for row in rows]
