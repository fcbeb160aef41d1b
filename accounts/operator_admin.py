"""What operators see in the admin: everything there is to look at, nothing of history to change, no secret anywhere."""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from typing import Any

from django.contrib import admin
from django.db.models import Model
from django.http import HttpRequest
from unfold.admin import ModelAdmin

from exchange.fields import AmountField, plain


class OperatorAdmin(ModelAdmin):  # type: ignore[misc]
    """Staff may look. What may be added or changed, and by whom, each page says itself."""

    list_per_page = 50
    # Counting a growing table once for a page is enough.
    show_full_result_count = False
    list_filter_submit = True

    def get_list_display(self, request: HttpRequest) -> tuple[Any, ...]:
        amounts = {field.name: field for field in self.model._meta.fields if isinstance(field, AmountField)}
        names = super().get_list_display(request)
        return tuple(
            amount_column(name, str(amounts[name].verbose_name)) if name in amounts else name
            for name in names
        )

    def has_module_permission(self, request: HttpRequest) -> bool:
        return is_operator(request)

    def has_view_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return is_operator(request)

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False


@cache
def amount_column(name: str, title: str) -> Callable[[Model], str | None]:
    """A column of amounts in plain notation, not with the eighteen places in which they are stored."""

    @admin.display(description=title, ordering=name)
    def shown(row: Model) -> str | None:
        amount = getattr(row, name)
        return None if amount is None else plain(amount)

    return shown


def is_operator(request: HttpRequest) -> bool:
    return bool(request.user.is_active and request.user.is_staff)
