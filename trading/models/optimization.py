"""A search for parameters: one row a search, one row a set that it tries. Nothing here is money that moved.

What is to be tried lies in the table before anybody tries it, so that a worker that dies loses nothing.
"""

from __future__ import annotations

from typing import Any, ClassVar

from django.conf import settings
from django.db import models
from django.db.models import F, Q
from django.utils.translation import gettext_lazy as _

from bots.models import BotConfig
from trading.models.research import Research, ResearchQuerySet, ResearchStatus


class Method(models.TextChoices):
    GRID = "grid", _("Grid: every combination")
    RANDOM = "random", _("Random: some of the combinations")
    TPE = "tpe", _("Optuna (TPE): learns from what it has tried")


class Objective(models.TextChoices):
    RETURN_OVER_DRAWDOWN = "return_over_drawdown", _("Return over drawdown")
    TOTAL_RETURN = "total_return", _("Return")
    SHARPE = "sharpe", _("Sharpe ratio")


class TrialStatus(models.TextChoices):
    WAITING = "waiting", _("Waiting")
    CLAIMED = "claimed", _("Being tried")
    DONE = "done", _("Done")


class Optimization(Research):
    """Sets of parameters folded over the same candles. `space` is a list of {name, of, values} (`of`: params or
    settings), values as JSON carries them; the last stretch, from `split_at` on, chooses nothing."""

    # CASCADE: no history of money; goes with the account it belongs to.
    user = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="optimizations")
    # SET_NULL: where the values came from; a search stands without it.
    bot_config = models.ForeignKey(
        BotConfig, null=True, blank=True, on_delete=models.SET_NULL, related_name="optimizations"
    )
    split_at = models.DateTimeField()
    space = models.JSONField(default=list)
    method = models.CharField(max_length=8, choices=Method.choices, default=Method.GRID)
    objective = models.CharField(
        max_length=24, choices=Objective.choices, default=Objective.RETURN_OVER_DRAWDOWN
    )
    # Fewer positions in sample than this, and a set is not ranked.
    min_positions = models.PositiveIntegerField(default=0)
    # How many sets are tried in all, and how many are.
    sets = models.PositiveIntegerField()
    tried = models.PositiveIntegerField(default=0)
    # Of random and TPE: the same seed proposes the same first sets.
    seed = models.PositiveIntegerField(default=0)
    # Windows of the walk forward; 0: the stretch held out is all that is unseen.
    windows = models.PositiveSmallIntegerField(default=0)
    # How often a worker died with it; one that kills workers is not tried for ever.
    deaths = models.PositiveSmallIntegerField(default=0)
    # The best set in full: statistics, walk, robustness, verdict.
    best = models.JSONField(default=dict)

    objects: ClassVar[Any] = ResearchQuerySet.as_manager()

    class Meta(Research.Meta):
        abstract = False
        constraints = [
            models.CheckConstraint(
                condition=Q(start_at__lt=F("split_at"), split_at__lt=F("end_at")),
                name="optimization_splits_its_period",
            ),
            *Research.Meta.constraints,
        ]

    @property
    def progress(self) -> int:
        return 100 if self.status == ResearchStatus.DONE else min(99, 100 * self.tried // max(self.sets, 1))


class Trial(models.Model):
    """One set of parameters. `values` are those of the space only, by name; `inside`, `outside` and `walk` are figures
    (`engine.walk_forward.Sample`) once it is done; `score` is the objective in sample, null where undefined.

    Retention: goes with its optimisation; at most 5,000 of one."""

    # CASCADE: part of its search.
    optimization = models.ForeignKey(Optimization, on_delete=models.CASCADE, related_name="trials")
    number = models.PositiveIntegerField()
    values = models.JSONField()
    status = models.CharField(max_length=8, choices=TrialStatus.choices, default=TrialStatus.WAITING)
    # Which lane of workers claimed it.
    lane = models.PositiveSmallIntegerField(null=True, blank=True)
    score = models.FloatField(null=True, blank=True)
    inside = models.JSONField(default=dict)
    outside = models.JSONField(default=dict)
    # Of each window of the walk: [inside, outside].
    walk = models.JSONField(default=list)
    parts_ways = models.BooleanField(default=False)

    objects: ClassVar[Any] = models.Manager()

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["optimization", "number"], name="trial_number_once"),
            models.CheckConstraint(
                condition=Q(status="claimed", lane__isnull=False) | ~Q(status="claimed"),
                name="trial_claimed_by_a_lane",
            ),
        ]
        indexes = [
            models.Index(
                F("optimization"), F("score").desc(nulls_last=True), F("number"), name="trial_ranked"
            ),
            models.Index(
                fields=["optimization", "number"], condition=Q(status="waiting"), name="trial_waiting"
            ),
        ]

    def __str__(self) -> str:
        return f"set {self.number} of optimisation {self.optimization_id}"
