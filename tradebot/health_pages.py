"""Health for machines (/health, /health/ready) and for people (the banner), with no session and no database behind it.

Answered before any other middleware, so that they work exactly when other parts do not.
"""

from __future__ import annotations

from collections.abc import Callable

from django.http import HttpRequest, HttpResponse, HttpResponseBase, JsonResponse
from django.template.loader import render_to_string
from django.utils import translation

from tradebot import health


def show_health(request: HttpRequest) -> HttpResponse:
    """The web process answers."""
    return JsonResponse({"status": "ok"})


def show_readiness(request: HttpRequest) -> HttpResponse:
    """Every part's state; 503 when pages cannot work."""
    report = health.report()
    return JsonResponse(report, status=503 if report["status"] == "down" else 200)


def show_system_banner(request: HttpRequest) -> HttpResponse:
    """The fragment that names what is away; pages fetch it every five seconds."""
    with translation.override(translation.get_language_from_request(request)):
        return HttpResponse(render_to_string("tradebot/_system_banner.html", {"away": health.away()}))


PAGES: dict[str, Callable[[HttpRequest], HttpResponse]] = {
    "/health": show_health,
    "/health/ready": show_readiness,
    "/api/v1/health": show_readiness,
    "/system/banner": show_system_banner,
}


class HealthMiddleware:
    """Answers the health pages and hands everything else on."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponseBase]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        page = PAGES.get(request.path_info.rstrip("/")) if request.method in {"GET", "HEAD"} else None
        if page is None:
            return self.get_response(request)
        response = page(request)
        response["Cache-Control"] = "no-store"
        return response
