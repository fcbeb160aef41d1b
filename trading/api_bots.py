"""`bots/summary`, and what there is to know of one bot: performance, trades, orders, decisions. All of it is read."""

from __future__ import annotations

from typing import Any

from django.utils.translation import gettext as _
from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework.exceptions import ValidationError
from rest_framework.generics import ListAPIView
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from accounts.rest import check_query
from accounts.revisions import read_through
from trading.api import own_bot
from trading.explaining import explanation_of, opening_named
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

    @extend_schema(
        parameters=[
            OpenApiParameter("candle", int, description="Why, on the candle that holds this instant (ms)")
        ]
    )
    def get(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        """The decisions of one bot, newest candle first. A row is written when it says something new; with `candle` the
        why of any candle, recomputed where it has no row."""
        if "candle" not in request.query_params:
            return super().get(request, *args, **kwargs)
        bot = own_bot(request, kwargs["pk"])
        check_query(request, "candle")
        open_ms = opening_named({"candle": request.query_params["candle"]}, bot.timeframe)
        if open_ms is None:
            raise ValidationError({"candle": [_("Must be an instant in milliseconds.")]})
        told = list(self.get_queryset().filter(candle_open_ms=open_ms))
        found = told or [decided for decided in [explanation_of(bot, open_ms)] if decided]
        page = self.paginate_queryset(found)  # type: ignore[arg-type]
        return self.get_paginated_response(self.get_serializer(page, many=True).data)
