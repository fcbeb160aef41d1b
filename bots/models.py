"""What a bot is: its configuration, the versions of it, its live state, and the switches that halt it."""

from __future__ import annotations

from decimal import Decimal
from typing import Any, ClassVar

from django.conf import settings
from django.db import models
from django.db.models import F, Q
from django.utils.translation import gettext_lazy as _

from accounts.models import ApiKey, ExchangeAccount, OwnedQuerySet
from exchange.fields import AmountField, TimestampedModel
from exchange.models import Market


class Direction(models.TextChoices):
    LONG = "long", "Long"
    SHORT = "short", "Short"
    BOTH = "both", "Both"


class Timeframe(models.TextChoices):
    M1 = "1m", _("1 minute")
    M3 = "3m", _("3 minutes")
    M5 = "5m", _("5 minutes")
    M15 = "15m", _("15 minutes")
    M30 = "30m", _("30 minutes")
    H1 = "1h", _("1 hour")
    H2 = "2h", _("2 hours")
    H4 = "4h", _("4 hours")
    H6 = "6h", _("6 hours")
    H8 = "8h", _("8 hours")
    H12 = "12h", _("12 hours")
    D1 = "1d", _("1 day")


# How near and how far an exit may lie from the entry, in percent (SPEC §4.1).
NEAREST_EXIT_PERC = Decimal("0.05")
FARTHEST_EXIT_PERC = Decimal(90)


def _exit_in_range(field: str) -> Q:
    in_range = {f"{field}__gte": NEAREST_EXIT_PERC, f"{field}__lte": FARTHEST_EXIT_PERC}
    return Q(**{f"{field}__isnull": True}) | Q(**in_range)


class BotConfig(TimestampedModel):
    """A bot as its user configured it. Percentages are in percent (1.5 = 1.5 %)."""

    user = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="bots")
    # PROTECT: deleting a key in use is refused; the answer lists the bots. Only a deleted (archived) bot has none:
    # its key must be free to go.
    api_key: models.ForeignKey[Any, Any] = models.ForeignKey(
        ApiKey, null=True, on_delete=models.PROTECT, related_name="bots"
    )
    # The key's account, repeated here because constraints and wallets are per account.
    account = models.ForeignKey(ExchangeAccount, on_delete=models.PROTECT, related_name="bots")
    name = models.CharField(max_length=80)
    symbol = models.CharField(max_length=32)
    base_asset = models.CharField(max_length=16)
    quote_asset = models.CharField(max_length=16)
    position_type = models.CharField(max_length=8, choices=Market.choices, default=Market.SPOT)
    direction = models.CharField(max_length=8, choices=Direction.choices, default=Direction.LONG)
    timeframe = models.CharField(max_length=4, choices=Timeframe.choices, default=Timeframe.M1)
    strategy = models.CharField(max_length=40, default="ema")
    strategy_params = models.JSONField(default=dict, blank=True)
    initial_capital = AmountField()
    position_size_perc = AmountField(null=True, blank=True)
    position_size_fixed = AmountField(null=True, blank=True)
    stop_loss_perc = AmountField(null=True, blank=True)
    take_profit_perc = AmountField(null=True, blank=True)
    trailing_stop_perc = AmountField(null=True, blank=True)
    # How far beyond its trigger the limit of a stop-limit order lies, where a symbol takes no plain stop. Empty: 2.
    stop_limit_offset_perc = AmountField(null=True, blank=True)
    leverage = models.PositiveSmallIntegerField(default=1)
    max_daily_trades = models.PositiveIntegerField(null=True, blank=True)
    max_daily_loss_perc = AmountField(null=True, blank=True)
    daily_target_perc = AmountField(null=True, blank=True)
    cooldown_candles = models.PositiveIntegerField(default=0)
    max_slippage_perc = AmountField(null=True, blank=True)
    auto_transfer_funds = models.BooleanField(default=False)
    transfer_amount = AmountField(null=True, blank=True)
    is_active = models.BooleanField(default=False, editable=False)
    archived_at = models.DateTimeField(null=True, blank=True, editable=False)
    version = models.PositiveIntegerField(default=1, editable=False)

    objects: ClassVar[Any] = OwnedQuerySet.as_manager()

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["user", "name"],
                condition=Q(archived_at__isnull=True),
                name="botconfig_name_unique_per_user",
            ),
            models.CheckConstraint(condition=Q(initial_capital__gt=0), name="botconfig_capital_positive"),
            models.CheckConstraint(
                condition=Q(position_size_perc__isnull=True) | Q(position_size_fixed__isnull=True),
                name="botconfig_one_kind_of_size",
            ),
            models.CheckConstraint(
                condition=Q(position_size_perc__isnull=True)
                | Q(position_size_perc__gt=0, position_size_perc__lte=100),
                name="botconfig_size_percent_in_range",
            ),
            models.CheckConstraint(
                condition=_exit_in_range("stop_loss_perc")
                & _exit_in_range("take_profit_perc")
                & _exit_in_range("trailing_stop_perc"),
                name="botconfig_exits_in_range",
            ),
            models.CheckConstraint(
                condition=Q(max_daily_trades__isnull=True) | Q(max_daily_trades__gte=1),
                name="botconfig_daily_trades_in_range",
            ),
            models.CheckConstraint(
                condition=Q(is_active=False) | Q(archived_at__isnull=True),
                name="botconfig_archived_is_not_active",
            ),
            models.CheckConstraint(
                condition=Q(api_key__isnull=False) | Q(archived_at__isnull=False),
                name="botconfig_living_has_a_key",
            ),
        ]
        indexes = [
            models.Index(fields=["user", "-created_at"], name="botconfig_user_newest"),
            models.Index(fields=["account"], condition=Q(is_active=True), name="botconfig_active_by_account"),
        ]

    def __str__(self) -> str:
        return f"{self.name} ({self.symbol} {self.timeframe})"

    @property
    def has_stop(self) -> bool:
        """Whether what it buys is protected by a stop, fixed or trailing."""
        return self.stop_loss_perc is not None or self.trailing_stop_perc is not None


