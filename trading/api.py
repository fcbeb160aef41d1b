"""Starting and stopping bots, and the trades they made. A verb here is one call of `trading.lifecycle`."""

from __future__ import annotations

from typing import Any

from django.http import Http404
from drf_spectacular.utils import extend_schema, extend_schema_view
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
