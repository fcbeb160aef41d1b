"""A finished backtest as its page tells it: verdict in words, figures, months, exits, positions, what it stood on."""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal
from typing import Any, Final, NamedTuple

from django.core.paginator import Page, Paginator
from django.utils.functional import cached_property
from django.utils.translation import gettext as _

from engine.market import interval_ms
from engine.metrics import excursions
from engine.results import EXIT_REASONS, Folded
from engine.verdict import LEVEL_TEXTS, TEXTS
from exchange.instants import instant_of
from exchange.models import Market
from trading.backtest_pages.fields import SOURCE_TITLES, settings_in_words
from trading.backtest_pages.figures import Figure, Text, all_figures, change, key_figures, share
from trading.models import Backtest
from trading.research.backtests import folded_of

POSITIONS_PER_PAGE: Final = 25
COLOURS: Final = {"convincing": "green", "promising": "azure", "doubtful": "yellow", "unfit": "red"}


class Said(NamedTuple):
    """A reason of the verdict; `decides` where it is what holds the verdict at its level."""

    text: str
    allows: str
    decides: bool


class Verdict(NamedTuple):
    level: str
    text: str
    reasons: list[Said]

    @property
    def deciding(self) -> list[Said]:
        return [reason for reason in self.reasons if reason.decides]

    @property
    def others(self) -> list[Said]:
        return [reason for reason in self.reasons if not reason.decides]


class Report:
    """Of a backtest that is done; what is not asked for is not unpacked."""

    def __init__(self, backtest: Backtest) -> None:
        self.backtest = backtest
        self.found: Mapping[str, Any] = backtest.statistics
        self.verdict = verdict_of(backtest)

    @property
    def source(self) -> Any:
        return SOURCE_TITLES.get(self.backtest.source, self.backtest.source)

    @property
    def result(self) -> str:
        return change(self.found.get("total_return"))

    @property
    def figures(self) -> list[Figure]:
        return key_figures(self.found, is_futures=self.is_futures)

    @property
    def is_futures(self) -> bool:
        return bool(self.backtest.market == Market.FUTURES)

    @property
    def contract(self) -> dict[str, Any]:
        """What a backtest of futures stood on besides; empty of others."""
        known: dict[str, Any] = self.backtest.candles.get("futures", {})
        return known

    @property
    def groups(self) -> list[tuple[Text, list[Figure]]]:
        return list(all_figures(self.found))

    @property
    def candle_seconds(self) -> int:
        return interval_ms(self.backtest.timeframe) // 1000

    @property
    def months(self) -> list[dict[str, Any]]:
        rows = self.backtest.periods.get("monthly", [])
        return [{**row, "at": instant_of(row["start_ms"]), "change": change(row["ratio"])} for row in rows]

    @property
    def exits(self) -> list[dict[str, Any]]:
        """Which rule earned and which one cost."""
        results = self.found.get("exit_results", {})
        return [
            {"reason": reason, "count": count, "pnl": results.get(reason, "0")}
            for reason, count in self.found.get("exits", {}).items()
            if count
        ]

    @property
    def costs(self) -> list[dict[str, Any]]:
        rows = (self.backtest.robustness.get("costs") or {}).get("rows", [])
        return [{**row, "change": change(row.get("total_return"))} for row in rows]

    @property
    def luck(self) -> dict[str, Any] | None:
        """What happened to the same positions in another order, and drawn anew."""
        found = self.backtest.robustness.get("luck")
        if not found:
            return None
        return {
            "runs": found["runs"],
            "loss": share(found["chance_of_loss"]),
            "low": change(found["returns"]["p05"]),
            "middle": change(found["returns"]["p50"]),
            "high": change(found["returns"]["p95"]),
            "drawdown": share(found["drawdowns"]["p95"]),
        }

    @property
    def settings(self) -> list[tuple[Any, str]]:
        return settings_in_words(self.backtest.settings, self.backtest.market)

    @property
    def gaps(self) -> list[dict[str, Any]]:
        named = self.backtest.candles.get("gaps", [])
        return [{"first": instant_of(first), "last": instant_of(last)} for first, last in named]

    @cached_property
    def folded(self) -> Folded:
        folded = folded_of(self.backtest)
        assert folded is not None
        return folded

    def positions(self, number: str | None) -> Page[Any]:
        """One page, in order of opening."""
        page: Page[Any] = Paginator(range(len(self.folded.positions)), POSITIONS_PER_PAGE).get_page(number)
        reach = excursions(self.folded.positions)
        page.object_list = [_position(self.folded, reach, at) for at in page.object_list]
        return page


def verdict_of(backtest: Backtest) -> Verdict | None:
    """In the reader's language, by code; None where it was not examined."""
    kept = (backtest.robustness or {}).get("verdict")
    if not kept:
        return None
    level = kept["level"]
    text = _(LEVEL_TEXTS[level]) if level in LEVEL_TEXTS else kept["text"]
    reasons = [
        Said(_in_words(reason), reason["allows"], reason["allows"] == level) for reason in kept["reasons"]
    ]
    return Verdict(level, text, reasons)


def level_title(level: str) -> str:
    """The level by itself, for badges."""
    words = {
        "convincing": _("Convincing"),
        "promising": _("Promising"),
        "doubtful": _("Doubtful"),
        "unfit": _("Unfit"),
    }
    return words.get(level, level)


def _in_words(reason: Mapping[str, Any]) -> str:
    text = TEXTS.get(reason["code"])
    return reason["text"] if text is None else _(text) % reason["values"]


def _position(folded: Folded, reach: Any, at: int) -> dict[str, Any]:
    rows = folded.positions
    return {
        "number": at + 1,
        "side": "long" if rows.side[at] > 0 else "short",
        "opened_at": instant_of(int(rows.opened_ms[at])),
        "closed_at": instant_of(int(rows.closed_ms[at])),
        "opened_ms": int(rows.opened_ms[at]),
        "closed_ms": int(rows.closed_ms[at]),
        "seconds": int(rows.closed_ms[at] - rows.opened_ms[at]) // 1000,
        "quantity": _amount(rows.quantity_e8[at]),
        "entry_price": _amount(rows.entry_price_e8[at]),
        "exit_price": _amount(rows.exit_price_e8[at]),
        "fees": _amount(rows.fees_e8[at]),
        "funding": _amount(rows.funding_e8[at]),
        "pnl": _amount(rows.pnl_e8[at]),
        "reason": EXIT_REASONS[rows.exit_reason[at]],
        "mae": share(float(reach.adverse[at])),
        "mfe": share(float(reach.favourable[at])),
    }


def _amount(value_e8: Any) -> Decimal:
    return Decimal(int(value_e8)).scaleb(-8)
