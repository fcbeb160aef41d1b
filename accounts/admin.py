"""Users, exchange accounts and keys in the admin. Keys are masked, and can neither be added nor edited here."""

from __future__ import annotations

from typing import Any

from allauth.account.models import EmailAddress
from django.contrib import admin
from django.contrib.auth.models import Group
from django.db import transaction
from django.http import HttpRequest
from rest_framework_simplejwt.token_blacklist.models import BlacklistedToken, OutstandingToken

from accounts.audit import record
from accounts.models import ApiKey, AuditEntry, AuditEvent, ExchangeAccount, User
from accounts.operator_admin import OperatorAdmin

# Tokens are secrets, groups carry no rights here, and the rest is bookkeeping of libraries.
for model in (EmailAddress, BlacklistedToken, OutstandingToken, Group):
    if admin.site.is_registered(model):
        admin.site.unregister(model)


@admin.register(User)
class UserAdmin(OperatorAdmin):
    """Superusers decide who may sign in and who operates; everybody signs up by themselves."""

    list_display = ("email", "is_active", "is_staff", "is_superuser", "date_joined", "last_login")
    list_filter = ("is_active", "is_staff")
    search_fields = ("email",)
    ordering = ("-date_joined",)
    fields = (
        "email",
        "is_active",
        "is_staff",
        "is_superuser",
        "date_joined",
        "last_login",
        "tokens_valid_from",
    )
    readonly_fields = ("email", "date_joined", "last_login", "tokens_valid_from")

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return bool(request.user.is_active and request.user.is_staff and request.user.is_superuser)

    def save_model(self, request: HttpRequest, obj: User, form: Any, change: bool) -> None:
        before = {name: form.initial[name] for name in form.changed_data}
        with transaction.atomic():
            super().save_model(request, obj, form, change)
            if before:
                after = {name: getattr(obj, name) for name in before}
                record(AuditEvent.USER_CHANGED, obj, by=request.user, before=before, after=after)


@admin.register(ExchangeAccount)
class ExchangeAccountAdmin(OperatorAdmin):
    list_display = ("external_id", "venue", "user", "created_at")
    list_filter = ("venue",)
    list_select_related = ("user",)
    search_fields = ("external_id", "user__email")
    ordering = ("-created_at",)
    fields = ("user", "venue", "external_id", "account_max_daily_loss_perc", "created_at", "updated_at")


@admin.register(ApiKey)
class ApiKeyAdmin(OperatorAdmin):
    list_display = ("label", "masked_key", "venue", "user", "is_valid", "last_checked_at")
    list_filter = ("venue", "is_valid")
    list_select_related = ("user",)
    search_fields = ("label", "user__email")
    ordering = ("-created_at",)
    fields = (
        "user", "account", "label", "venue", "masked_key", "permissions", "is_valid", "last_checked_at", "last_error",
        "created_at", "updated_at",
    )  # fmt: skip


@admin.register(AuditEntry)
class AuditEntryAdmin(OperatorAdmin):
    """To be read only, as in the database: its trigger refuses everything else."""

    list_display = ("at", "event", "subject", "actor", "owner", "address", "sequence")
    list_filter = ("event",)
    list_select_related = ("actor", "owner")
    search_fields = ("subject", "actor__email", "owner__email", "address")
    ordering = ("-id",)
    fields = (
        "at", "event", "actor", "owner", "address", "subject_kind", "subject_id", "subject", "before", "after",
        "sequence", "previous_hash", "hash",
    )  # fmt: skip
