"""One bot as its owner looks into it: orders as a timeline, decisions, performance, and the summary of all bots."""

from __future__ import annotations

from typing import Any

from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers

from accounts.rest import PlainDecimalField, RowSerializer
from exchange.instants import instant_of
from trading.models import Decision, Order


class OrderSerializer(RowSerializer):
    """From the intent to its end: planned, claimed, accepted, settled; what it was for and what became of it."""

    # `replaces` by its number; a row of the list is one query anyway.
    replaces = serializers.IntegerField(source="replaces_id", allow_null=True)

    class Meta:
        model = Order
        fields = [
            "id", "bot_config", "position", "decision", "purpose", "reason", "side", "kind", "symbol", "state",
            "quantity", "quote_quantity", "price", "stop_price", "executed_quantity", "executed_quote",
            "client_order_id", "exchange_order_id", "list_client_order_id", "replaces", "planned_at", "claimed_at",
            "accepted_at", "triggered_at", "cancel_wanted_at", "settled_at", "error_code", "error_message",
        ]  # fmt: skip


class DecisionSerializer(RowSerializer):
    """What a run concluded, and why. A recomputed one has no row: no id, no version, no time of writing."""

    candle_at = serializers.SerializerMethodField()
    is_recomputed = serializers.SerializerMethodField()

    class Meta:
        model = Decision
        fields = [
            "id", "bot_config", "config_version", "candle_open_ms", "candle_at", "acts_at", "action", "reason",
            "text", "close_price", "is_recomputed", "created_at",
        ]  # fmt: skip

    def get_is_recomputed(self, decision: Decision) -> bool:
        return decision.pk is None

    @extend_schema_field(serializers.DateTimeField())
    def get_candle_at(self, decision: Decision) -> str:
        """Opening of the candle it was made on (market time)."""
        return instant_of(decision.candle_open_ms).isoformat().replace("+00:00", "Z")


class EquityPointSerializer(serializers.Serializer):  # type: ignore[type-arg]
    at = serializers.DateTimeField()
    equity = PlainDecimalField()


class DaySerializer(serializers.Serializer):  # type: ignore[type-arg]
    day = serializers.DateField()
    positions = serializers.IntegerField()
    realized_pnl = PlainDecimalField()


class FiguresSerializer(serializers.Serializer):  # type: ignore[type-arg]
    """Over closed positions, net of all fees; null where there is nothing to divide by."""

    initial_capital = PlainDecimalField()
    current_capital = PlainDecimalField()
    realized_pnl = PlainDecimalField()
    return_perc = PlainDecimalField(allow_null=True)
    positions = serializers.IntegerField()
    wins = serializers.IntegerField()
    losses = serializers.IntegerField()
    win_rate = PlainDecimalField(allow_null=True)
    profit_factor = PlainDecimalField(allow_null=True)
    expectancy = PlainDecimalField(allow_null=True)
    average_win = PlainDecimalField(allow_null=True)
    average_loss = PlainDecimalField(allow_null=True)
    best = PlainDecimalField(allow_null=True)
    worst = PlainDecimalField(allow_null=True)
    fees = PlainDecimalField()
    funding = PlainDecimalField()
    max_drawdown = PlainDecimalField()
    max_drawdown_perc = PlainDecimalField()
    average_holding_seconds = serializers.IntegerField(allow_null=True)
    exit_reasons = serializers.DictField(child=serializers.IntegerField())
    equity = EquityPointSerializer(many=True)
    by_day = DaySerializer(many=True)


class PerformanceSerializer(FiguresSerializer):
    """The figures, and whose."""

    bot_config = serializers.IntegerField()
    quote_asset = serializers.CharField()


class BotSummarySerializer(serializers.Serializer):  # type: ignore[type-arg]
    """A bot in a line."""

    id = serializers.IntegerField()
    name = serializers.CharField()
    symbol = serializers.CharField()
    timeframe = serializers.CharField()
    strategy = serializers.CharField()
    venue = serializers.CharField()
    is_active = serializers.BooleanField()
    status = serializers.CharField()
    in_position = serializers.BooleanField()
    quote_asset = serializers.CharField()
    initial_capital = PlainDecimalField()
    realized_pnl = PlainDecimalField()
    daily_pnl = PlainDecimalField()
    daily_trades_count = serializers.IntegerField()
    positions = serializers.IntegerField()
    wins = serializers.IntegerField()
    win_rate = PlainDecimalField(allow_null=True)


class MoneySumSerializer(serializers.Serializer):  # type: ignore[type-arg]
    quote_asset = serializers.CharField()
    initial_capital = PlainDecimalField()
    realized_pnl = PlainDecimalField()
    daily_pnl = PlainDecimalField()


class SummarySerializer(serializers.Serializer):  # type: ignore[type-arg]
    """All bots of a user; money is summed per quote asset."""

    count = serializers.IntegerField()
    active = serializers.IntegerField()
    in_position = serializers.IntegerField()
    paused = serializers.IntegerField()
    in_error = serializers.IntegerField()
    totals = MoneySumSerializer(many=True)
    bots = BotSummarySerializer(many=True)


class CandlesSerializer(serializers.Serializer):  # type: ignore[type-arg]
    """`candles`: rows of opening time (ms), open, high, low, close and volume, oldest first; only closed ones."""

    symbol = serializers.CharField()
    market = serializers.CharField()
    interval = serializers.CharField()
    source = serializers.CharField()  # type: ignore[assignment]
    candles: Any = serializers.ListField(child=serializers.ListField())
