"""What a run concluded about a candle, and why. Written when it says something new."""

from __future__ import annotations

from django.db import models

from bots.models import BotConfig
from exchange.fields import AmountField, TimestampedModel


class DecisionAction(models.TextChoices):
    NONE = "none", "Nothing"
    ENTER = "enter", "Enter"
    EXIT = "exit", "Exit"
    MOVE_STOP = "move_stop", "Move stop"


class Decision(TimestampedModel):
    """One row per bot, version, candle and action at most: a candle that exits may also enter, once the exit is final.
    The configuration's version makes a decision reproducible, and says how long the candle is."""

    bot_config = models.ForeignKey(BotConfig, on_delete=models.PROTECT, related_name="decisions")
    config_version = models.PositiveIntegerField()
    candle_open_ms = models.BigIntegerField()
    acts_at = models.DateTimeField()
    action = models.CharField(max_length=12, choices=DecisionAction.choices)
    reason = models.CharField(max_length=60)
    text = models.CharField(max_length=300)
    close_price = AmountField()

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["bot_config", "config_version", "candle_open_ms", "action"],
                name="decision_once_per_candle_and_action",
            ),
        ]
