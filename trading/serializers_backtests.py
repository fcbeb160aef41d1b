"""Backtests over the API: what a row shows, and what a body may say. Whether a body is right is for
`trading.research.checking` to judge; the bodies here only describe it."""

from __future__ import annotations

from typing import Any

from django.utils.translation import gettext_lazy as _
from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers

from accounts.rest import RowSerializer, StrictSerializer
from bots.models import Direction, Timeframe
from bots.serializers import amount, flat_params, whole
from engine.verdict import LEVEL_OF_WORD
from exchange.models import Market
from trading.models import Backtest
from trading.research.supply import SOURCES

# Of the statistics, what a list shows.
HEADLINES = (
    "initial_balance", "final_balance", "total_pnl", "total_return", "win_rate", "profit_factor", "max_drawdown",
    "sharpe", "positions",
)  # fmt: skip


class HeadlinesSerializer(serializers.Serializer):  # type: ignore[type-arg]
    """Null until it is done, and where undefined. Money is a string, ratios are numbers (0.01 = 1 %)."""

    initial_balance = serializers.CharField(allow_null=True)
    final_balance = serializers.CharField(allow_null=True)
    total_pnl = serializers.CharField(allow_null=True)
    total_return = serializers.FloatField(allow_null=True)
    win_rate = serializers.FloatField(allow_null=True)
    profit_factor = serializers.FloatField(allow_null=True)
    max_drawdown = serializers.FloatField(allow_null=True)
    sharpe = serializers.FloatField(allow_null=True)
    positions = serializers.IntegerField(allow_null=True)


class BacktestSerializer(RowSerializer):
    """A backtest in a list: what was asked, how far it is, and its headlines."""

    start_time = serializers.DateTimeField(source="start_at")
    end_time = serializers.DateTimeField(source="end_at")
    figures = serializers.SerializerMethodField()
    verdict = serializers.ChoiceField(choices=sorted(LEVEL_OF_WORD), allow_null=True)

    class Meta:
        model = Backtest
        fields = [
            "id", "name", "bot_config", "source", "market", "symbol", "base_asset", "quote_asset", "timeframe",
            "start_time", "end_time", "strategy", "strategy_params", "settings", "status", "step", "progress",
            "message", "figures", "verdict", "created_at", "started_at", "finished_at",
        ]  # fmt: skip

    @extend_schema_field(HeadlinesSerializer)
    def get_figures(self, row: Backtest) -> dict[str, Any]:
        return {name: row.statistics.get(name) for name in HEADLINES}


class BacktestDetailSerializer(BacktestSerializer):
    """The report without its tables: all statistics, how robust it is, and what it stood on."""

    class Meta(BacktestSerializer.Meta):
        fields = [
            *BacktestSerializer.Meta.fields, "statistics", "robustness", "candles", "data_fingerprint", "code_version",
            "rules_version",
        ]  # fmt: skip


class BacktestBody(serializers.Serializer):  # type: ignore[type-arg]
    """What a client may ask. With `bot_config` that bot says what the body does not.

    `from` and `to` are accepted for `start_time` and `end_time`, `market` for `position_type`, and the flat names of a
    strategy's parameters; any other field is refused by name.
    """

    name = serializers.CharField(max_length=80, required=False)
    bot_config = serializers.IntegerField(required=False, allow_null=True)
    source = serializers.ChoiceField(  # type: ignore[assignment]
        choices=SOURCES, required=False, help_text=_("Whose candles: binance, or the paper market's.")
    )
    position_type = serializers.ChoiceField(choices=Market.choices, required=False)
    direction = serializers.ChoiceField(
        choices=Direction.choices, required=False, help_text=_("Spot goes long only.")
    )
    leverage = whole(help_text=_("Futures: 1 to 125, within the symbol's brackets. Spot: 1."))
    symbol = serializers.CharField(max_length=32, required=False)
    timeframe = serializers.ChoiceField(choices=Timeframe.choices, required=False)
    start_time = serializers.CharField(help_text=_("An ISO instant, a day, or milliseconds."))
    end_time = serializers.CharField(help_text=_("The same; a day counts to its end."))
    strategy = serializers.CharField(max_length=40, required=False)
    strategy_params = serializers.DictField(required=False)
    initial_capital = amount()
    position_size_perc = amount()
    position_size_fixed = amount()
    stop_loss_perc = amount()
    take_profit_perc = amount()
    trailing_stop_perc = amount()
    stop_limit_offset_perc = amount()
    max_daily_trades = whole(allow_null=True)
    max_daily_loss_perc = amount()
    daily_target_perc = amount()
    cooldown_candles = whole()
    max_slippage_perc = amount()
    taker_fee_perc = amount(help_text=_("0.1 unless given, on futures 0.05."))
    maker_fee_perc = amount(help_text=_("0.1 unless given, on futures 0.02."))
    slippage_perc = amount(help_text=_("0 unless given."))

    def get_fields(self) -> dict[str, Any]:
        return {**super().get_fields(), **flat_params()}


class BacktestRename(StrictSerializer):
    """All that may change of a backtest."""

    name = serializers.CharField(min_length=1, max_length=80)


class EverythingSerializer(serializers.Serializer):  # type: ignore[type-arg]
    """The whole report. `equity` has the curve where it was asked for."""

    backtest = BacktestDetailSerializer()
    daily = serializers.ListField(child=serializers.DictField())
    monthly = serializers.ListField(child=serializers.DictField())
    positions = serializers.ListField(child=serializers.DictField())
    trades = serializers.ListField(child=serializers.DictField())
    equity = serializers.DictField(required=False)
