"""Bots over the API: what a row shows, and what a body may say. Whether a body is right is for `bots.configuration`
to judge, which forms ask too; the bodies here only describe it."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

from django.utils.translation import gettext_lazy as _
from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers

from accounts.rest import PlainDecimalField, RowSerializer, StrictSerializer
from bots.models import BotConfig, BotState, Direction, Timeframe
from engine.strategies import all_strategies, params_fields
from exchange.fields import plain
from exchange.instants import instant_of
from exchange.models import Market


class BotConfigSerializer(RowSerializer):
    """A bot as its owner sees it."""

    venue = serializers.CharField(source="api_key.venue")
    status = serializers.CharField(source="state.status_text")
    has_stop = serializers.BooleanField(read_only=True)

    class Meta:
        model = BotConfig
        fields = [
            "id", "name", "api_key", "venue", "symbol", "base_asset", "quote_asset", "position_type", "direction",
            "timeframe", "strategy", "strategy_params", "initial_capital", "position_size_perc",
            "position_size_fixed", "stop_loss_perc", "take_profit_perc", "trailing_stop_perc",
            "stop_limit_offset_perc", "has_stop", "leverage", "max_daily_trades", "max_daily_loss_perc",
            "daily_target_perc", "cooldown_candles", "max_slippage_perc", "auto_transfer_funds", "transfer_amount",
            "is_active", "status", "version", "created_at", "updated_at",
        ]  # fmt: skip


def amount(**kwargs: Any) -> PlainDecimalField:
    return PlainDecimalField(required=False, allow_null=True, **kwargs)


def whole(**kwargs: Any) -> serializers.IntegerField:
    return serializers.IntegerField(required=False, min_value=0, max_value=2**31 - 1, **kwargs)


def flat_params() -> dict[str, serializers.Field[Any, Any, Any, Any]]:
    """`ema_fast` and its like, accepted beside `strategy_params` and written into it."""
    return {
        field.name: (serializers.IntegerField if field.is_whole else PlainDecimalField)(
            required=False, allow_null=True, help_text=field.help
        )
        for entry in all_strategies()
        for field in params_fields(entry.name)
    }


class BotConfigBody(serializers.Serializer):  # type: ignore[type-arg]
    """What a client may set when it makes a bot; described here, judged by `bots.configuration`.

    The flat names of a strategy's parameters are accepted too; any other field is refused by name.
    """

    name = serializers.CharField(min_length=3, max_length=80)
    api_key = serializers.IntegerField(help_text=_("The number of one of your keys; it decides the venue."))
    symbol = serializers.CharField(max_length=32)
    position_type = serializers.ChoiceField(choices=Market.choices, required=False)
    direction = serializers.ChoiceField(choices=Direction.choices, required=False)
    timeframe = serializers.ChoiceField(choices=Timeframe.choices, required=False)
    strategy = serializers.CharField(max_length=40, required=False)
    strategy_params = serializers.DictField(required=False)
    initial_capital = PlainDecimalField(help_text=_("Quote money this bot may use."))
    position_size_perc = amount()
    position_size_fixed = amount()
    stop_loss_perc = amount()
    take_profit_perc = amount()
    trailing_stop_perc = amount()
    stop_limit_offset_perc = amount()
    leverage = whole()
    max_daily_trades = whole(allow_null=True)
    max_daily_loss_perc = amount()
    daily_target_perc = amount()
    cooldown_candles = whole()
    max_slippage_perc = amount()
    auto_transfer_funds = serializers.BooleanField(required=False)
    transfer_amount = amount()

    def get_fields(self) -> dict[str, Any]:
        return {**super().get_fields(), **flat_params()}


class BotConfigChange(BotConfigBody):
    """An edit names the version it was made from; a stale one is a 409 with the difference."""

    version = serializers.IntegerField(min_value=1)


class BotConfigPatch(BotConfigChange):
    """Only `version` is needed; what is not named stays as it is."""

    def get_fields(self) -> dict[str, Any]:
        fields = super().get_fields()
        for name, field in fields.items():
            field.required = name == "version"
        return fields


class StaleSerializer(serializers.Serializer):  # type: ignore[type-arg]
    """The answer to a stale edit: the present version, and each field that differs from what was sent."""

    detail = serializers.CharField()
    version = serializers.IntegerField()
    differences = serializers.DictField()


class ChangeSerializer(serializers.Serializer):  # type: ignore[type-arg]
    """A field of a version, before and after; amounts are strings."""

    field = serializers.CharField()
    before = serializers.JSONField(allow_null=True)
    after = serializers.JSONField(allow_null=True)


class BotVersionSerializer(serializers.Serializer):  # type: ignore[type-arg]
    """A saved configuration: whose, when, and what it changed."""

    version = serializers.IntegerField()
    author = serializers.CharField()
    configuration = serializers.DictField()
    changes = ChangeSerializer(many=True)
    is_current = serializers.BooleanField()
    created_at = serializers.DateTimeField(source="saved_at")


class RollbackBody(StrictSerializer):
    """`to` is the version whose values are wanted; `version` the one you looked at (the present one unless given)."""

    to = serializers.IntegerField(min_value=1, max_value=2**31 - 1)
    version = serializers.IntegerField(min_value=1, max_value=2**31 - 1, required=False)


class BotStateSerializer(RowSerializer):
    """The live state; its numbers come from fills and decisions."""

    status = serializers.CharField(source="status_text")
    position_side = serializers.SerializerMethodField()
    last_candle_at = serializers.SerializerMethodField()

    class Meta:
        model = BotState
        fields = [
            "bot_config", "status", "in_position", "position_side", "entry_price", "current_position_size_coins",
            "take_profit_price", "stop_loss_price", "trailing_stop_price", "max_price_since_entry", "realized_pnl",
            "daily_pnl", "daily_trades_count", "last_run_at", "last_candle_at", "last_reason",
            "last_error_message", "last_updated_at",
        ]  # fmt: skip

    def get_position_side(self, state: BotState) -> str | None:
        return state.position_side or None

    @extend_schema_field(serializers.DateTimeField(allow_null=True))
    def get_last_candle_at(self, state: BotState) -> str | None:
        """Opening of the last candle that was evaluated (market time)."""
        if state.last_candle_open_ms is None:
            return None
        return instant_of(state.last_candle_open_ms).isoformat().replace("+00:00", "Z")


@extend_schema_field({"oneOf": [{"type": "integer"}, {"type": "string", "format": "decimal"}]})
class ParamNumberField(serializers.Field[Any, Any, Any, Any]):
    """A whole number as a number; one with digits behind the point as text, as every amount of the API."""

    def to_representation(self, value: int | Decimal) -> int | str:
        return plain(value) if isinstance(value, Decimal) else value


class StrategyParamSerializer(serializers.Serializer):  # type: ignore[type-arg]
    """A parameter: what it may be, and from where to where in which steps an optimisation tries it."""

    name = serializers.CharField()
    type = serializers.SerializerMethodField()
    default = ParamNumberField(allow_null=True)
    minimum = ParamNumberField()
    maximum = ParamNumberField()
    step = ParamNumberField()
    search = serializers.ListField(child=ParamNumberField(), min_length=2, max_length=2)
    label = serializers.CharField()  # type: ignore[assignment]
    help = serializers.CharField()

    @extend_schema_field(serializers.ChoiceField(choices=["integer", "decimal"]))
    def get_type(self, field: Any) -> str:
        return "integer" if field.is_whole else "decimal"


class StrategySerializer(serializers.Serializer):  # type: ignore[type-arg]
    name = serializers.CharField()
    title = serializers.CharField()
    summary = serializers.CharField()
    params = StrategyParamSerializer(many=True)


class SymbolSerializer(serializers.Serializer):  # type: ignore[type-arg]
    """A symbol bots can trade."""

    symbol = serializers.CharField()
    base_asset = serializers.CharField()
    quote_asset = serializers.CharField()
