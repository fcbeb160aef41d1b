"""The money history in the admin: decisions, orders, fills, positions, trades, wallets; and backtests. All of it is
read only."""

from __future__ import annotations

from typing import Any

from django.contrib import admin
from django.http import HttpRequest

from accounts.operator_admin import OperatorAdmin
from trading.models import Backtest, Decision, Fill, Order, Position, Trade, Wallet


@admin.register(Decision)
class DecisionAdmin(OperatorAdmin):
    list_display = ("bot_config", "acts_at", "action", "reason", "text", "close_price")
    list_filter = ("action",)
    list_select_related = ("bot_config",)
    search_fields = ("bot_config__name", "reason")
    ordering = ("-pk",)


@admin.register(Order)
class OrderAdmin(OperatorAdmin):
    list_display = (
        "client_order_id", "bot_config", "symbol", "side", "purpose", "state", "executed_quantity",
        "executed_quote", "planned_at",
    )  # fmt: skip
    list_filter = ("state", "side", "purpose", "venue")
    list_select_related = ("bot_config",)
    search_fields = ("client_order_id", "bot_config__name", "bot_config__user__email")
    ordering = ("-pk",)


@admin.register(Fill)
class FillAdmin(OperatorAdmin):
    list_display = (
        "trade_id",
        "order",
        "symbol",
        "price",
        "quantity",
        "commission",
        "commission_asset",
        "filled_at",
    )
    list_filter = ("market",)
    list_select_related = ("order",)
    search_fields = ("order__client_order_id", "trade_id")
    ordering = ("-pk",)


@admin.register(Position)
class PositionAdmin(OperatorAdmin):
    list_display = (
        "bot_config",
        "sequence",
        "side",
        "quantity",
        "entry_price",
        "exit_price",
        "realized_pnl",
        "opened_at",
        "closed_at",
    )
    list_filter = ("side", "exit_reason")
    list_select_related = ("bot_config",)
    search_fields = ("bot_config__name", "bot_config__user__email")
    ordering = ("-pk",)


@admin.register(Trade)
class TradeAdmin(OperatorAdmin):
    list_display = (
        "timestamp",
        "user",
        "bot_config",
        "symbol",
        "side",
        "price",
        "quantity_filled",
        "realized_pnl",
        "reason",
    )
    list_filter = ("side", "reason", "venue")
    list_select_related = ("user", "bot_config")
    search_fields = ("client_order_id", "bot_config__name", "user__email")
    ordering = ("-timestamp", "-pk")


@admin.register(Wallet)
class WalletAdmin(OperatorAdmin):
    list_display = ("account", "market", "asset", "free", "locked", "reserved", "read_at")
    list_filter = ("market", "asset")
    list_select_related = ("account",)
    search_fields = ("account__external_id", "account__user__email")
    ordering = ("account", "asset")


@admin.register(Backtest)
class BacktestAdmin(OperatorAdmin):
    list_display = (
        "name",
        "user",
        "source",
        "symbol",
        "timeframe",
        "strategy",
        "status",
        "progress",
        "created_at",
    )
    list_filter = ("status", "source", "timeframe")
    list_select_related = ("user",)
    search_fields = ("name", "symbol", "user__email")
    exclude = ("results", "periods")
    ordering = ("-pk",)

    def get_queryset(self, request: HttpRequest) -> Any:
        return super().get_queryset(request).defer("results", "periods", "robustness")
