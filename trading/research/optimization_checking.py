"""What is asked of an optimisation, checked before it is queued: a backtest's own fields, then space and method.

One message per field, under the name it was given by; of the space, under the name of the parameter.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from decimal import Decimal
from typing import Any, Final

from django.utils.translation import gettext as _

from bots import parsing
from bots.ranges import objections_to_reach
from bots.validation import ConfigurationRefused
from engine.market import DAY_MS, interval_ms
from engine.walk_forward import TooShort, Window, cut_windows
from exchange.instants import instant_of, ms_of
from exchange.models import Market
from trading.models.optimization import Method, Objective
from trading.models.research import Backtest
from trading.research.backtests import values_of
from trading.research.checking import check_backtest
from trading.research.futures import objections_to_leverage
from trading.research.optimization_space import MOST_SETS, SETTINGS, Axis, Space, read_axes
from trading.research.settings import settings_values
from trading.research.supply import rules_of

MOST_PROPOSED: Final = 1_000
MOST_AXES: Final = 6
MOST_WINDOWS: Final = 12
DAYS_TO_COUNT_IN: Final = 10
READERS: Final[dict[str, parsing.Reader]] = {
    "backtest": parsing.whole,
    "method": parsing.with_empty_as(Method.GRID, parsing.choice_of(Method.values)),
    "objective": parsing.with_empty_as(Objective.RETURN_OVER_DRAWDOWN, parsing.choice_of(Objective.values)),
    "sets": parsing.whole,
    "min_positions": parsing.with_empty_as(10, parsing.whole),
    "holdout_perc": parsing.with_empty_as(Decimal(25), parsing.amount),
    "windows": parsing.with_empty_as(0, parsing.whole),
    "seed": parsing.with_empty_as(1, parsing.whole),
}
RANGES: Final[Mapping[str, tuple[int, int]]] = {
    "sets": (2, MOST_PROPOSED),
    "min_positions": (0, 100_000),
    "holdout_perc": (5, 50),
    "windows": (0, MOST_WINDOWS),
    "seed": (0, 2**31 - 1),
}


def check_optimization(user: Any, given: Mapping[str, Any]) -> tuple[dict[str, Any], Space]:
    """The columns of the row, all but its user, and the space. Raises ConfigurationRefused."""
    own, errors = _read(given)
    rest = {name: value for name, value in given.items() if name not in READERS and name != "space"}
    base, refused = _base(user, own, rest)
    errors |= refused
    if base is None:
        raise ConfigurationRefused(errors)
    axes, refused = _axes(base, given.get("space"))
    errors |= refused
    space = Space(base["strategy"], base["strategy_params"], tuple(axes))
    if not errors:
        errors |= _objections_to_sets(space, own)
    split_at = None
    if not errors.keys() & {"holdout_perc", "windows"}:
        split_at, refused = _split(base, own)
        errors |= refused
    if errors:
        raise ConfigurationRefused(errors)
    columns = {name: own[name] for name in ("method", "objective", "min_positions", "windows", "seed")}
    return {
        **base,
        **columns,
        "split_at": split_at,
        "space": [axis.as_json() for axis in axes],
        "sets": space.size() if own["method"] == Method.GRID else min(own["sets"] or 200, space.size()),
    }, space


def _read(given: Mapping[str, Any]) -> tuple[dict[str, Any], dict[str, Any]]:
    own: dict[str, Any] = dict.fromkeys(READERS)
    errors: dict[str, Any] = {}
    for name, read in READERS.items():
        try:
            own[name] = read(given.get(name))
        except parsing.Unreadable as wrong:
            errors[name] = str(wrong)
    for name, (least, most) in RANGES.items():
        if name not in errors and own[name] is not None and not least <= own[name] <= most:
            errors[name] = _("This must be from %(least)s to %(most)s.") % {"least": least, "most": most}
    return own, errors


def _base(
    user: Any, own: Mapping[str, Any], rest: Mapping[str, Any]
) -> tuple[dict[str, Any] | None, dict[str, Any]]:
    """What every set shares: the configuration of a backtest of the user's own, if one was named, and what was given
    beside it."""
    values: dict[str, Any] = {}
    if own["backtest"] is not None:
        found = Backtest.objects.without_results().for_user(user).filter(pk=own["backtest"]).first()
        if found is None:
            return None, {"backtest": _("This backtest does not exist.")}
        values = {**values_of(found), "start_time": found.start_at, "end_time": found.end_at}
    try:
        return check_backtest(user, {**values, **rest}), {}
    except ConfigurationRefused as refused:
        return None, refused.errors


def _axes(base: Mapping[str, Any], asked: Any) -> tuple[list[Axis], dict[str, Any]]:
    if not isinstance(asked, Mapping) or not asked:
        return [], {"space": _("Choose at least one parameter to search.")}
    if len(asked) > MOST_AXES:
        return [], {"space": _("Choose at most %(count)s parameters.") % {"count": MOST_AXES}}
    axes, errors = read_axes(base["strategy"], asked)
    return axes, errors | _objections_to_exits(base, axes)


def _objections_to_exits(base: Mapping[str, Any], axes: list[Axis]) -> dict[str, Any]:
    """The farthest exits to be tried must be such as the symbol takes, and on futures before the liquidation."""
    farthest = {axis.name: Decimal(max(axis.values, key=Decimal)) for axis in axes if axis.of == SETTINGS}
    if not farthest:
        return {}
    rules, _version = rules_of(base["market"], base["symbol"])
    values = {**settings_values(base["settings"]), **farthest}
    found = objections_to_reach(values, rules)
    if base["market"] == Market.FUTURES:
        found |= objections_to_leverage(values, rules.symbol)
    return {name: message for name, message in found.items() if name in farthest}


def _objections_to_sets(space: Space, own: Mapping[str, Any]) -> dict[str, Any]:
    size = space.size()
    if not size:
        return {"space": _("The strategy allows none of these combinations.")}
    if own["method"] == Method.GRID and size > MOST_SETS:
        names = {"count": f"{size:,}", "most": f"{MOST_SETS:,}"}
        return {
            "space": _(
                "These are %(count)s sets; at most %(most)s can be tried. Take larger steps, or another method."
            )
            % names
        }
    return {}


def _split(base: Mapping[str, Any], own: Mapping[str, Any]) -> tuple[datetime | None, dict[str, Any]]:
    """Where in sample ends. The windows of the walk must fit, too."""
    start_ms, end_ms = ms_of(base["start_at"]), ms_of(base["end_at"])
    share = float(own["holdout_perc"] or 25) / 100
    try:
        (main,) = _cut(start_ms, end_ms, timeframe=base["timeframe"], count=1, outside_share=share)
        walk_windows(start_ms, end_ms, timeframe=base["timeframe"], count=own["windows"] or 0)
    except TooShort:
        return None, {"end_time": _("This period is too short to hold a part of it back.")}
    return instant_of(main.outside_start_ms), {}


def walk_windows(start_ms: int, end_ms: int, *, timeframe: str, count: int) -> tuple[Window, ...]:
    """Those of the walk forward; raises TooShort."""
    return _cut(start_ms, end_ms, timeframe=timeframe, count=count, outside_share=0.25) if count else ()


def _cut(
    start_ms: int, end_ms: int, *, timeframe: str, count: int, outside_share: float
) -> tuple[Window, ...]:
    unit_ms = DAY_MS if end_ms - start_ms >= DAYS_TO_COUNT_IN * DAY_MS else interval_ms(timeframe)
    return cut_windows(start_ms, end_ms, count=count, outside_share=outside_share, unit_ms=unit_ms)
