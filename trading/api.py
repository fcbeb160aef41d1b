"""Starting and stopping bots, and the trades they made. A verb here is one call of `trading.lifecycle`."""

from __future__ import annotations

from typing import Any

from django.http import Http404, HttpResponse, HttpResponseBase
from drf_spectacular.utils import extend_schema, extend_schema_view
from rest_framework.renderers import BaseRenderer, JSONRenderer
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView
from rest_framework.viewsets import ReadOnlyModelViewSet

from bots.models import BotConfig
from bots.queries import bots_of
from trading.filters import TradeFilter
from trading.lifecycle import start_bot, stop_bot
from trading.models import Trade
from trading.serializers import LifecycleAnswer, StartBody, StopBody, TradeSerializer
from trading.trade_export import csv_of


class CsvRenderer(BaseRenderer):
    """Lets `?format=csv` through; the list writes its own lines, and what is refused is JSON as everywhere."""

    media_type = "text/csv"
    format = "csv"

    def render(self, data: Any, accepted_media_type: Any = None, renderer_context: Any = None) -> bytes:
        context = renderer_context or {}
        if "response" in context:
            context["response"]["Content-Type"] = "application/json"
        return bytes(JSONRenderer().render(data))


@extend_schema_view(list=extend_schema(tags=["trades"]), retrieve=extend_schema(tags=["trades"]))
class TradeViewSet(ReadOnlyModelViewSet[Trade]):
    """The trade history, newest first."""

    queryset = Trade.objects.none()
    serializer_class = TradeSerializer
    filterset_class = TradeFilter
    lookup_value_regex = r"[0-9]{1,18}"

    def get_queryset(self) -> Any:
        own = Trade.objects.for_user(self.request.user)
        return own.select_related("bot_config").order_by("-timestamp", "-pk")

    def get_renderers(self) -> Any:
        return [*super().get_renderers(), CsvRenderer()] if self.action == "list" else super().get_renderers()

    def list(self, request: Request, *args: Any, **kwargs: Any) -> HttpResponseBase:  # type: ignore[override]
        """As pages of JSON, or with `format=csv` all that the filters leave, as a file."""
        if request.accepted_renderer.format != CsvRenderer.format:  # type: ignore[attr-defined]
            return super().list(request, *args, **kwargs)
        lines = "".join(csv_of(self.filter_queryset(self.get_queryset())))
        named = {"Content-Disposition": 'attachment; filename="trades.csv"'}
        return HttpResponse(lines, content_type="text/csv; charset=utf-8", headers=named)


class StartView(APIView):
    @extend_schema(request=StartBody, responses=LifecycleAnswer, tags=["bots"])
    def post(self, request: Request, pk: int) -> Response:
        """Start a bot: checks key, symbol, parameters and money, and queues a first run at once."""
        bot = own_bot(request, pk)
        StartBody(data=request.data).is_valid(raise_exception=True)
        return Response(start_bot(bot, by=request.user))


class StopView(APIView):
    @extend_schema(request=StopBody, responses=LifecycleAnswer, tags=["bots"])
    def post(self, request: Request, pk: int) -> Response:
        """Stop a bot: from this answer on it makes no new entry. Stopping a stopped bot is fine."""
        bot = own_bot(request, pk)
        body = StopBody(data=request.data)
        body.is_valid(raise_exception=True)
        return Response(stop_bot(bot, position=body.validated_data["position"], by=request.user))


def own_bot(request: Request, pk: int) -> BotConfig:
    """The user's bot, or the same 404 whether it is missing or somebody else's."""
    bot = bots_of(request.user).filter(pk=pk).first()
    if bot is None:
        raise Http404
    return bot
