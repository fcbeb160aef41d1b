"""Bots, their states and halts in the admin. Bots are their owners' to change; halts are the operators'."""

from __future__ import annotations

from typing import Any

from django.contrib import admin, messages
from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from unfold.admin import TabularInline

from accounts.operator_admin import OperatorAdmin, is_operator
from bots.halts import begin_halt, finish_halt
from bots.models import BotConfig, BotState, BotVersion, Halt


class BotVersionInline(TabularInline):  # type: ignore[misc]
    """Every saved change of a bot; written with it, never here."""

    model = BotVersion
    fields = ("version", "author", "created_at", "configuration")
    readonly_fields = fields
    ordering = ("-version",)
    can_delete = False
    extra = 0

    def get_queryset(self, request: HttpRequest) -> QuerySet[BotVersion]:
        return super().get_queryset(request).select_related("author")

    def has_view_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return is_operator(request)

    def has_add_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False


@admin.register(BotConfig)
class BotConfigAdmin(OperatorAdmin):
    list_display = ("name", "user", "symbol", "timeframe", "strategy", "is_active", "status", "archived_at")
    list_filter = ("is_active", "symbol", "timeframe", "strategy")
    list_select_related = ("user", "state")
    search_fields = ("name", "user__email", "symbol")
    ordering = ("-created_at",)
    inlines = (BotVersionInline,)

    @admin.display(description=gettext_lazy("status"))
    def status(self, bot: BotConfig) -> str:
        return bot.state.status_text


@admin.register(BotState)
class BotStateAdmin(OperatorAdmin):
    list_display = (
        "bot_config",
        "status_text",
        "in_position",
        "daily_pnl",
        "daily_trades_count",
        "last_run_at",
    )
    list_filter = ("status", "in_position")
    list_select_related = ("bot_config",)
    search_fields = ("bot_config__name", "bot_config__user__email")
    ordering = ("-last_updated_at",)


@admin.register(Halt)
class HaltAdmin(OperatorAdmin):
    """Neither user nor bot: the whole installation."""

    list_display = ("reason", "scope", "set_by", "created_at", "ended_at", "ended_by")
    list_select_related = ("user", "bot_config", "set_by", "ended_by")
    search_fields = ("reason", "user__email", "bot_config__name")
    ordering = ("-created_at",)
    fields = ("user", "bot_config", "reason")
    autocomplete_fields = ("user", "bot_config")
    actions = ("end_halts",)

    @admin.display(description=gettext_lazy("what it stops"))
    def scope(self, halt: Halt) -> str:
        return str(halt.bot_config or halt.user or _("the whole installation"))

    def has_add_permission(self, request: HttpRequest) -> bool:
        return is_operator(request)

    @admin.action(description=gettext_lazy("End the selected halts now"), permissions=["add"])
    def end_halts(self, request: HttpRequest, halts: QuerySet[Halt]) -> None:
        standing = list(halts.filter(ended_at__isnull=True))
        for halt in standing:
            finish_halt(halt, by=request.user)
        self.message_user(request, _("%(ended)d halts ended.") % {"ended": len(standing)}, messages.SUCCESS)

    def save_model(self, request: HttpRequest, obj: Halt, form: Any, change: bool) -> None:
        """As every halt is set: with its author, its audit row and its paused bots."""
        halt, _paused = begin_halt(by=request.user, reason=obj.reason, bot=obj.bot_config, user=obj.user)
        obj.pk = halt.pk
