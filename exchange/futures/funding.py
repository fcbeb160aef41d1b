"""Funding rates at rest: what the holders of a perpetual paid one another, settlement by settlement.

A stored rate never changes: one that is offered with another value is refused and shown. A missing one is missing;
nothing is filled in.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final, NamedTuple

import numpy as np
from django.db import transaction
from django.db.models import QuerySet

from engine.amounts import plain_e8
from engine.margin import Funding
from engine.market import MINUTE_MS
from exchange.instants import instant_of
from exchange.models import FundingRate

# Every perpetual settles at 00:00, 08:00 and 16:00 UTC; some settle more often, which only their rates tell.
SETTLEMENT_MS: Final = 8 * 60 * MINUTE_MS


class Settlement(NamedTuple):
    """The rate in 1e-8 (positive: longs pay), at the minute it was settled in."""

    symbol: str
    settled_ms: int
    rate_e8: int


class RatesDiffer(ValueError):
    """A rate is stored with another value than it is offered with now; the stored one stays."""

    def __init__(self, offered: Settlement, stored_e8: int) -> None:
        super().__init__(
            f"The funding rate of {offered.symbol} at {instant_of(offered.settled_ms):%Y-%m-%d %H:%M} is stored as "
            f"{plain_e8(stored_e8)}, not {plain_e8(offered.rate_e8)}. A stored rate never changes."
        )


def settled_minute(at_ms: int) -> int:
    """Binance notes a settlement some milliseconds late; it counts for the minute that began then."""
    return at_ms // MINUTE_MS * MINUTE_MS


def add_rates(source: str, settlements: Iterable[Settlement]) -> int:
    """Store them, all or none; returns how many were new. Raises `RatesDiffer`."""
    offered = {(row.symbol, row.settled_ms): row for row in settlements}
    with transaction.atomic():
        rows = [
            FundingRate(source=source, symbol=row.symbol, settled_ms=row.settled_ms, rate_e8=row.rate_e8)
            for row in offered.values()
        ]
        before = FundingRate.objects.filter(source=source).count()
        FundingRate.objects.bulk_create(rows, ignore_conflicts=True, batch_size=2000)
        symbols = {row.symbol for row in offered.values()}
        stored = FundingRate.objects.filter(source=source, symbol__in=symbols)
        for symbol, settled_ms, rate_e8 in stored.values_list("symbol", "settled_ms", "rate_e8"):
            row = offered.get((symbol, settled_ms))
            if row is not None and row.rate_e8 != rate_e8:
                raise RatesDiffer(row, rate_e8)
        return FundingRate.objects.filter(source=source).count() - before


def funding_of(source: str, symbol: str, *, start_ms: int, end_ms: int) -> Funding:
    """The known settlements after the start, up to and at the end."""
    rows = _between(source, symbol, start_ms, end_ms).values_list("settled_ms", "rate_e8")
    table = np.array(list(rows), dtype=np.int64).reshape(-1, 2)
    return Funding(np.ascontiguousarray(table[:, 0]), np.ascontiguousarray(table[:, 1]))


def settlements_within(start_ms: int, end_ms: int) -> list[int]:
    """When every perpetual settles: after the start, up to and at the end."""
    first = (start_ms // SETTLEMENT_MS + 1) * SETTLEMENT_MS
    return list(range(first, end_ms + 1, SETTLEMENT_MS))


def missing_settlements(source: str, symbol: str, *, start_ms: int, end_ms: int) -> list[int]:
    """Those of a stretch whose rate is not stored."""
    known = set(_between(source, symbol, start_ms, end_ms).values_list("settled_ms", flat=True))
    return [at_ms for at_ms in settlements_within(start_ms, end_ms) if at_ms not in known]


def _between(source: str, symbol: str, start_ms: int, end_ms: int) -> QuerySet[FundingRate]:
    rows = FundingRate.objects.filter(
        source=source, symbol=symbol, settled_ms__gt=start_ms, settled_ms__lte=end_ms
    )
    return rows.order_by("settled_ms")
