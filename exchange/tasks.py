"""Scheduled upkeep of market data. Losing a run loses nothing: the next one does the same work."""

from __future__ import annotations

from celery import shared_task

from exchange import candles, symbols
from exchange.models import Venue
from exchange.port import ExchangeError


@shared_task(name="exchange.warm_symbols", autoretry_for=(ExchangeError,), retry_backoff=2, max_retries=3)
def warm_symbols() -> int:
    """Ask for the symbols anew and fill the caches; returns how many entries changed."""
    changed = symbols.refresh(Venue.SANDBOX)
    symbols.listing(Venue.SANDBOX)
    return changed


@shared_task(name="exchange.pack_candles")
def pack_candles() -> int:
    """Returns how many candles moved into blocks."""
    return candles.pack_settled_days()