class BotVersion(TimestampedModel):
    """A configuration as it stood after a saved change: who, what, when."""

    # CASCADE is never reached in practice: bots are archived, not deleted.
    bot_config = models.ForeignKey(BotConfig, on_delete=models.CASCADE, related_name="versions")
    version = models.PositiveIntegerField()
    author = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="+")
    configuration = models.JSONField()

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["bot_config", "version"], name="botversion_numbered_once"),
        ]


class BotStatus(models.TextChoices):
    """`waiting` and `error` carry their cause in `status_detail`: "waiting (no signal)", "error (price fetch)"."""

    STOPPED = "stopped", "Stopped"
    PENDING = "pending", "Pending"
    RUNNING = "running", "Running"
    WAITING = "waiting", "Waiting"
    PAUSED = "paused", "Paused"
    ERROR = "error", "Error"


class PositionSide(models.TextChoices):
    LONG = "long", "Long"
    SHORT = "short", "Short"


class BotState(TimestampedModel):
    """The live state of a bot, written by runs, fills and lifecycle; one row a bot, same primary key.

    A run takes this row with SELECT … FOR UPDATE NOWAIT. `last_updated_at` is set by a database trigger.
    """

    bot_config = models.OneToOneField(
        BotConfig, on_delete=models.PROTECT, primary_key=True, related_name="state"
    )
    status = models.CharField(max_length=10, choices=BotStatus.choices, default=BotStatus.STOPPED)
    status_detail = models.CharField(max_length=120, blank=True, default="")
    in_position = models.BooleanField(default=False)
    position_side = models.CharField(max_length=8, choices=PositionSide.choices, blank=True, default="")
    entry_price = AmountField(null=True, blank=True)
    current_position_size_coins = AmountField(default=Decimal(0))
    take_profit_price = AmountField(null=True, blank=True)
    stop_loss_price = AmountField(null=True, blank=True)
    trailing_stop_price = AmountField(null=True, blank=True)
    max_price_since_entry = AmountField(null=True, blank=True)
    realized_pnl = AmountField(default=Decimal(0))
    daily_pnl = AmountField(default=Decimal(0))
    daily_trades_count = models.PositiveIntegerField(default=0)
    counters_date = models.DateField(null=True, blank=True)
    last_run_at = models.DateTimeField(null=True, blank=True)
    # Opening of the last candle that was evaluated, in venue market time (ms): what makes a bot due.
    last_candle_open_ms = models.BigIntegerField(null=True, blank=True)
    last_reason = models.CharField(max_length=60, blank=True, default="")
    last_error_message = models.CharField(max_length=300, blank=True, default="")
    last_updated_at = models.DateTimeField(auto_now=True)
    # Coins too small to sell, kept at cost and added to the next exit.
    dust_quantity = AmountField(default=Decimal(0))
    dust_cost = AmountField(default=Decimal(0))
    order_sequence = models.PositiveIntegerField(default=0)
    # A stop with `close` met an entry already on its way: what it still buys is sold again. The ledger clears it.
    close_when_filled = models.BooleanField(default=False)
    # What the circuit breaker counts: market times (ms) of the last exits by a stop, and today's refused protection.
    recent_stop_exits_ms = models.JSONField(default=list, blank=True)
    protection_failures = models.PositiveSmallIntegerField(default=0)

    class Meta:
        constraints = [
            models.CheckConstraint(
                condition=Q(current_position_size_coins__gte=0), name="botstate_size_not_negative"
            ),
            models.CheckConstraint(condition=Q(dust_quantity__gte=0), name="botstate_dust_not_negative"),
        ]

    @property
    def status_text(self) -> str:
        """The status as SPEC §4.2 prints it: `waiting (no signal)`."""
        return f"{self.status} ({self.status_detail})" if self.status_detail else self.status


class Halt(TimestampedModel):
    """A kill switch: for one bot, one user, or (neither given) the whole installation. Ends when `ended_at` is set."""

    user = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, blank=True, on_delete=models.PROTECT, related_name="halts"
    )
    bot_config = models.ForeignKey(
        BotConfig, null=True, blank=True, on_delete=models.PROTECT, related_name="halts"
    )
    reason = models.CharField(max_length=200)
    # Who set it: a halt of the operators is theirs to end. Empty: the installation itself.
    set_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, blank=True, on_delete=models.PROTECT, related_name="+"
    )
    ended_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, blank=True, on_delete=models.PROTECT, related_name="+"
    )
    ended_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        constraints = [
            models.CheckConstraint(
                condition=Q(user__isnull=True) | Q(bot_config__isnull=True), name="halt_one_scope"
            ),
            models.CheckConstraint(
                condition=Q(ended_at__isnull=True) | Q(ended_at__gte=F("created_at")),
                name="halt_ends_after_it_began",
            ),
        ]
        indexes = [
            models.Index(fields=["user", "bot_config"], condition=Q(ended_at__isnull=True), name="halt_open")
        ]
