"""What operators see in the admin: everything there is to look at, nothing of history to change, no secret anywhere."""

from __future__ import annotations

from typing import Any

from django.http import HttpRequest
from unfold.admin import ModelAdmin


class OperatorAdmin(ModelAdmin):  # type: ignore[misc]
    """Staff may look. What may be added or changed, and by whom, each page says itself."""

    list_per_page = 50
    # Counting a growing table once for a page is enough.
    show_full_result_count = False
    list_filter_submit = True

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


def is_operator(request: HttpRequest) -> bool:
    return bool(request.user.is_active and request.user.is_staff)
