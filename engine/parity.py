"""What a bot really traded beside what a backtest of it trades: paired one by one, each difference with its cause.

Pure: two lists of trades in order of time go in. A difference that nothing else explains is one of logic, and there
must be none; what follows from an earlier difference carries that one's cause.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, Final

import numpy as np

from engine.market import IntArray
from engine.results import END_OF_DATA, EXIT_REASONS, NO_EXIT, Folded
from engine.strategies.contract import BoolArray

BUY: Final = 1
SELL: Final = -1
# Exits that a person or the exchange made, and no rule of the bot.
BY_HAND_REASONS: Final = frozenset({"manual", "close_all", "unprotected"})
ENTRY: Final = "entry"
TAKE_PROFIT: Final = "take_profit"
# Filled where an order already stood, at the instant the price came there.
RESTING_REASONS: Final = frozenset({TAKE_PROFIT, "stop_loss", "trailing_stop"})


class Cause(StrEnum):
    LOGIC = "logic"
    LATENCY = "latency"
    SLIPPAGE = "slippage"
    MISSED = "missed"
    FUNDING = "funding"
    BY_HAND = "by hand"


@dataclass(frozen=True, slots=True, kw_only=True)
class Deal:
    """One filled order. `at_ms` market time; `side` BUY or SELL; `price_e8` its average; `commission_e8` in the base
    asset where `commission_is_base`; `funding_e8` what the position paid until this exit (received: negative)."""

    at_ms: int
    side: int
    reason: str
    price_e8: int
    quantity_e8: int
    commission_e8: int
    commission_is_base: bool
    funding_e8: int = 0

    @property
    def is_entry(self) -> bool:
        """Shorts are sold, too."""
        return self.reason == ENTRY


def deals_of(folded: Folded) -> list[Deal]:
    """Without the sale of what is left at the end, which no exchange has seen."""
    trades = folded.trades
    names = ("at_ms", "side", "reason", "price_e8", "quantity_e8", "commission_e8", "commission_is_base")
    funding_e8 = np.where(trades.reason == NO_EXIT, 0, folded.positions.funding_e8[trades.position])
    rows: Any = zip(*(getattr(trades, name).tolist() for name in names), funding_e8.tolist(), strict=True)
    return [
        Deal(
            at_ms=at_ms,
            side=side,
            reason=EXIT_REASONS[reason] or ENTRY,
            price_e8=price,
            quantity_e8=quantity,
            commission_e8=commission,
            commission_is_base=bool(is_base),
            funding_e8=funding,
        )
        for at_ms, side, reason, price, quantity, commission, is_base, funding in rows
        if reason != END_OF_DATA
    ]


@dataclass(frozen=True, slots=True)
class Difference:
    """`fields` names what differs between the two; where only one side traded it is empty and the other is None."""

    cause: Cause
    live: Deal | None
    backtest: Deal | None
    fields: tuple[str, ...] = ()

    @property
    def at_ms(self) -> int:
        deal = self.live or self.backtest
        assert deal is not None
        return deal.at_ms


@dataclass(frozen=True, slots=True)
class Comparison:
    """`agreeing` pairs are equal to the last digit, but for a delay that was allowed."""

    agreeing: int
    differences: tuple[Difference, ...]

    @property
    def score(self) -> float | None:
        """Percent of all trades, of either side, on which both agree; None before the first."""
        total = self.agreeing + len(self.differences)
        return 100 * self.agreeing / total if total else None

    def count(self, cause: Cause) -> int:
        return sum(difference.cause is cause for difference in self.differences)


@dataclass(frozen=True, slots=True, kw_only=True)
class Allowance:
    """How far apart the two may lie. Trades pair within `window_ms`; one that is later by at most `punctual_ms` and
    equal otherwise agrees. `missed`: stretches (from, until; ms) in which the bot is known to have been kept from
    acting: a trade of the backtest alone in one of them was missed."""

    window_ms: int
    punctual_ms: int = 0
    missed: Sequence[tuple[int, int]] = ()

    def is_missed(self, deal: Deal) -> bool:
        return any(from_ms <= deal.at_ms < until_ms for from_ms, until_ms in self.missed)


EXACT: Final = Allowance(window_ms=0)
type Pair = tuple[Deal | None, Deal | None]


def compare(live: Sequence[Deal], backtest: Sequence[Deal], allowance: Allowance = EXACT) -> Comparison:
    """Both in order of time, from the same flat start."""
    told = _Teller(allowance)
    for ours, theirs in paired(live, backtest, allowance.window_ms):
        told.hear(ours, theirs)
    return Comparison(told.agreeing, tuple(told.differences))


def paired(live: Sequence[Deal], backtest: Sequence[Deal], window_ms: int) -> Iterator[Pair]:
    """Trades of one side at most `window_ms` apart belong together; of those that do not, the earlier comes first."""
    ours, theirs = 0, 0
    while ours < len(live) and theirs < len(backtest):
        one, other = live[ours], backtest[theirs]
        if one.side == other.side and abs(one.at_ms - other.at_ms) <= window_ms:
            yield one, other
            ours, theirs = ours + 1, theirs + 1
        elif one.at_ms <= other.at_ms:
            yield one, None
            ours += 1
        else:
            yield None, other
            theirs += 1
    yield from ((one, None) for one in live[ours:])
    yield from ((None, other) for other in backtest[theirs:])


def fields_apart(live: Deal, backtest: Deal) -> tuple[str, ...]:
    """Which fields differ, in the order in which they explain each other."""
    names = (
        "reason",
        "at_ms",
        "price_e8",
        "funding_e8",
        "quantity_e8",
        "commission_e8",
        "commission_is_base",
    )
    return tuple(name for name in names if getattr(live, name) != getattr(backtest, name))


class _Teller:
    """Goes through the pairs in order of time and remembers what explains what comes later: how this position's entry
    differed, whether the two hold different positions, what first made the money of the two differ."""

    def __init__(self, allowance: Allowance) -> None:
        self.allowance = allowance
        self.agreeing = 0
        self.differences: list[Difference] = []
        self.holds_live = self.holds_backtest = False
        self.entered_by: Cause | None = None
        self.parted_by: Cause | None = None
        self.money_differs_by: Cause | None = None

    def hear(self, live: Deal | None, backtest: Deal | None) -> None:
        if live is not None and backtest is not None:
            self._hear_both(live, backtest)
        else:
            self._tell(self._cause_of_one(live, backtest), live, backtest)
        self._hold(live, backtest)

    def _hear_both(self, live: Deal, backtest: Deal) -> None:
        if live.is_entry:
            self.entered_by = None
        fields = fields_apart(live, backtest)
        is_late = fields == ("at_ms",) and 0 < live.at_ms - backtest.at_ms <= self.allowance.punctual_ms
        if not fields or is_late:
            self.agreeing += 1
        else:
            self._tell(self._cause_of_both(live, backtest, fields[0]), live, backtest, fields)

    def _tell(
        self, cause: Cause, live: Deal | None, backtest: Deal | None, fields: tuple[str, ...] = ()
    ) -> None:
        self.differences.append(Difference(cause, live, backtest, fields))
        if fields != ("at_ms",):
            self.money_differs_by = self.money_differs_by or cause
            self.entered_by = self.entered_by or cause

    def _cause_of_one(self, live: Deal | None, backtest: Deal | None) -> Cause:
        if self.parted_by is not None:
            return self.parted_by
        if live is not None:
            return Cause.BY_HAND if live.reason in BY_HAND_REASONS else Cause.LOGIC
        assert backtest is not None
        return Cause.MISSED if self.allowance.is_missed(backtest) else Cause.LOGIC

    def _cause_of_both(self, live: Deal, backtest: Deal, field: str) -> Cause:
        """By the first field that differs. A resting order stands where the entry's price put it."""
        if live.reason in BY_HAND_REASONS:
            return Cause.BY_HAND
        earlier = self.parted_by or (None if live.is_entry else self.entered_by)
        if field in ("quantity_e8", "commission_e8"):
            return self.money_differs_by or Cause.LOGIC
        if field == "funding_e8":
            return Cause.FUNDING
        is_resting = live.reason in RESTING_REASONS
        if earlier is not None and (is_resting or field == "reason"):
            return earlier
        if field == "at_ms" and live.at_ms > backtest.at_ms:
            return Cause.LATENCY
        return Cause.SLIPPAGE if field == "price_e8" and live.reason != TAKE_PROFIT else Cause.LOGIC

    def _hold(self, live: Deal | None, backtest: Deal | None) -> None:
        if live is not None:
            self.holds_live = live.is_entry
        if backtest is not None:
            self.holds_backtest = backtest.is_entry
        is_flat = not self.holds_live and not self.holds_backtest
        if is_flat or (live is not None and backtest is not None):
            self.parted_by = None
        elif self.parted_by is None:
            self.parted_by = self.differences[-1].cause


