"""How pages and htmx get along: an expired session leads to the sign-in page, not into a <div>; messages are toasts."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any
from urllib.parse import urlencode

from django.conf import settings
from django.contrib.messages import get_messages
from django.http import HttpRequest, HttpResponse, HttpResponseBase
from django.shortcuts import resolve_url
from django.utils.cache import patch_vary_headers


class HtmxPageMiddleware:
    """Stands inside MessageMiddleware and HtmxMiddleware."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponseBase]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        response = self.get_response(request)
        if not request.htmx:  # type: ignore[attr-defined]
            return response
        patch_vary_headers(response, ["HX-Request"])
        sign_in = resolve_url(settings.LOGIN_URL)
        if response.status_code == 302 and response.headers["Location"].split("?")[0] == sign_in:
            return _sent_to(sign_in, request)
        if response.status_code < 300:
            _hand_over_messages(request, response)
        return response


def _sent_to(sign_in: str, request: Any) -> HttpResponse:
    """The whole page goes to sign in, and comes back to where it was."""
    page = request.htmx.current_url_abs_path or "/"
    return HttpResponse(status=204, headers={"HX-Redirect": f"{sign_in}?{urlencode({'next': page})}"})


def _hand_over_messages(request: HttpRequest, response: HttpResponseBase) -> None:
    toasts = [{"level": message.level_tag, "text": str(message)} for message in get_messages(request)]
    if toasts:
        response.headers["HX-Trigger"] = json.dumps({"toasts": toasts})
