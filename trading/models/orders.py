"""Orders and their fills: our durable intent to trade, and what became of it."""

from __future__ import annotations

from decimal import Decimal
from enum import StrEnum
from typing import Any, ClassVar

from django.db import models
from django.db.models import Q

from accounts.models import ExchangeAccount
from bots.models import BotConfig
from engine.orders import OrderState, OrderType, Purpose, Side
from exchange.fields import AmountField, TimestampedModel
from exchange.models import Market, Venue
from trading.models.decisions import Decision
from trading.models.money import Position

# Every state in which an order's end is still to come; written out because constraints and indexes repeat it.
UNSETTLED = ("planned", "sending", "unknown", "open", "partially_filled")


def choices_of(words: type[StrEnum]) -> list[tuple[str, str]]:
    """The engine's words as Django choices: one list of states, in one place."""
    return [(word.value, word.value.replace("_", " ").capitalize()) for word in words]


class OrderQuerySet(models.QuerySet[Any]):
    def for_user(self, user: Any) -> OrderQuerySet:
        return self.filter(bot_config__user_id=user.pk)

    def unsettled(self) -> OrderQuerySet:
        return self.filter(state__in=UNSETTLED)


class Order(TimestampedModel):
    """One order of one bot. Committed as `planned` first; claimed by a conditional update that also stores the
    request's timestamp and window; never deleted."""

    # PROTECT throughout: money history is never deleted by cascade.
    bot_config = models.ForeignKey(BotConfig, on_delete=models.PROTECT, related_name="orders")
    account = models.ForeignKey(ExchangeAccount, on_delete=models.PROTECT, related_name="orders")
    position = models.ForeignKey(
        Position, null=True, blank=True, on_delete=models.PROTECT, related_name="orders"
    )
    decision = models.ForeignKey(
        Decision, null=True, blank=True, on_delete=models.PROTECT, related_name="orders"
    )
    venue = models.CharField(max_length=16, choices=Venue.choices)
    market = models.CharField(max_length=8, choices=Market.choices)
    symbol = models.CharField(max_length=32)
    purpose = models.CharField(max_length=8, choices=choices_of(Purpose))
    # Why it trades (`entry`, `exit_signal`, …): the reason of the Trade it becomes.
    reason = models.CharField(max_length=20)
    side = models.CharField(max_length=4, choices=choices_of(Side))
    kind = models.CharField(max_length=20, choices=choices_of(OrderType), default=OrderType.MARKET)
    quantity = AmountField(null=True, blank=True)
    quote_quantity = AmountField(null=True, blank=True)
    price = AmountField(null=True, blank=True)
    stop_price = AmountField(null=True, blank=True)
    # A stop and a target that stand as one list (OCO) share both ids.
    list_client_order_id = models.CharField(max_length=36, blank=True, default="")
    exchange_list_id = models.BigIntegerField(null=True, blank=True)
    # The order this one takes the place of, in one request (cancel-replace).
    replaces = models.ForeignKey(
        "self", null=True, blank=True, on_delete=models.PROTECT, related_name="replacements"
    )
    client_order_id = models.CharField(max_length=36)
    rules_version = models.PositiveIntegerField(default=1)
    state = models.CharField(max_length=20, choices=choices_of(OrderState), default=OrderState.PLANNED)
    # Quote money set aside on the Wallet until the order's end is known.
    reserved = AmountField(default=Decimal(0))
    planned_at = models.DateTimeField()
    # The venue's market time (ms) after which an entry is too late to send; exits have none.
    fresh_until_ms = models.BigIntegerField(null=True, blank=True)
    claimed_at = models.DateTimeField(null=True, blank=True)
    request_timestamp_ms = models.BigIntegerField(null=True, blank=True)
    recv_window_ms = models.IntegerField(null=True, blank=True)
    # The last trade id of ours known on this symbol at the claim: later trades settle an unknown end.
    last_trade_id_at_claim = models.BigIntegerField(null=True, blank=True)
    exchange_order_id = models.BigIntegerField(null=True, blank=True)
    accepted_at = models.DateTimeField(null=True, blank=True)
    # Our wish to cancel, repeated by the order's own id until a query shows a final state.
    cancel_wanted_at = models.DateTimeField(null=True, blank=True)
    # When its end became unknown for the first time; stays when it is known again.
    unknown_at = models.DateTimeField(null=True, blank=True)
    # When the exchange was last asked about it (wall), and since when a stop of it is known to be triggered.
    asked_at = models.DateTimeField(null=True, blank=True)
    triggered_at = models.DateTimeField(null=True, blank=True)
    executed_quantity = AmountField(default=Decimal(0))
    executed_quote = AmountField(default=Decimal(0))
    negative_answers = models.PositiveSmallIntegerField(default=0)
    # Server time (ms) of the first and last "order does not exist".
    first_negative_ms = models.BigIntegerField(null=True, blank=True)
    last_negative_ms = models.BigIntegerField(null=True, blank=True)
    error_code = models.IntegerField(null=True, blank=True)
    error_message = models.CharField(max_length=300, blank=True, default="")
    settled_at = models.DateTimeField(null=True, blank=True)

    objects: ClassVar[Any] = OrderQuerySet.as_manager()

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["client_order_id"], name="order_client_id_never_used_twice"),
            models.UniqueConstraint(
                fields=["account", "market", "symbol", "exchange_order_id"],
                condition=Q(exchange_order_id__isnull=False),
                name="order_exchange_id_once",
            ),
            # One order of a kind in flight per bot; a second may only be planned where the first is being cancelled.
            models.UniqueConstraint(
                fields=["bot_config", "purpose"],
                condition=Q(state__in=UNSETTLED, cancel_wanted_at__isnull=True),
                name="order_one_unsettled_per_purpose",
            ),
            models.CheckConstraint(
                condition=Q(purpose="entry") | Q(position__isnull=False),
                name="order_closing_has_its_position",
            ),
            models.UniqueConstraint(
                fields=["decision", "purpose"],
                condition=Q(decision__isnull=False),
                name="order_once_per_decision",
            ),
            models.CheckConstraint(
                condition=Q(quantity__isnull=False) ^ Q(quote_quantity__isnull=False),
                name="order_one_kind_of_amount",
            ),
            models.CheckConstraint(
                condition=Q(state__in=["planned", "dropped"]) | Q(request_timestamp_ms__isnull=False),
                name="order_sent_has_its_timestamp",
            ),
        ]
        indexes = [
            models.Index(
                fields=["state", "claimed_at"], condition=Q(state__in=UNSETTLED), name="order_unsettled"
            ),
            models.Index(fields=["bot_config", "-id"], name="order_bot_newest"),
        ]

    def __str__(self) -> str:
        return f"{self.client_order_id} {self.side} {self.symbol} {self.state}"


class Fill(TimestampedModel):
    """An execution the exchange reported: booked once, whoever reports it and however often."""

    order = models.ForeignKey(Order, on_delete=models.PROTECT, related_name="fills")
    account = models.ForeignKey(ExchangeAccount, on_delete=models.PROTECT, related_name="fills")
    market = models.CharField(max_length=8, choices=Market.choices)
    symbol = models.CharField(max_length=32)
    trade_id = models.BigIntegerField()
    price = AmountField()
    quantity = AmountField()
    quote_quantity = AmountField()
    commission = AmountField()
    commission_asset = models.CharField(max_length=16)
    is_maker = models.BooleanField(default=False)
    filled_at = models.DateTimeField()

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["account", "market", "symbol", "trade_id"], name="fill_booked_once"
            ),
        ]
