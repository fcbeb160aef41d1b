"""`api-keys/`: a user's own exchange keys. Adding, checking and reading a balance ask the exchange."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

from drf_spectacular.utils import extend_schema, extend_schema_view
from rest_framework import mixins, status
from rest_framework.decorators import action
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.viewsets import GenericViewSet

from accounts import keys
from accounts.loss_limit import set_loss_limit
from accounts.models import ApiKey, User
from accounts.serializers import (
    ApiKeySerializer,
    BalanceSerializer,
    KeyChangeSerializer,
    KeyInUseSerializer,
    NewKeySerializer,
)

LOSS_LIMIT = "account_max_daily_loss_perc"


@extend_schema_view(list=extend_schema(tags=["api-keys"]), retrieve=extend_schema(tags=["api-keys"]))
class ApiKeyViewSet(mixins.ListModelMixin, mixins.RetrieveModelMixin, GenericViewSet[ApiKey]):
    queryset = ApiKey.objects.none()
    serializer_class = ApiKeySerializer
    filterset_fields = ("venue", "is_valid")
    lookup_value_regex = r"[0-9]{1,18}"

    def get_queryset(self) -> Any:
        own = ApiKey.objects.for_user(self.request.user)
        return own.select_related("account").order_by("-created_at", "-pk")

    def get_serializer_class(self) -> Any:
        return NewKeySerializer if self.action == "create" else ApiKeySerializer

    @extend_schema(request=NewKeySerializer, responses={201: ApiKeySerializer}, tags=["api-keys"])
    def create(self, request: Request) -> Response:
        """Add a key; its exchange is asked what it may do. Venue `sandbox` without a key mints a paper key."""
        body = NewKeySerializer(data=request.data)
        body.is_valid(raise_exception=True)
        key = _add(request.user, body.validated_data)  # type: ignore[arg-type]
        return Response(ApiKeySerializer(key).data, status=status.HTTP_201_CREATED)

    @extend_schema(request=KeyChangeSerializer, responses=ApiKeySerializer, tags=["api-keys"])
    def partial_update(self, request: Request, pk: str) -> Response:
        """Rename a key, or limit what its account may lose in a day."""
        key = self.get_object()
        body = KeyChangeSerializer(data=request.data)
        body.is_valid(raise_exception=True)
        given = body.validated_data
        if "label" in given:
            keys.rename_key(key, given["label"])
        if LOSS_LIMIT in given:
            set_loss_limit(key.account, given[LOSS_LIMIT])
        return Response(ApiKeySerializer(self.get_object()).data)

    @extend_schema(responses={204: None, 409: KeyInUseSerializer}, tags=["api-keys"])
    def destroy(self, request: Request, pk: str) -> Response:
        """Forget a key. Refused while bots use it; the answer lists them."""
        keys.delete_key(self.get_object())
        return Response(status=status.HTTP_204_NO_CONTENT)

    @extend_schema(request=None, responses=ApiKeySerializer, tags=["api-keys"])
    @action(detail=True, methods=["post"])
    def check(self, request: Request, pk: str) -> Response:
        """Ask the exchange again what this key may do."""
        return Response(ApiKeySerializer(keys.check_key(self.get_object())).data)

    @extend_schema(responses=BalanceSerializer, tags=["api-keys"])
    @action(detail=True, pagination_class=None, filterset_fields=())
    def balance(self, request: Request, pk: str) -> Response:
        """What the account holds now. When the exchange does not answer this is a 503, never a zero."""
        key = self.get_object()
        spot = keys.balance_of(key)
        total = sum((row.value_usdt or Decimal(0) for row in spot), Decimal(0))
        body = {"api_key": key.pk, "venue": key.venue, "total_usdt": total, "spot": spot}
        return Response(BalanceSerializer(body).data)


def _add(user: User, values: dict[str, str]) -> ApiKey:
    if "api_key" not in values and values["venue"] == "sandbox":
        return keys.mint_paper_key(user, values["label"])
    both = {"api_key": values.get("api_key", ""), "secret_key": values.get("secret_key", "")}
    return keys.add_key(user, label=values["label"], venue=values["venue"], **both)
