"""`bots/{id}/parity`: how a bot's trades compare with its backtest's, and asking for that comparison."""

from __future__ import annotations

from typing import Any

from drf_spectacular.utils import extend_schema
from rest_framework import serializers, status
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from accounts.rest import PlainDecimalField, StrictSerializer, check_query
from engine.parity import Cause
from trading.api import own_bot
from trading.models import ParityCheck
from trading.research.parity import request_parity


class SideSerializer(serializers.Serializer):  # type: ignore[type-arg]
    at = serializers.DateTimeField()
    side = serializers.ChoiceField(choices=["BUY", "SELL"])
    reason = serializers.CharField()
    price = PlainDecimalField()
    quantity = PlainDecimalField()
    commission = PlainDecimalField()


class DifferenceSerializer(serializers.Serializer):  # type: ignore[type-arg]
    """`fields` names what differs; it is empty where one side only traded, and the other is null."""

    cause = serializers.ChoiceField(choices=[str(cause) for cause in Cause])
    at_ms = serializers.IntegerField()
    fields_apart = serializers.ListField(child=serializers.CharField())
    live = SideSerializer(allow_null=True)
    backtest = SideSerializer(allow_null=True)


class ParitySerializer(serializers.Serializer):  # type: ignore[type-arg]
    """`score`: percent of all trades of either side on which both agree; null where there is none to compare."""

    bot_config = serializers.IntegerField()
    status = serializers.ChoiceField(choices=["never", "checking", "checked"])
    checked_at = serializers.DateTimeField(allow_null=True)
    start_at = serializers.DateTimeField(allow_null=True)
    end_at = serializers.DateTimeField(allow_null=True)
    config_version = serializers.IntegerField()
    source = serializers.CharField()  # type: ignore[assignment]
    score = PlainDecimalField(allow_null=True)
    trades = serializers.IntegerField()
    backtest_trades = serializers.IntegerField()
    agreeing = serializers.IntegerField()
    signals = serializers.IntegerField()
    signals_apart = serializers.ListField(child=serializers.IntegerField())
    causes = serializers.DictField(child=serializers.IntegerField())
    differences = DifferenceSerializer(many=True)
    message = serializers.CharField()


class ParityBody(StrictSerializer):
    """Nothing to say; a field in it is refused."""


class ParityView(APIView):
    @extend_schema(responses=ParitySerializer, tags=["bots"])
    def get(self, request: Request, pk: int) -> Response:
        """The last comparison of the bot's trades with its backtest's: a score, and each difference with its cause."""
        bot = own_bot(request, pk)
        check_query(request)
        check = ParityCheck.objects.filter(bot_config=bot).first() or ParityCheck(bot_config=bot)
        return Response(_told(check))

    @extend_schema(request=ParityBody, responses={202: ParitySerializer}, tags=["bots"])
    def post(self, request: Request, pk: int) -> Response:
        """Ask for a comparison now. It runs in a worker; asking twice makes one."""
        bot = own_bot(request, pk)
        ParityBody(data=request.data).is_valid(raise_exception=True)
        return Response(_told(request_parity(bot)), status=status.HTTP_202_ACCEPTED)


def _told(check: ParityCheck) -> dict[str, Any]:
    taken = {"bot_config", "status", "differences"}
    values: dict[str, Any] = {
        name: getattr(check, name) for name in ParitySerializer._declared_fields if name not in taken
    }
    asked = "never" if check.checked_at is None else "checked"
    values["status"] = "checking" if check.is_awaited else asked
    values["bot_config"] = check.bot_config_id
    values["differences"] = [{**row, "fields_apart": row["fields"]} for row in check.differences]
    return dict(ParitySerializer(values).data)
