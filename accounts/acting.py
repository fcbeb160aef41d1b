"""Tells the audit log who acts in the request under way, and from where."""

from __future__ import annotations

from collections.abc import Callable

from django.http import HttpRequest, HttpResponseBase

from accounts.audit import acting
from accounts.client_address import client_address


class ActingMiddleware:
    """Stands inside AuthenticationMiddleware. The user is asked for when something is recorded: a token is read later
    than this, and DRF puts its user where the session's was."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponseBase]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        with acting(lambda: request.user, client_address(request)):
            return self.get_response(request)
