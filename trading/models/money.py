"""Money: positions from entry to exit, the trade history, and wallets with what is reserved on them."""

from __future__ import annotations

from decimal import Decimal
from typing import Any, ClassVar

from django.conf import settings
from django.db import models
from django.db.models import Q

from accounts.models import ExchangeAccount, OwnedQuerySet
from bots.models import BotConfig, PositionSide
from exchange.fields import AmountField, TimestampedModel
from exchange.models import Market, Venue


class PositionAction(models.TextChoices):
    """What is being done to a position; taken by conditional update, one at a time."""

    NONE = "", "Nothing"
    ENTRY = "entry", "Entry"
    PROTECT = "protect", "Protect"
    REPLACE = "replace", "Replace"
    EXIT = "exit", "Exit"


class PositionQuerySet(models.QuerySet[Any]):
    def for_user(self, user: Any) -> PositionQuerySet:
        return self.filter(bot_config__user_id=user.pk)

    def open(self) -> PositionQuerySet:
        return self.filter(closed_at__isnull=True)


class Position(TimestampedModel):
    """Entry to exit of one bot: what its own fills brought, at what cost, with which result (net of all fees)."""

    bot_config = models.ForeignKey(BotConfig, on_delete=models.PROTECT, related_name="positions")
    sequence = models.PositiveIntegerField()
    side = models.CharField(max_length=8, choices=PositionSide.choices, default=PositionSide.LONG)
    quantity = AmountField(default=Decimal(0))
    cost = AmountField(default=Decimal(0))
    # Dust of earlier round trips that joined this one when it opened: with it, the fills replay to the numbers above.
    opening_dust_quantity = AmountField(default=Decimal(0))
    opening_dust_cost = AmountField(default=Decimal(0))
    entry_price = AmountField(null=True, blank=True)
    exit_price = AmountField(null=True, blank=True)
    opened_at = models.DateTimeField()
    closed_at = models.DateTimeField(null=True, blank=True)
    entry_reason = models.CharField(max_length=20, default="entry")
    exit_reason = models.CharField(max_length=20, blank=True, default="")
    realized_pnl = AmountField(default=Decimal(0))
    fees = AmountField(default=Decimal(0))
    funding = AmountField(default=Decimal(0))
    action = models.CharField(
        max_length=8, choices=PositionAction.choices, blank=True, default=PositionAction.NONE
    )
    # Where protection should stand now; what stands at the exchange are the orders. Empty: not wanted.
    stop_price = AmountField(null=True, blank=True)
    target_price = AmountField(null=True, blank=True)
    # What a filled stop is called: `stop_loss`, or `trailing_stop` once it was trailed.
    stop_reason = models.CharField(max_length=20, blank=True, default="")
    # The trail it was opened with, and the best price since, which it follows.
    trailing_stop_perc = AmountField(null=True, blank=True)
    best_price = AmountField(null=True, blank=True)
    # Since when (wall) coins are held that a wanted stop does not cover, and how long that was before.
    unprotected_since = models.DateTimeField(null=True, blank=True)
    unprotected_seconds = AmountField(default=Decimal(0))

    objects: ClassVar[Any] = PositionQuerySet.as_manager()

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["bot_config", "sequence"], name="position_numbered_once"),
            models.UniqueConstraint(
                fields=["bot_config"], condition=Q(closed_at__isnull=True), name="position_one_open_per_bot"
            ),
            models.CheckConstraint(condition=Q(quantity__gte=0), name="position_quantity_not_negative"),
        ]
        indexes = [
            models.Index(fields=["bot_config", "-closed_at"], name="position_bot_newest"),
            models.Index(
                fields=["action"], condition=Q(closed_at__isnull=True), name="position_open_by_action"
            ),
        ]


class Trade(TimestampedModel):
    """A row of the user's trade history: one filled order. Written by the ledger only, never through the API."""

    user = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="trades")
    bot_config = models.ForeignKey(BotConfig, on_delete=models.PROTECT, related_name="trades")
    position = models.ForeignKey(Position, on_delete=models.PROTECT, related_name="trades")
    account = models.ForeignKey(ExchangeAccount, on_delete=models.PROTECT, related_name="trades")
    venue = models.CharField(max_length=16, choices=Venue.choices)
    market = models.CharField(max_length=8, choices=Market.choices)
    symbol = models.CharField(max_length=32)
    side = models.CharField(max_length=4)
    order_type = models.CharField(max_length=20)
    price = AmountField()
    quantity_filled = AmountField()
    quote_quantity_filled = AmountField()
    commission_amount = AmountField()
    commission_asset = models.CharField(max_length=16)
    realized_pnl = AmountField(null=True, blank=True)
    reason = models.CharField(max_length=20)
    binance_order_id = models.BigIntegerField()
    client_order_id = models.CharField(max_length=36)
    timestamp = models.DateTimeField()

    objects: ClassVar[Any] = OwnedQuerySet.as_manager()

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["account", "market", "symbol", "binance_order_id"],
                name="trade_once_per_exchange_order",
            ),
        ]
        indexes = [
            models.Index(fields=["user", "-timestamp"], name="trade_user_newest"),
            models.Index(fields=["bot_config", "-timestamp"], name="trade_bot_newest"),
            models.Index(fields=["user", "symbol", "-timestamp"], name="trade_user_symbol_newest"),
        ]


class Wallet(TimestampedModel):
    """An asset of an account: what the exchange last said it holds, and what our planned orders have reserved.

    The reservation is raised in the transaction that plans an entry and ends with the order.
    """

    account = models.ForeignKey(ExchangeAccount, on_delete=models.PROTECT, related_name="wallets")
    market = models.CharField(max_length=8, choices=Market.choices)
    asset = models.CharField(max_length=16)
    free = AmountField(default=Decimal(0))
    locked = AmountField(default=Decimal(0))
    reserved = AmountField(default=Decimal(0))
    read_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["account", "market", "asset"], name="wallet_one_per_asset"),
            models.CheckConstraint(condition=Q(reserved__gte=0), name="wallet_reserved_not_negative"),
        ]

    @property
    def total(self) -> Decimal:
        return self.free + self.locked

    @property
    def available(self) -> Decimal:
        """Free money that no planned or unsettled entry has a claim on. Never negative."""
        return max(self.free - self.reserved, Decimal(0))
