"""The REST API's addresses (`/api/v1`), put together from the rooms. Each is served with and without trailing slash."""

from __future__ import annotations

from typing import Any

from django.http import Http404
from django.urls import URLPattern, URLResolver, re_path
from drf_spectacular.utils import extend_schema
from drf_spectacular.views import SpectacularAPIView, SpectacularSwaggerSplitView
from rest_framework import permissions
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.reverse import reverse
from rest_framework.routers import SimpleRouter
from rest_framework.views import APIView

from accounts import api_auth
from accounts.api import ApiKeyViewSet
from bots.api import BotConfigViewSet, StrategiesView, SymbolsView
from tradebot.api_schema import ALIASES
from trading import api_bots
from trading.api import StartView, StopView, TradeViewSet
from trading.api_backtests import BacktestTableView, BacktestViewSet
from trading.api_candles import CandlesView
from trading.api_halts import HaltViewSet
from trading.api_keys import PaperResetView
from trading.api_optimizations import OptimizationViewSet, TrialsTableView
from trading.api_parity import ParityView
from trading.api_state import BotStateView, ClosePositionView
from trading.stream import stream_status


class Router(SimpleRouter):
    def __init__(self) -> None:
        super().__init__()
        self.trailing_slash = "/?"


@extend_schema(exclude=True)
class RootView(APIView):
    permission_classes = (permissions.AllowAny,)

    def get(self, request: Request) -> Response:
        """Where everything is."""
        names = {
            "login": "api-login",
            "register": "api-register",
            "me": "api-me",
            "api-keys": "api-key-list",
            "bot-configs": "bot-config-list",
            "summary": "api-bots-summary",
            "trades": "trade-list",
            "backtests": "backtest-list",
            "optimizations": "optimization-list",
            "halts": "halt-list",
            "strategies": "api-strategies",
            "schema": "api-schema",
            "docs": "api-docs",
        }
        return Response({shown: reverse(name, request=request) for shown, name in names.items()})


@extend_schema(exclude=True)
class NothingHereView(APIView):
    """An address the API does not have: the same JSON 404 as everywhere, signed in or not."""

    authentication_classes: Any = ()
    permission_classes = (permissions.AllowAny,)

    def initial(self, request: Request, *args: Any, **kwargs: Any) -> None:
        raise Http404


router = Router()
router.register("api-keys", ApiKeyViewSet, basename="api-key")
router.register("backtests", BacktestViewSet, basename="backtest")
router.register("bot-configs", BotConfigViewSet, basename="bot-config")
router.register("halts", HaltViewSet, basename="halt")
router.register("optimizations", OptimizationViewSet, basename="optimization")
router.register("trades", TradeViewSet, basename="trade")
for alias in ALIASES:
    router.register(alias, BotConfigViewSet, basename=f"{alias}-alias")

BOT = r"(?P<pk>[0-9]{1,18})"
urlpatterns: list[URLPattern | URLResolver] = [
    re_path(r"^$", RootView.as_view(), name="api-root"),
    re_path(r"^auth/register/?$", api_auth.RegisterView.as_view(), name="api-register"),
    re_path(r"^auth/login/?$", api_auth.LoginView.as_view(), name="api-login"),
    re_path(r"^auth/refresh/?$", api_auth.RefreshView.as_view(), name="api-refresh"),
    re_path(r"^auth/logout/?$", api_auth.LogoutView.as_view(), name="api-logout"),
    re_path(r"^auth/forgot-password/?$", api_auth.ForgotPasswordView.as_view(), name="api-forgot-password"),
    re_path(r"^auth/reset-password/?$", api_auth.ResetPasswordView.as_view(), name="api-reset-password"),
    re_path(r"^auth/change-password/?$", api_auth.ChangePasswordView.as_view(), name="api-change-password"),
    re_path(r"^auth/me/?$", api_auth.MeView.as_view(), name="api-me"),
    re_path(
        rf"^api-keys/{BOT}/reset-paper-balance/?$",
        PaperResetView.as_view(),
        name="api-key-reset-paper-balance",
    ),
    re_path(rf"^bot-states/{BOT}/?$", BotStateView.as_view(), name="api-bot-state"),
    re_path(rf"^bots/{BOT}/start/?$", StartView.as_view(), name="api-bot-start"),
    re_path(rf"^bots/{BOT}/stop/?$", StopView.as_view(), name="api-bot-stop"),
    re_path(rf"^bots/{BOT}/close-position/?$", ClosePositionView.as_view(), name="api-bot-close"),
    re_path(r"^bots/summary/?$", api_bots.SummaryView.as_view(), name="api-bots-summary"),
    re_path(rf"^bots/{BOT}/performance/?$", api_bots.PerformanceView.as_view(), name="api-bot-performance"),
    re_path(rf"^bots/{BOT}/trades/?$", api_bots.TradesOfBotView.as_view(), name="api-bot-trades"),
    re_path(rf"^bots/{BOT}/orders/?$", api_bots.OrdersOfBotView.as_view(), name="api-bot-orders"),
    re_path(rf"^bots/{BOT}/decisions/?$", api_bots.DecisionsOfBotView.as_view(), name="api-bot-decisions"),
    re_path(rf"^bots/{BOT}/parity/?$", ParityView.as_view(), name="api-bot-parity"),
    re_path(r"^bots/(?P<bot_id>[0-9]{1,18})/status-stream/?$", stream_status, name="api-bot-stream"),
    re_path(
        r"^trades\.csv$", TradeViewSet.as_view({"get": "list"}), {"format": "csv"}, name="api-trades-csv"
    ),
    re_path(
        rf"^backtests/{BOT}/(?P<table>daily|monthly|positions|trades)\.csv/?$",
        BacktestTableView.as_view(),
        name="api-backtest-table",
    ),
    re_path(
        rf"^optimizations/{BOT}/trials\.csv/?$", TrialsTableView.as_view(), name="api-optimization-trials"
    ),
    # Other names for the same.
    re_path(r"^backtest/run/?$", BacktestViewSet.as_view({"post": "create"})),
    re_path(r"^backtest/list/?$", BacktestViewSet.as_view({"get": "list"})),
    re_path(rf"^backtest/detail/{BOT}/?$", BacktestViewSet.as_view({"get": "retrieve", "delete": "destroy"})),
    re_path(r"^candles/?$", CandlesView.as_view(), name="api-candles"),
    re_path(r"^strategies/?$", StrategiesView.as_view(), name="api-strategies"),
    re_path(r"^symbols/(?P<market>spot|futures)/?$", SymbolsView.as_view(), name="api-symbols"),
    re_path(r"^schema/?$", SpectacularAPIView.as_view(), name="api-schema"),
    re_path(r"^docs/?$", SpectacularSwaggerSplitView.as_view(url_name="api-schema"), name="api-docs"),
    *router.urls,
    re_path(r"^.+$", NothingHereView.as_view()),
]
