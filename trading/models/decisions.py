"""What a run concluded about a candle, and why. Written when it says something new."""

from __future__ import annotations

from django.db import models

from bots.models import BotConfig
from exchange.fields import AmountField, TimestampedModel


class DecisionAction(models.TextChoices):
    NONE = "none", "Nothing"
    ENTER = "enter", "Enter"
    EXIT = "exit", "Exit"


class Decision(TimestampedModel):
    """One row per bot, version and candle at most; the configuration's version makes it reproducible, and says how long
    the candle is."""

    bot_config = models.ForeignKey(BotConfig, on_delete=models.PROTECT, related_name="decisions")
    config_version = models.PositiveIntegerField()
    candle_open_ms = models.BigIntegerField()
    acts_at = models.DateTimeField()
    action = models.CharField(max_length=8, choices=DecisionAction.choices)
    reason = models.CharField(max_length=60)
    text = models.CharField(max_length=300)
    close_price = AmountField()

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["bot_config", "config_version", "candle_open_ms"], name="decision_once_per_candle"
            ),
        ]
