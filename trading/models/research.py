"""What was tried on history: one row a backtest, from the request to its report. Nothing here is money that moved."""

from __future__ import annotations

from typing import Any, ClassVar

from django.conf import settings
from django.db import models
from django.db.models import F, Q
from django.db.models.fields.json import KT
from django.utils.translation import gettext_lazy as _

from accounts.models import OwnedQuerySet
from bots.models import BotConfig, Timeframe
from exchange.fields import TimestampedModel
from exchange.models import Market


class ResearchStatus(models.TextChoices):
    QUEUED = "queued", _("Queued")
    RUNNING = "running", _("Running")
    DONE = "done", _("Done")
    FAILED = "failed", _("Failed")
    CANCELLED = "cancelled", _("Cancelled")


UNFINISHED = (ResearchStatus.QUEUED, ResearchStatus.RUNNING)


class BacktestStep(models.TextChoices):
    """Where a run is; what a page shows beside the progress."""

    WAITING = "waiting", _("Waiting for a worker")
    CANDLES = "candles", _("Fetching candles")
    SIGNALS = "signals", _("Computing signals and trades")
    STATISTICS = "statistics", _("Computing statistics")
    ROBUSTNESS = "robustness", _("Testing how robust it is")
    SAVING = "saving", _("Saving")
    ENDED = "ended", _("Ended")


class ResearchQuerySet(OwnedQuerySet):
    def unfinished(self) -> ResearchQuerySet:
        return self.filter(status__in=UNFINISHED)


class Research(TimestampedModel):
    """What a backtest and a search for parameters have in common: the stretch of candles it is about and how it stands.
    Each adds its `user` and, where its values came from one, its `bot_config`.

    `settings` holds BotConfig's risk fields by their names, and the fees, as strings (whole numbers as numbers, empty
    as null). Retention: done ones stay until their owner deletes them, failed and cancelled ones for 30 days."""

    name = models.CharField(max_length=80)
    # Whose candles: `sandbox` (the paper market) or `binance`.
    source = models.CharField(max_length=16)
    market = models.CharField(max_length=8, choices=Market.choices, default=Market.SPOT)
    symbol = models.CharField(max_length=32)
    base_asset = models.CharField(max_length=16)
    quote_asset = models.CharField(max_length=16)
    timeframe = models.CharField(max_length=4, choices=Timeframe.choices)
    # From the opening of the first candle that may trade to the close of the last.
    start_at = models.DateTimeField()
    end_at = models.DateTimeField()
    strategy = models.CharField(max_length=40)
    strategy_params = models.JSONField(default=dict)
    settings = models.JSONField(default=dict)
    status = models.CharField(max_length=10, choices=ResearchStatus.choices, default=ResearchStatus.QUEUED)
    # Why it failed or was cancelled, or what a reader must know of its data; a sentence, never a traceback.
    message = models.CharField(max_length=500, blank=True, default="")
    cancel_wanted_at = models.DateTimeField(null=True, blank=True)
    started_at = models.DateTimeField(null=True, blank=True)
    finished_at = models.DateTimeField(null=True, blank=True)
    rules_version = models.PositiveIntegerField(default=0)
    data_fingerprint = models.CharField(max_length=64, blank=True, default="")
    code_version = models.CharField(max_length=40, blank=True, default="")

    class Meta:
        abstract = True
        constraints = [
            models.CheckConstraint(
                condition=Q(status__in=UNFINISHED, finished_at__isnull=True)
                | Q(finished_at__isnull=False) & ~Q(status__in=UNFINISHED),
                name="%(class)s_ended_has_its_time",
            ),
        ]
        indexes = [
            models.Index(fields=["user", "-created_at"], name="%(class)s_user_newest"),
            models.Index(
                fields=["created_at"], condition=Q(status__in=UNFINISHED), name="%(class)s_unfinished"
            ),
            models.Index(
                fields=["finished_at"],
                condition=Q(status__in=("failed", "cancelled")),
                name="%(class)s_given_up",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.name} ({self.symbol} {self.timeframe})"

    @property
    def is_unfinished(self) -> bool:
        return self.status in UNFINISHED


class BacktestQuerySet(ResearchQuerySet):
    def without_results(self) -> BacktestQuerySet:
        """For lists and pages that draw nothing: `results` may weigh megabytes. Of `robustness` the level alone comes
        along, so that a list asks no row for it again."""
        light = self.defer("results", "periods", "robustness")
        return light.annotate(verdict_level=KT("robustness__verdict__level"))


class Backtest(Research):
    """A configuration folded over the candles of a stretch."""

    # CASCADE: no history of money; goes with the account it belongs to.
    user = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="backtests")
    # SET_NULL: where the values came from; a backtest stands without it.
    bot_config = models.ForeignKey(
        BotConfig, null=True, blank=True, on_delete=models.SET_NULL, related_name="backtests"
    )
    step = models.CharField(max_length=12, choices=BacktestStep.choices, default=BacktestStep.WAITING)
    progress = models.PositiveSmallIntegerField(default=0)
    # How often a worker took it up; one that dies with it again and again is not tried for ever.
    attempts = models.PositiveSmallIntegerField(default=0)
    # What the candles were: first and last opening, how many minutes, what the exchange itself lacks.
    candles = models.JSONField(default=dict)
    statistics = models.JSONField(default=dict)
    # {"daily": […], "monthly": […]}: rows whose results add up to the total.
    periods = models.JSONField(default=dict)
    # Look-ahead check, Monte Carlo, costs, verdict.
    robustness = models.JSONField(default=dict)
    # Positions, trades and equity as packed columns; see trading.research.packing.
    results = models.BinaryField(default=bytes)

    objects: ClassVar[Any] = BacktestQuerySet.as_manager()

    class Meta(Research.Meta):
        abstract = False
        constraints = [
            models.CheckConstraint(
                condition=Q(start_at__lt=F("end_at")), name="backtest_starts_before_it_ends"
            ),
            models.CheckConstraint(condition=Q(progress__lte=100), name="backtest_progress_in_percent"),
            *Research.Meta.constraints,
        ]

    @property
    def verdict(self) -> str | None:
        """The level of `engine.verdict` in a word; None of what is not done."""
        if "verdict_level" in self.__dict__:
            return self.__dict__["verdict_level"] or None
        return (self.robustness.get("verdict") or {}).get("level")
