"""Optimisations over the API: what a row and a set show, and what a body may say. Whether a body is right is for
`trading.research.optimization_checking` to judge; the bodies here only describe it."""

from __future__ import annotations

from typing import Any

from django.utils.translation import gettext_lazy as _
from rest_framework import serializers

from accounts.rest import RowSerializer, StrictSerializer
from trading.models import Optimization, Trial
from trading.models.optimization import Method, Objective
from trading.research.optimization_checking import RANGES
from trading.serializers_backtests import BacktestBody


class OptimizationSerializer(RowSerializer):
    """An optimisation in a list: what was asked, and how far it is."""

    start_time = serializers.DateTimeField(source="start_at")
    split_time = serializers.DateTimeField(source="split_at")
    end_time = serializers.DateTimeField(source="end_at")
    progress = serializers.IntegerField(read_only=True)

    class Meta:
        model = Optimization
        fields = [
            "id", "name", "bot_config", "source", "market", "symbol", "base_asset", "quote_asset", "timeframe",
            "start_time", "split_time", "end_time", "strategy", "strategy_params", "settings", "space", "method",
            "objective", "min_positions", "windows", "seed", "sets", "tried", "status", "progress", "message",
            "created_at", "started_at", "finished_at",
        ]  # fmt: skip


class OptimizationDetailSerializer(OptimizationSerializer):
    """With the best set in full: its statistics, what its search did out of sample, the verdict."""

    class Meta(OptimizationSerializer.Meta):
        fields = [
            *OptimizationSerializer.Meta.fields, "best", "data_fingerprint", "code_version", "rules_version",
        ]  # fmt: skip


class TrialSerializer(RowSerializer):
    """A set that was tried: figures in sample and out of sample, null until then. `parts_ways`: it earned in sample and
    lost, or earned less than half as fast, out of sample."""

    class Meta:
        model = Trial
        fields = ["number", "values", "score", "inside", "outside", "parts_ways"]


class OptimizationBody(BacktestBody):
    """What a client may ask: a backtest's fields, or `backtest` to begin from one of yours, and what to search.

    `space` names parameters of the strategy, `stop_loss_perc`, `take_profit_perc` or `trailing_stop_perc`; each is
    {"from", "to", "step"}, a list of values, or {} for what the parameter proposes.
    """

    backtest = serializers.IntegerField(required=False, allow_null=True)
    start_time = serializers.CharField(required=False)
    end_time = serializers.CharField(required=False)
    space = serializers.DictField(help_text=_("Parameters to search, by name."))
    method = serializers.ChoiceField(choices=Method.choices, required=False)
    objective = serializers.ChoiceField(choices=Objective.choices, required=False)
    sets = serializers.IntegerField(
        required=False, min_value=RANGES["sets"][0], max_value=RANGES["sets"][1],
        help_text=_("Of random and TPE: how many to try."),
    )  # fmt: skip
    min_positions = serializers.IntegerField(required=False)
    holdout_perc = serializers.CharField(required=False, help_text=_("The last share of the period, unseen."))
    windows = serializers.IntegerField(required=False, help_text=_("Windows of a walk forward; 0 for none."))
    seed = serializers.IntegerField(required=False)


class OptimizationRename(StrictSerializer):
    """All that may change of an optimisation."""

    name = serializers.CharField(min_length=1, max_length=80)


def trials_rows(optimization: Any, trials: Any) -> tuple[list[str], list[list[str]]]:
    """Head and lines of the table of all sets, best first."""
    names = [axis["name"] for axis in optimization.space]
    figures = ("total_return", "max_drawdown", "sharpe", "profit_factor", "positions")
    head = ["number", *names, "score"]
    head += [f"{side}_{name}" for side in ("inside", "outside") for name in figures] + ["parts_ways"]
    lines = []
    for trial in trials:
        row = [trial.number, *(trial.values[name] for name in names), trial.score]
        row += [side.get(name) for side in (trial.inside, trial.outside) for name in figures]
        lines.append(["" if value is None else str(value) for value in [*row, int(trial.parts_ways)]])
    return head, lines
