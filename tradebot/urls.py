"""Every address of the installation; the rooms bring their own lists."""

from __future__ import annotations

from django.conf import settings
from django.contrib import admin
from django.urls import URLPattern, URLResolver, include, path
from django.views.generic import RedirectView

from accounts.views_security import sign_in_to_admin
from tradebot import health_pages
from tradebot.api import RootView

handler500 = "tradebot.api_errors.show_server_error"
urlpatterns: list[URLPattern | URLResolver] = [
    path("admin/login/", sign_in_to_admin, name="admin-sign-in"),
    path("admin/", admin.site.urls),
    # Asked for by browsers on pages that are not ours to give an icon: the admin, the browsable API.
    path("favicon.ico", RedirectView.as_view(url=f"{settings.STATIC_URL}app/mark.svg")),
    # HealthMiddleware answers these before anything else; they stand here so that they have names.
    path("health", health_pages.show_health, name="health"),
    path("health/ready", health_pages.show_readiness, name="health-ready"),
    path("api/v1/health", health_pages.show_readiness, name="api-health"),
    path("api/v1", RootView.as_view()),
    path("api/v1/", include("tradebot.api")),
    path("system/banner", health_pages.show_system_banner, name="system-banner"),
    path("", include("accounts.urls")),
    path("", include("bots.urls")),
    path("", include("trading.urls")),
]
