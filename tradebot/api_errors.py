"""Domain errors as HTTP answers: `{"detail": …}` or one list per field, with one message in it.

This is the only place that knows which error is which status; the rooms raise, and never answer.
"""

from __future__ import annotations

from typing import Any

from django.db import OperationalError
from django.http import Http404, HttpRequest, HttpResponse, JsonResponse
from django.utils.translation import gettext as _
from django.views.defaults import server_error
from rest_framework import status
from rest_framework.exceptions import APIException, NotFound, ValidationError
from rest_framework.response import Response
from rest_framework.views import exception_handler

from accounts.keys import KeyInUse, KeyRefused
from accounts.password_change import PasswordRefused
from accounts.rate_limits import TooManyAttempts
from accounts.vault import VaultError
from bots.configuration import ConfigurationRefused, StaleVersion
from bots.lifecycle import LifecycleRefused
from exchange.port import ExchangeError, RateLimited

DETAIL = "detail"
# DRF's name for what concerns no single field.
WHOLE_BODY = "non_field_errors"


def show_server_error(request: HttpRequest) -> HttpResponse:
    """A 500: JSON for the API, the page for pages; what went wrong is in the log only."""
    if request.path_info.startswith("/api/"):
        return JsonResponse({DETAIL: _("Something went wrong on our side. It was logged.")}, status=500)
    return server_error(request)


def answer_error(error: Exception, context: dict[str, Any]) -> Response | None:
    """The answer to an error raised in a view; None (a 500) for what nobody foresaw."""
    if isinstance(error, Http404):
        # Whatever was looked for is called by no name: what is missing and what is somebody else's look alike.
        error = NotFound()
    answer = _domain_answer(error)
    if answer is None:
        answer = exception_handler(_as_api_error(error), context)
    if answer is not None and isinstance(error, ValidationError):
        answer.data = one_message_per_field(answer.data)
    return answer


def _domain_answer(error: Exception) -> Response | None:
    if isinstance(error, KeyRefused | ConfigurationRefused | PasswordRefused):
        return Response(one_message_per_field(error.errors), status=status.HTTP_400_BAD_REQUEST)
    if isinstance(error, TooManyAttempts):
        waiting = {"Retry-After": str(error.seconds)}
        return Response({DETAIL: str(error)}, status=status.HTTP_429_TOO_MANY_REQUESTS, headers=waiting)
    if isinstance(error, KeyInUse):
        bots = [{"id": pk, "name": name} for pk, name in error.bots.items()]
        return Response({DETAIL: str(error), "bots": bots}, status=status.HTTP_409_CONFLICT)
    if isinstance(error, StaleVersion):
        differences = {d.field: {"seen": d.seen, "now": d.now, "wanted": d.wanted} for d in error.differences}
        body = {DETAIL: str(error), "version": error.current, "differences": differences}
        return Response(body, status=status.HTTP_409_CONFLICT)
    if isinstance(error, LifecycleRefused):
        body = {error.field: [error.message]} if error.field else {DETAIL: error.message}
        return Response(body, status=error.status_code)
    return None


class _Away(APIException):
    status_code = status.HTTP_503_SERVICE_UNAVAILABLE


def _as_api_error(error: Exception) -> Exception:
    if isinstance(error, ExchangeError):
        away = _Away(_("The exchange did not answer as expected: %(why)s") % {"why": error})
        if isinstance(error, RateLimited):
            # DRF's handler turns this into a Retry-After header.
            away.wait = error.retry_after_seconds  # type: ignore[attr-defined]
        return away
    if isinstance(error, VaultError):
        return _Away(_("This key cannot be opened on this installation. Delete it and add it again."))
    if isinstance(error, OperationalError):
        return _Away(_("The database did not answer. Try again in a moment."))
    return error


def one_message_per_field(errors: Any) -> dict[str, Any]:
    """DRF's nested lists and dictionaries, flat: field → one list of one message."""
    if not isinstance(errors, dict):
        return {DETAIL: _sentence(errors)}
    flat: dict[str, Any] = {}
    for field, messages in errors.items():
        if isinstance(messages, dict):
            flat.update(one_message_per_field(messages))
        elif field in (WHOLE_BODY, DETAIL):
            flat[DETAIL] = _sentence(messages)
        else:
            flat[str(field)] = [_sentence(messages)]
    return flat


def _sentence(messages: Any) -> str:
    if isinstance(messages, list | tuple):
        return " ".join(_sentence(message) for message in messages)
    return str(messages)