@dataclass(frozen=True, slots=True)
class Said:
    """What a run said of the candle that opened at `open_ms`: a row of its decisions."""

    open_ms: int
    action: str
    reason: str


# What a decision tells of the signals it saw, as (entry, exit); None: it tells nothing of that one.
type Seen = tuple[bool | None, bool | None]
_LASTING: Final[dict[str, Seen]] = {
    "no signal": (False, None),
    "in position": (None, False),
    "stop moved": (None, False),
}
_ONCE: Final[dict[str, Seen]] = {
    "entry signal": (True, None),
    "exit signal": (None, True),
    "not enough money": (True, None),
    "below minimum notional": (True, None),
    "no stop slot": (True, None),
    "too late": (True, None),
}


def signals_apart(
    said: Sequence[Said], open_ms: IntArray, *, long_entry: BoolArray, long_exit: BoolArray, until_ms: int
) -> list[int]:
    """Openings of candles of which the bot's own decisions say another signal than these arrays. A reason that lasts is
    written once: it holds for every candle until the next decision, and until `until_ms`."""
    apart: set[int] = set()
    ends = [row.open_ms for row in said[1:]] + [until_ms]
    for row, end_ms in zip(said, ends, strict=True):
        lasts = row.reason in _LASTING and row.action == "none"
        entry, leave = (_LASTING | _ONCE).get(row.reason, (None, None))
        first = int(np.searchsorted(open_ms, row.open_ms))
        last = int(np.searchsorted(open_ms, end_ms)) if lasts else first + 1
        for known, signals in ((entry, long_entry), (leave, long_exit)):
            if known is not None:
                wrong = np.flatnonzero(signals[first:last] != known) + first
                apart.update(int(open_ms[index]) for index in wrong)
    return sorted(apart)


def signals_told(said: Sequence[Said], open_ms: IntArray, *, until_ms: int) -> int:
    """Of how many candles the decisions tell a signal at all."""
    told: set[int] = set()
    ends = [row.open_ms for row in said[1:]] + [until_ms]
    for row, end_ms in zip(said, ends, strict=True):
        if row.reason in _LASTING and row.action == "none":
            told.update(open_ms[(open_ms >= row.open_ms) & (open_ms < end_ms)].tolist())
        elif row.reason in _ONCE:
            told.add(row.open_ms)
    return len(told)
