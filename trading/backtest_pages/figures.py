"""The statistics of a report as rows of label, figure and what it says, ready to print. How they are computed stands in
`engine.metrics`; what they mean at length in docs/reading-a-backtest.md.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from decimal import Decimal
from typing import Any, Final, NamedTuple

from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from exchange.instants import instant_of
from trading.templatetags.figures import DASH, duration, moment, money, rounded, signed

type Text = str | Promise
type Shown = Callable[[Any], Any]


def share(ratio: Any) -> str:
    """A ratio in percent, without a sign of direction."""
    return DASH if ratio is None else f"{rounded(Decimal(repr(float(ratio))) * 100, 2)}\u00a0%"


def change(ratio: Any) -> str:
    """A ratio in percent, with its direction."""
    text = share(ratio)
    return f"+{text}" if ratio is not None and ratio > 0 and text.strip("0., %\u00a0") else text


def number(value: Any) -> str:
    return DASH if value is None else rounded(Decimal(repr(float(value))), 2)


def count(value: Any) -> str:
    return DASH if value is None else f"{value:,}"


def span(length_ms: Any) -> str:
    return DASH if length_ms is None else duration(int(length_ms) // 1000)


def instant(at_ms: Any) -> Any:
    return moment(instant_of(at_ms), "date") if at_ms else DASH


class Figure(NamedTuple):
    name: str
    label: Text
    text: Any
    says: Text
    # A result, which may be coloured by its sign.
    direction: Any = None


class _Row(NamedTuple):
    name: str
    label: Text
    shown: Shown
    says: Text = ""


# What a reader looks at first.
KEY: Final = (
    _Row("total_pnl", _("Result"), signed, _("net of all fees, everything sold at the end")),
    _Row("buy_and_hold_return", _("Buy and hold"), change, _("what doing nothing would have earned")),
    _Row("max_drawdown", _("Deepest fall"), share, _("what you must be able to sit through")),
    _Row("win_rate", _("Won"), share, _("says nothing without the next one")),
    _Row("profit_factor", _("Profit factor"), number, _("won for each 1 lost; 1 is break-even")),
    _Row("expectancy", _("A position earns"), signed, _("what one more position is worth")),
    _Row("exposure", _("Time in a position"), share, _("the rest of the time the money was idle")),
    _Row("sharpe", _("Sharpe"), number, _("above 1 good, above 3 suspicious")),
)  # fmt: skip
# What a reader of futures looks at besides.
KEY_OF_FUTURES: Final = (
    _Row("funding", _("Funding paid"), money, _("to the other side of the market; below zero: received")),
    _Row("liquidations", _("Liquidations"), count, _("positions whose whole margin was lost")),
)
OF_FUTURES: Final = frozenset(row.name for row in KEY_OF_FUTURES)
GROUPS: Final = (
    (_("Result"), (
        _Row("initial_balance", _("Initial balance"), money),
        _Row("final_balance", _("Final balance"), money, _("everything sold, dust at cost")),
        _Row("total_pnl", _("Result"), signed, _("the sum of all positions, to the digit")),
        _Row("total_return", _("Return"), change, _("of the initial balance")),
        _Row("cagr", _("Growth a year"), change, _("means little under half a year")),
        _Row("fees", _("Fees"), money, _("compare them with the result")),
        _Row("funding", _("Funding paid"), money, _("futures only; below zero: received")),
        _Row("turnover", _("Turnover"), number, _("how many times the initial balance was traded")),
        _Row("dust_cost", _("Dust"), money, _("bought, but too little to sell")),
    )),
    (_("Risk"), (
        _Row("max_drawdown", _("Deepest fall"), share, _("of the highest equity so far")),
        _Row("max_drawdown_from_ms", _("Its beginning"), instant, _("the last high before it")),
        _Row("max_drawdown_to_ms", _("Its lowest point"), instant),
        _Row("max_drawdown_ms", _("Longest time below a high"), span),
        _Row("volatility", _("Volatility"), share, _("of daily returns, a year")),
        _Row("sharpe", _("Sharpe"), number, _("daily return for each unit of its ups and downs, a year")),
        _Row("sortino", _("Sortino"), number, _("as Sharpe, counting only falls as risk")),
        _Row("calmar", _("Calmar"), number, _("how many deepest falls a year earns")),
        _Row("exposure", _("Time in a position"), share),
    )),
    (_("Positions"), (
        _Row("positions", _("Positions"), count, _("thirty is little, ten is nothing")),
        _Row("trades", _("Filled orders"), count),
        _Row("trades_a_day", _("Positions a day"), number),
        _Row("average_duration_ms", _("Held on average"), span),
        _Row("win_rate", _("Won"), share),
        _Row("payoff_ratio", _("Payoff"), number, _("average win for each 1 of an average loss")),
        _Row("profit_factor", _("Profit factor"), number),
        _Row("expectancy", _("A position earns"), signed),
        _Row("average_return", _("Average return"), change, _("of its cost; compare it with a round trip's fees")),
        _Row("average_win", _("Average win"), signed),
        _Row("average_loss", _("Average loss"), signed),
        _Row("largest_win", _("Largest win"), signed),
        _Row("largest_loss", _("Largest loss"), signed),
        _Row("longest_winning_streak", _("Wins in a row"), count),
        _Row("longest_losing_streak", _("Losses in a row"), count, _("how long you may have to wait")),
    )),
    (_("On the way"), (
        _Row("average_mae", _("Average furthest against"), share, _("MAE: how far the price went against it")),
        _Row("worst_mae", _("Worst furthest against"), share),
        _Row("average_mfe", _("Average furthest for"), share, _("MFE: how far it went in its favour")),
        _Row("best_mfe", _("Best furthest for"), share),
        _Row("best_day", _("Best day"), change),
        _Row("worst_day", _("Worst day"), change),
        _Row("best_month", _("Best month"), change),
        _Row("worst_month", _("Worst month"), change),
        _Row("losing_months", _("Losing months"), count),
        _Row("months", _("Months"), count),
    )),
    (_("The market meanwhile"), (
        _Row("buy_and_hold_return", _("Buy and hold"), change, _("bought at first, sold at last, fees paid")),
        _Row("buy_and_hold_pnl", _("The same in money"), signed),
        _Row("market_change", _("Change of the price"), change),
        _Row("market_drawdown", _("Its deepest fall"), share, _("what doing nothing would have put you through")),
    )),
)  # fmt: skip
RESULTS: Final = frozenset({"total_pnl", "total_return", "expectancy"})


def key_figures(found: Mapping[str, Any], *, is_futures: bool = False) -> list[Figure]:
    return [_figure(row, found) for row in (*KEY, *(KEY_OF_FUTURES if is_futures else ()))]


def value_of(found: Mapping[str, Any], name: str) -> Any:
    """A statistic by its name; liquidations are counted among the exits."""
    return found.get("exits", {}).get("liquidation", 0) if name == "liquidations" else found.get(name)


def all_figures(found: Mapping[str, Any]) -> Iterator[tuple[Text, list[Figure]]]:
    for title, rows in GROUPS:
        yield title, [_figure(row, found) for row in rows if row.name in found]


def _figure(row: _Row, found: Mapping[str, Any]) -> Figure:
    value = value_of(found, row.name)
    return Figure(row.name, row.label, row.shown(value), row.says, value if row.name in RESULTS else None)
