"""Candles that are missing, and those of them that are known to be missing at the exchange itself.

What the exchange has no candle of is recorded, so that it is named and not asked for again; it is never invented.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import NamedTuple

import numpy as np

from engine.market import Candles, interval_ms
from exchange.candles.store import Series
from exchange.models import CandleGap


class Gap(NamedTuple):
    """Candles that are missing: the first and the last opening (ms), inclusive."""

    first_ms: int
    last_ms: int


def find_gaps(
    candles: Candles, interval: str, start_ms: int | None = None, until_open_ms: int | None = None
) -> list[Gap]:
    """Stretches without a candle, also before the first and after the last where bounds are given."""
    length = interval_ms(interval)
    before = [] if start_ms is None else [-(-start_ms // length) * length - length]
    after = [] if until_open_ms is None else [until_open_ms // length * length + length]
    ends = [np.array(edge, dtype=np.int64) for edge in (before, after)]
    whole = np.concatenate((ends[0], candles.open_ms, ends[1]))
    holes = np.flatnonzero(np.diff(whole) > length)
    return [Gap(int(whole[at]) + length, int(whole[at + 1]) - length) for at in holes]


def recorded_gaps(series: Series, start_ms: int, until_open_ms: int) -> list[Gap]:
    """What is recorded between the two openings, cut to them, in the order of time."""
    rows = CandleGap.objects.filter(
        **series._asdict(), first_ms__lte=until_open_ms, last_ms__gte=start_ms
    ).order_by("first_ms")
    return [
        Gap(max(first, start_ms), min(last, until_open_ms))
        for first, last in rows.values_list("first_ms", "last_ms")
    ]


def record_gaps(series: Series, gaps: Iterable[Gap]) -> None:
    CandleGap.objects.bulk_create(
        (CandleGap(**series._asdict(), first_ms=gap.first_ms, last_ms=gap.last_ms) for gap in gaps),
        ignore_conflicts=True,
    )


def without(gaps: Iterable[Gap], known: list[Gap], length: int) -> list[Gap]:
    """The stretches of `gaps` that no known one covers; both in the order of time."""
    left = []
    for gap in gaps:
        at = gap.first_ms
        for hole in known:
            if hole.last_ms < at or hole.first_ms > gap.last_ms:
                continue
            if hole.first_ms > at:
                left.append(Gap(at, hole.first_ms - length))
            at = hole.last_ms + length
        if at <= gap.last_ms:
            left.append(Gap(at, gap.last_ms))
    return left
