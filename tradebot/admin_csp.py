"""A policy of its own for /admin/: the admin's Alpine evaluates expressions, which no other page may."""

from __future__ import annotations

from collections.abc import Callable

from django.conf import settings
from django.http import HttpRequest, HttpResponseBase
from django.urls import reverse
from django.utils.csp import CSP

ADMIN_POLICY = {**settings.SECURE_CSP, "script-src": [CSP.SELF, CSP.UNSAFE_EVAL]}


class AdminPolicyMiddleware:
    """Stands below Django's own middleware, which asks the response for a policy before it takes the general one."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponseBase]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        response = self.get_response(request)
        if request.path_info.startswith(reverse("admin:index")):
            response._csp_config = ADMIN_POLICY  # type: ignore[attr-defined]
        return response
