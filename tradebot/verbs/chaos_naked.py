"""For how long positions stood without their stop, by the market's own records alone: fills, stops, and their ends.

Time in which the product could do nothing (database, Valkey, worker or exchange down) is not counted; what is left is
told apart by whether the outcome of one of the bot's requests was unknown then.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any, Final

Span = tuple[float, float]
Row = Mapping[str, Any]

# Our client ids: tb + tag, bot, purpose and number.
_OURS: Final = re.compile(r"tb[a-z0-9]+-(\d+)-([extsl])\d+")
STOPS: Final = ("STOP_LOSS", "STOP_LOSS_LIMIT")
# Less than this of the entry is dust: it could not be sold.
DUST_SHARE: Final = Decimal("0.01")


@dataclass(frozen=True)
class Naked:
    """One stretch without a stop: seconds of wall time within which the product could act; how many requests of the
    bot had no known end in it; `lasts` to the very end."""

    bot_id: int
    began: float
    seconds: float
    unknowns: int
    lasts: bool = False

    @property
    def is_unknown(self) -> bool:
        return self.unknowns > 0

    @property
    def seconds_an_outcome(self) -> float:
        """Where one request after the other was lost, each had its own time."""
        return self.seconds / max(self.unknowns, 1)


def naked_stretches(
    orders: Sequence[Row],
    fills: Sequence[Row],
    *,
    wanting: Iterable[int],
    unknown: Mapping[int, Sequence[Span]],
    down: Sequence[Span],
    until: float,
) -> list[Naked]:
    """Every stretch of a bot that wants a stop. Times in seconds of wall time; `unknown` are the stretches in which an
    request of the bot had no known end, `until` is when the records were read."""
    stops, traded = _by_bot(orders), _by_bot(fills)
    found = []
    for bot_id in wanting:
        covered = [_standing(row, until) for row in stops[bot_id] if row["type"] in STOPS]
        for held in _held(traded[bot_id], until):
            for began, ended in _without([held], covered):
                seconds = sum(end - start for start, end in _without([(began, ended)], down))
                lost = [span for span in unknown.get(bot_id, ()) if span[0] <= ended and span[1] >= began]
                found.append(Naked(bot_id, began, seconds, len(lost), lasts=ended >= until))
    return found


def _by_bot(rows: Sequence[Row]) -> dict[int, list[Row]]:
    grouped: dict[int, list[Row]] = defaultdict(list)
    for row in rows:
        ours = _OURS.fullmatch(str(row["clientOrderId"]))
        if ours:
            grouped[int(ours[1])].append(row)
    return grouped


def _standing(stop: Row, until: float) -> Span:
    """From its acceptance until it ended or was triggered without being filled at once."""
    ends = [stop[name] for name in ("triggered_at", "ended_at") if stop.get(name) is not None]
    return stop["accepted_at"] / 1000, min(ends) / 1000 if ends else until


def _held(fills: Sequence[Row], until: float) -> list[Span]:
    """When the bot held coins worth protecting, from its fills in their order."""
    spans, bought, held, since = [], Decimal(0), Decimal(0), 0.0
    for fill in sorted(fills, key=lambda row: row["accepted_at"]):
        at, quantity = fill["accepted_at"] / 1000, Decimal(fill["qty"])
        if fill["side"] == "BUY":
            if held <= bought * DUST_SHARE:
                since, bought = at, Decimal(0)
            quantity -= (
                Decimal(fill["commission"]) if fill["symbol"].startswith(fill["commissionAsset"]) else 0
            )
            bought, held = bought + quantity, held + quantity
            continue
        was_held = held > bought * DUST_SHARE
        held -= quantity
        if was_held and held <= bought * DUST_SHARE:
            spans.append((since, at))
    if held > bought * DUST_SHARE:
        spans.append((since, until))
    return spans


def _without(spans: Iterable[Span], taken: Iterable[Span]) -> list[Span]:
    """What is left of the spans where nothing of `taken` lies."""
    left = list(spans)
    for start, end in taken:
        cut: list[Span] = []
        for began, ended in left:
            if end <= began or start >= ended:
                cut.append((began, ended))
                continue
            cut += [(began, start)] if start > began else []
            cut += [(end, ended)] if end < ended else []
        left = cut
    return left
