"""What the last comparison of a bot with its own backtest found: a score, and each difference with its cause."""

from __future__ import annotations

from typing import Any, ClassVar

from django.db import models

from bots.models import BotConfig
from exchange.fields import TimestampedModel


class ParityQuerySet(models.QuerySet[Any]):
    def for_user(self, user: Any) -> ParityQuerySet:
        return self.filter(bot_config__user_id=user.pk)


class ParityCheck(TimestampedModel):
    """One row a bot, written anew by every comparison. Nothing here is money; it can be computed again."""

    # CASCADE is never reached in practice: bots are archived, not deleted.
    bot_config = models.OneToOneField(BotConfig, on_delete=models.CASCADE, related_name="parity")
    # Asked for and not answered yet, while it is later than `checked_at`.
    wanted_at = models.DateTimeField(null=True, blank=True)
    checked_at = models.DateTimeField(null=True, blank=True)
    # The stretch of market time that was compared; empty where there was nothing to compare.
    start_at = models.DateTimeField(null=True, blank=True)
    end_at = models.DateTimeField(null=True, blank=True)
    config_version = models.PositiveIntegerField(default=0)
    # Whose candles: `sandbox` (the paper market) or `binance`.
    source = models.CharField(max_length=16, blank=True, default="")
    # Percent of all trades of either side on which both agree.
    score = models.DecimalField(max_digits=6, decimal_places=3, null=True, blank=True)
    trades = models.PositiveIntegerField(default=0)
    backtest_trades = models.PositiveIntegerField(default=0)
    agreeing = models.PositiveIntegerField(default=0)
    signals = models.PositiveIntegerField(default=0)
    # Openings (ms) of candles of which bot and backtest say another signal.
    signals_apart = models.JSONField(default=list)
    # How many differences each cause has.
    causes = models.JSONField(default=dict)
    # The first of them: {"cause", "fields", "live", "backtest"}, each side a trade or null.
    differences = models.JSONField(default=list)
    # Why nothing was compared, or not all of it; a sentence.
    message = models.CharField(max_length=300, blank=True, default="")

    objects: ClassVar[Any] = ParityQuerySet.as_manager()

    @property
    def is_awaited(self) -> bool:
        return self.wanted_at is not None and (self.checked_at is None or self.checked_at < self.wanted_at)
