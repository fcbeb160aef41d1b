"""What an optimisation has found so far: the leaderboard and the heat map over two of its parameters.

Every colour has its number beside it; what stayed unseen stands next to what was seen.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from django.core.paginator import Page, Paginator
from django.utils.functional import cached_property

from engine.strategies import all_strategies, params_fields
from trading.backtest_pages.report import Verdict, verdict_of
from trading.models import Backtest, Optimization, Trial
from trading.models.optimization import TrialStatus
from trading.optimization_pages.form import RISK_LABELS
from trading.research.optimizations import ranked
from trading.templatetags.figures import parameter_label

SETS_PER_PAGE: Final = 20
# More values than this are put together: a map has to be read.
MOST_ROWS: Final = 16
COLOURS: Final = 9
# Steps among the colours of gains (4 to 8) and of losses (0 to 3).
GAINS: Final = 4
LOSSES: Final = 3


@dataclass(frozen=True)
class Cell:
    """The best set that fell on this place: `score`, and its colour from 0 (worst) to 8 (best)."""

    trial: Trial | None
    score: float | None
    colour: int


@dataclass(frozen=True)
class HeatMap:
    across: str
    down: str
    heads: list[str]
    rows: list[tuple[str, list[Cell]]]


class Board:
    """Of one optimisation, whatever its state."""

    def __init__(self, optimization: Optimization, query: Mapping[str, Any]) -> None:
        self.optimization, self.query = optimization, query
        self.labels = labels_of(optimization)

    @property
    def axes(self) -> list[tuple[str, Any]]:
        return [(axis["name"], self.labels[axis["name"]]) for axis in self.optimization.space]

    @cached_property
    def page(self) -> Page[Any]:
        page = Paginator(ranked(self.optimization), SETS_PER_PAGE).get_page(self.query.get("page"))
        for trial in page:
            trial.shown = [trial.values[name] for name, _label in self.axes]
        return page

    @property
    def verdict(self) -> Verdict | None:
        examined = self.optimization.best.get("examination")
        return verdict_of(Backtest(robustness=examined)) if examined else None

    @property
    def best(self) -> dict[str, Any]:
        return dict(self.optimization.best)

    @property
    def walk(self) -> list[dict[str, Any]]:
        return list(self.optimization.best.get("walk", []))

    @property
    def is_parting(self) -> bool:
        walk = (self.optimization.best.get("examination") or {}).get("walk") or {}
        return bool(walk.get("parts_ways"))

    @cached_property
    def heat(self) -> HeatMap | None:
        """Over the two parameters asked for by `across` and `down`; None of a search over one alone."""
        names = [name for name, _label in self.axes]
        if len(names) < 2:
            return None
        across = _asked(self.query.get("across"), names)
        down = _asked(self.query.get("down"), [name for name in names if name != across])
        values = {axis["name"]: axis["values"] for axis in self.optimization.space}
        columns, lines = grouped(values[across]), grouped(values[down])
        best = self._best_by_place(across, down, columns, lines)
        found = [trial.score for trial in best.values() if trial.score is not None]
        rows = [
            (label_of(line), [_cell(best.get((x, y)), found) for x in range(len(columns))])
            for y, line in enumerate(lines)
        ]
        return HeatMap(across, down, [label_of(column) for column in columns], rows)

    def _best_by_place(
        self, across: str, down: str, columns: Sequence[Sequence[Any]], lines: Sequence[Sequence[Any]]
    ) -> dict[tuple[int, int], Trial]:
        place = {value: index for index, group in enumerate(columns) for value in group}
        line = {value: index for index, group in enumerate(lines) for value in group}
        best: dict[tuple[int, int], Trial] = {}
        tried = Trial.objects.filter(optimization=self.optimization, status=TrialStatus.DONE)
        for trial in tried.only("number", "values", "score", "optimization_id"):
            where = place[trial.values[across]], line[trial.values[down]]
            if where not in best or _better(trial.score, best[where].score):
                best[where] = trial
        return best


def grouped(values: Sequence[Any]) -> list[list[Any]]:
    """At most MOST_ROWS groups of neighbours, of one size but for the last."""
    size = -(-len(values) // MOST_ROWS)
    return [list(values[index : index + size]) for index in range(0, len(values), size)]


def label_of(group: Sequence[Any]) -> str:
    return str(group[0]) if len(group) == 1 else f"{group[0]}–{group[-1]}"


def labels_of(optimization: Optimization) -> dict[str, Any]:
    """Of every axis; a strategy that is gone leaves the names."""
    known: dict[str, Any] = dict(RISK_LABELS)
    if optimization.strategy in {entry.name for entry in all_strategies()}:
        names = [entry.name for entry in params_fields(optimization.strategy)]
        known |= {name: parameter_label(name, optimization.strategy) for name in names}
    return {axis["name"]: known.get(axis["name"], axis["name"]) for axis in optimization.space}


def _asked(name: Any, known: Sequence[str]) -> str:
    return str(name) if name in known else known[0]


def _better(score: float | None, than: float | None) -> bool:
    return score is not None and (than is None or score > than)


def _cell(trial: Trial | None, found: Sequence[float]) -> Cell:
    """Colours by rank, so that one outlier does not paint the rest alike: gains among gains, losses among losses, for
    the least of many losses is nothing to be shown as good."""
    if trial is None or trial.score is None:
        return Cell(trial, None, 0)
    is_gain = trial.score > 0
    rivals = [score for score in found if (score > 0) is is_gain]
    rank = sum(score < trial.score for score in rivals) / max(len(rivals) - 1, 1)
    colour = COLOURS - 1 - round(GAINS * (1 - rank)) if is_gain else round(LOSSES * rank)
    return Cell(trial, trial.score, colour)
