"""Trades as their owner sees them. They come from fills; none can be made, changed or deleted here."""

from __future__ import annotations

from rest_framework import serializers

from accounts.rest import RowSerializer, StrictSerializer
from trading.models import Trade


class TradeSerializer(RowSerializer):
    bot_name = serializers.CharField(source="bot_config.name")

    class Meta:
        model = Trade
        fields = [
            "id", "bot_config", "bot_name", "position", "venue", "market", "symbol", "side", "order_type", "price",
            "quantity_filled", "quote_quantity_filled", "commission_amount", "commission_asset", "realized_pnl",
            "reason", "binance_order_id", "client_order_id", "timestamp",
        ]  # fmt: skip


class StopBody(StrictSerializer):
    """`position`: what happens to the coins the bot holds; `close` sells them at market."""

    position = serializers.ChoiceField(choices=["keep", "close"], default="keep")


class StartBody(StrictSerializer):
    """Nothing to say; a field in it is refused."""


class LifecycleAnswer(serializers.Serializer):  # type: ignore[type-arg]
    message = serializers.CharField()
    bot_config_id = serializers.IntegerField()
    status = serializers.CharField()
    # Only where an entry was already on its way when its bot was stopped: it may still fill.
    pending_order = serializers.CharField(required=False)
