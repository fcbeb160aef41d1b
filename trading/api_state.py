"""`bot-states/{id}` and `bots/{id}/close-position`: what a client may change of a running bot. One call each."""

from __future__ import annotations

from django.http import Http404
from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from accounts.rest import PlainDecimalField, StrictSerializer
from bots.api import given_in
from bots.models import BotConfig
from bots.queries import bots_of
from bots.serializers import BotStateSerializer
from trading.lifecycle import close_position
from trading.serializers import LifecycleAnswer
from trading.state_changes import STATUSES, change_state


class BotStateChange(serializers.Serializer):  # type: ignore[type-arg]
    """A partial update; described here, judged by `trading.state_changes`. Null takes an exit away."""

    stop_loss_price = PlainDecimalField(required=False, allow_null=True)
    take_profit_price = PlainDecimalField(required=False, allow_null=True)
    trailing_stop_price = PlainDecimalField(required=False, allow_null=True)
    last_error_message = serializers.CharField(required=False, allow_blank=True, max_length=0)
    status = serializers.ChoiceField(required=False, choices=[str(status) for status in STATUSES])
    daily_pnl = PlainDecimalField(required=False, help_text="Operators only.")
    daily_trades_count = serializers.IntegerField(required=False, min_value=0, help_text="Operators only.")


class CloseBody(StrictSerializer):
    """Nothing to say; a field in it is refused."""


class BotStateView(APIView):
    @extend_schema(responses=BotStateSerializer, tags=["bot-states"])
    def get(self, request: Request, pk: int) -> Response:
        """The live state of a bot."""
        return Response(BotStateSerializer(_own_bot(request, pk).state).data)

    @extend_schema(request=BotStateChange, responses=BotStateSerializer, tags=["bot-states"])
    def put(self, request: Request, pk: int) -> Response:
        """Move the exits of an open position, clear the error message, start or stop. Only what is named changes."""
        change_state(_own_bot(request, pk), given_in(request), by=request.user)
        return Response(BotStateSerializer(_own_bot(request, pk).state).data)


class ClosePositionView(APIView):
    @extend_schema(request=CloseBody, responses=LifecycleAnswer, tags=["bots"])
    def post(self, request: Request, pk: int) -> Response:
        """Sell the open position at market; the bot goes on as it was. 409 where there is none."""
        bot = _own_bot(request, pk)
        CloseBody(data=request.data).is_valid(raise_exception=True)
        return Response(close_position(bot, by=request.user))


def _own_bot(request: Request, pk: int) -> BotConfig:
    """The user's bot, or the same 404 whether it is missing or somebody else's."""
    bot = bots_of(request.user).filter(pk=pk).first()
    if bot is None:
        raise Http404
    return bot
