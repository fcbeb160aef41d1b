"""`bots/summary`, and what there is to know of one bot: performance, trades, orders, decisions. All of it is read."""

from __future__ import annotations

from typing import Any

from drf_spectacular.utils import extend_schema
from rest_framework.generics import ListAPIView
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from accounts.rest import check_query
from accounts.revisions import read_through
from trading.api import own_bot
from trading.filters import DecisionFilter, OrderFilter, TradeOfBotFilter
from trading.models import Decision, Order, Trade
from trading.overview import summary_of
from trading.performance import performance_of
from trading.serializers import TradeSerializer
from trading.serializers_bots import (
    DecisionSerializer,
    FiguresSerializer,
    OrderSerializer,
    PerformanceSerializer,
    SummarySerializer,
)


class SummaryView(APIView):
    @extend_schema(responses=SummarySerializer, tags=["bots"])
    def get(self, request: Request) -> Response:
        """All bots in figures; remembered until something of the user changes."""
        check_query(request)
        user: Any = request.user
        return Response(read_through(user.pk, "summary", lambda: summary_of(user)))


class PerformanceView(APIView):
    @extend_schema(responses=PerformanceSerializer, tags=["bots"])
    def get(self, request: Request, pk: int) -> Response:
        """Figures over the bot's closed positions, its equity after each, and its days."""
        bot = own_bot(request, pk)
        check_query(request)
        figures = FiguresSerializer(performance_of(bot)).data
        return Response({"bot_config": bot.pk, "quote_asset": bot.quote_asset, **figures})


class OfBotView(ListAPIView[Any]):
    """A list that hangs on the bot in the address: the user's own, or the same 404 for everybody else."""

    model: Any

    def get_queryset(self) -> Any:
        if getattr(self, "swagger_fake_view", False):
            return self.model.objects.none()
        bot = own_bot(self.request, self.kwargs["pk"])
        return self.model.objects.filter(bot_config=bot)


@extend_schema(tags=["bots"])
class TradesOfBotView(OfBotView):
    """The trades of one bot, newest first."""

    model = Trade
    serializer_class = TradeSerializer
    filterset_class = TradeOfBotFilter

    def get_queryset(self) -> Any:
        return super().get_queryset().select_related("bot_config").order_by("-timestamp", "-pk")


@extend_schema(tags=["bots"])
class OrdersOfBotView(OfBotView):
    """The orders of one bot as a timeline, newest first: what was meant, when it was sent, what became of it."""

    model = Order
    serializer_class = OrderSerializer
    filterset_class = OrderFilter

    def get_queryset(self) -> Any:
        return super().get_queryset().order_by("-pk")


@extend_schema(tags=["bots"])
class DecisionsOfBotView(OfBotView):
    """What the bot's runs concluded and why, newest candle first. A row is written when it says something new."""

    model = Decision
    serializer_class = DecisionSerializer
    filterset_class = DecisionFilter

    def get_queryset(self) -> Any:
        return super().get_queryset().order_by("-candle_open_ms", "-pk")
