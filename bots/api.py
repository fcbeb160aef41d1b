"""`bot-configs/`, `strategies`, `symbols/…`: what bots are and what they can be made of."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from django.utils.translation import gettext as _
from drf_spectacular.utils import extend_schema, extend_schema_view
from rest_framework import mixins, permissions, status
from rest_framework.decorators import action
from rest_framework.exceptions import ValidationError
from rest_framework.generics import GenericAPIView
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView
from rest_framework.viewsets import GenericViewSet

from accounts.rest import LongPages
from accounts.revisions import read_through
from bots import parsing
from bots.configuration import archive_bot, change_bot, create_bot, rollback
from bots.filters import BotFilter
from bots.models import BotConfig
from bots.queries import bots_of
from bots.serializers import (
    BotConfigBody,
    BotConfigChange,
    BotConfigPatch,
    BotConfigSerializer,
    BotVersionSerializer,
    RollbackBody,
    StaleSerializer,
    StrategySerializer,
    SymbolSerializer,
)
from bots.validation import FIELDS
from bots.versions import versions_of
from engine.strategies import all_strategies, params_fields
from exchange import symbols
from exchange.models import Market, Venue

CHANGED = {200: BotConfigSerializer, 409: StaleSerializer}


def given_in(request: Request) -> dict[str, Any]:
    """The body as a dictionary: JSON, or a form of the browsable API."""
    if not isinstance(request.data, Mapping):
        raise ValidationError(_("The body must be an object of fields and values."))
    return {name: value for name, value in request.data.items() if name != "csrfmiddlewaretoken"}


def default_values(given: Mapping[str, Any]) -> dict[str, Any]:
    """What a PUT means by leaving a field out. What has no default is empty, and refused by its name."""
    fresh = BotConfig()
    needed = dict.fromkeys(("name", "api_key", "symbol", "initial_capital"))
    values = {name: getattr(fresh, name) for name in FIELDS if name not in needed} | needed
    chosen = given.get("strategy", fresh.strategy)
    params = [params_fields(entry.name) for entry in all_strategies() if entry.name == chosen]
    return {**values, "strategy_params": {field.name: field.default for fields in params for field in fields}}


@extend_schema_view(list=extend_schema(tags=["bot-configs"]), retrieve=extend_schema(tags=["bot-configs"]))
class BotConfigViewSet(mixins.ListModelMixin, mixins.RetrieveModelMixin, GenericViewSet[BotConfig]):
    queryset = BotConfig.objects.none()
    serializer_class = BotConfigSerializer
    filterset_class = BotFilter
    lookup_value_regex = r"[0-9]{1,18}"

    def get_queryset(self) -> Any:
        return bots_of(self.request.user)

    def list(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        """Your bots, newest first; remembered until something of yours changes."""
        user: Any = request.user
        ask = super().list
        return Response(
            read_through(user.pk, f"bots:{request.build_absolute_uri()}", lambda: ask(request).data)
        )

    def get_serializer_class(self) -> Any:
        bodies = {"create": BotConfigBody, "update": BotConfigChange, "partial_update": BotConfigPatch}
        return bodies.get(self.action, BotConfigSerializer)

    @extend_schema(request=BotConfigBody, responses={201: BotConfigSerializer}, tags=["bot-configs"])
    def create(self, request: Request) -> Response:
        """Make a bot; it is stopped until it is started."""
        bot = create_bot(request.user, given_in(request), by=request.user)
        return Response(BotConfigSerializer(bot).data, status=status.HTTP_201_CREATED)

    @extend_schema(request=BotConfigChange, responses=CHANGED, tags=["bot-configs"])
    def update(self, request: Request, pk: str) -> Response:
        """Replace the configuration; what is left out takes its default. 409 when `version` is stale."""
        bot, given = self.get_object(), given_in(request)
        return self.change(request, bot, {**default_values(given), **given})

    @extend_schema(request=BotConfigPatch, responses=CHANGED, tags=["bot-configs"])
    def partial_update(self, request: Request, pk: str) -> Response:
        """Change what is named; the rest stays. 409 when `version` is stale."""
        return self.change(request, self.get_object(), given_in(request))

    def change(self, request: Request, bot: BotConfig, values: dict[str, Any]) -> Response:
        try:
            version = parsing.whole(values.pop("version", None))
        except parsing.Unreadable as error:
            raise ValidationError({"version": [str(error)]}) from None
        changed = change_bot(bot, values, version=version, by=request.user)
        return Response(BotConfigSerializer(changed).data)

    @extend_schema(responses={204: None}, tags=["bot-configs"])
    def destroy(self, request: Request, pk: str) -> Response:
        """Archive a bot; its orders and trades stay. Refused while it holds a position."""
        archive_bot(self.get_object(), by=request.user)
        return Response(status=status.HTTP_204_NO_CONTENT)

    @extend_schema(responses=BotVersionSerializer(many=True), tags=["bot-configs"])
    @action(detail=True, filterset_class=None)
    def versions(self, request: Request, pk: str) -> Response:
        """Every saved change with what it changed, newest first."""
        page = self.paginate_queryset(versions_of(self.get_object()))  # type: ignore[arg-type]
        return self.get_paginated_response(BotVersionSerializer(page, many=True).data)

    @extend_schema(request=RollbackBody, responses=CHANGED, tags=["bot-configs"])
    @action(detail=True, methods=["post"])
    def rollback(self, request: Request, pk: str) -> Response:
        """A new version with the values of an old one, checked as any edit. 409 when `version` is stale."""
        bot = self.get_object()
        body = RollbackBody(data=request.data)
        body.is_valid(raise_exception=True)
        wanted = body.validated_data
        changed = rollback(bot, wanted["to"], request.user, seen=wanted.get("version"))
        return Response(BotConfigSerializer(changed).data)


class StrategiesView(APIView):
    @extend_schema(responses=StrategySerializer(many=True), tags=["strategies"])
    def get(self, request: Request) -> Response:
        """Every strategy with the schema of its parameters."""
        described = [
            {
                "name": entry.name,
                "title": entry.title,
                "summary": entry.summary,
                "params": params_fields(entry.name),
            }
            for entry in all_strategies()
        ]
        return Response(StrategySerializer(described, many=True).data)


class SymbolsView(GenericAPIView[Any]):
    """Symbols that bots of new users can trade: those of the paper market."""

    authentication_classes = ()
    permission_classes = (permissions.AllowAny,)
    pagination_class = LongPages
    filter_backends = ()
    serializer_class = SymbolSerializer

    @extend_schema(responses=SymbolSerializer(many=True), tags=["symbols"])
    def get(self, request: Request, market: str) -> Response:
        """Tradable symbols quoted in USDT. Futures are not available yet: their list is empty."""
        listed = symbols.listing(Venue.SANDBOX, Market.SPOT) if market == Market.SPOT else []
        page = self.paginate_queryset(listed)  # type: ignore[arg-type]
        return self.get_paginated_response(SymbolSerializer(page, many=True).data)
