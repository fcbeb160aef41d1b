"""Two or more finished backtests side by side: what differs in how they were set, and what came of each."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final, NamedTuple

from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from exchange.models import Market
from trading.backtest_pages.fields import MARKET_TITLES, SOURCE_NAMES, settings_in_words
from trading.backtest_pages.figures import GROUPS, KEY, KEY_OF_FUTURES, OF_FUTURES, Text, value_of
from trading.backtest_pages.report import COLOURS, level_title, verdict_of
from trading.models import Backtest
from trading.models.research import ResearchStatus
from trading.templatetags.figures import DASH, parameter_label, strategy_title

MOST_COMPARED: Final = 6
# More is better, less is better; of the others neither is.
MORE: Final = frozenset({
    "total_pnl", "total_return", "win_rate", "profit_factor", "payoff_ratio", "expectancy", "sharpe", "sortino",
    "calmar",
})  # fmt: skip
# Below zero these say nothing: the larger of two falls makes the better ratio.
OF_GAINS: Final = frozenset({"sharpe", "sortino", "calmar"})
LESS: Final = frozenset({"max_drawdown", "fees", "max_drawdown_ms", "funding", "liquidations"})
SHOWN: Final = (
    "total_pnl", "total_return", "buy_and_hold_return", "max_drawdown", "max_drawdown_ms", "sharpe", "sortino",
    "calmar", "positions", "win_rate", "profit_factor", "payoff_ratio", "expectancy", "average_duration_ms", "exposure",
    "fees", "funding", "liquidations",
)  # fmt: skip


class Cell(NamedTuple):
    text: Any
    is_best: bool = False


class Row(NamedTuple):
    label: Text
    cells: list[Cell]
    differs: bool = False


class Comparison:
    """`backtests` are done, and one user's."""

    def __init__(self, backtests: Sequence[Backtest]) -> None:
        self.backtests = list(backtests)

    @property
    def verdicts(self) -> list[tuple[str, str]]:
        """Title and colour, in the order of the columns."""
        found = [verdict_of(backtest) for backtest in self.backtests]
        return [(level_title(one.level), COLOURS[one.level]) if one else (DASH, "secondary") for one in found]

    @property
    def figures(self) -> list[Row]:
        rows = {
            row.name: row
            for row in (*(row for _title, rows in GROUPS for row in rows), *KEY, *KEY_OF_FUTURES)
        }
        has_futures = any(backtest.market == Market.FUTURES for backtest in self.backtests)
        names = [name for name in SHOWN if has_futures or name not in OF_FUTURES]
        return [self._figures(rows[name]) for name in names]

    def _figures(self, row: Any) -> Row:
        values = [value_of(backtest.statistics, row.name) for backtest in self.backtests]
        best = best_of(row.name, values)
        return Row(
            row.label, [Cell(row.shown(value), best is not None and value == best) for value in values]
        )

    @property
    def settings(self) -> list[Row]:
        """How each was set: what differs first."""
        told = [_told(backtest) for backtest in self.backtests]
        labels = list(dict.fromkeys(label for one in told for label in one))
        rows = [self._settings(label, [one.get(label, DASH) for one in told]) for label in labels]
        return sorted(rows, key=lambda row: not row.differs)

    @staticmethod
    def _settings(label: str, texts: list[str]) -> Row:
        return Row(label, [Cell(text) for text in texts], differs=len(set(texts)) > 1)


def why_left_out(backtests: Sequence[Backtest]) -> list[str]:
    """A sentence for each kind of those that are not done: they wait or run, they failed, they were called off."""
    failed = [one.name for one in backtests if one.status == ResearchStatus.FAILED]
    cancelled = [one.name for one in backtests if one.status == ResearchStatus.CANCELLED]
    unfinished = [one.name for one in backtests if one.is_unfinished]
    told = (
        (unfinished, ngettext(
            "%(names)s is not finished, so there is nothing to compare.",
            "%(names)s are not finished, so there is nothing to compare.",
            len(unfinished),
        )),
        (failed, ngettext(
            "%(names)s failed, so there is nothing to compare.",
            "%(names)s failed, so there is nothing to compare.",
            len(failed),
        )),
        (cancelled, ngettext(
            "%(names)s was cancelled, so there is nothing to compare.",
            "%(names)s were cancelled, so there is nothing to compare.",
            len(cancelled),
        )),
    )  # fmt: skip
    return [text % {"names": ", ".join(names)} for names, text in told if names]


def best_of(name: str, values: Sequence[Any]) -> Any:
    """The best value; None where all are the same, or where neither more nor less is better."""
    known = [value for value in values if value is not None]
    if len(set(known)) < 2 or name not in MORE | LESS:
        return None
    best = (max if name in MORE else min)(known, key=float)
    return None if name in OF_GAINS and float(best) <= 0 else best


def _told(backtest: Backtest) -> dict[str, str]:
    """Its settings by their labels, as text."""
    period = f"{backtest.start_at:%Y-%m-%d %H:%M} – {backtest.end_at:%Y-%m-%d %H:%M}"
    return {
        _("Market"): str(MARKET_TITLES[backtest.market]),
        _("Symbol"): backtest.symbol,
        _("Candle"): backtest.get_timeframe_display(),
        _("Period"): period,
        _("Candles of"): str(SOURCE_NAMES.get(backtest.source, backtest.source)),
        _("Strategy"): strategy_title(backtest.strategy),
        **{
            parameter_label(name, backtest.strategy): DASH if value is None else str(value)
            for name, value in backtest.strategy_params.items()
        },
        **{str(label): text for label, text in settings_in_words(backtest.settings, backtest.market)},
    }
