"""`halts`: the kill switches a user sees, setting one and ending one. Who may is for `trading.halts` to say."""

from __future__ import annotations

from typing import Any

import django_filters
from django.db.models import QuerySet
from django.utils.translation import gettext as _
from drf_spectacular.utils import extend_schema, extend_schema_view
from rest_framework import mixins, serializers, status
from rest_framework.exceptions import ValidationError
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.viewsets import GenericViewSet

from accounts.models import User
from accounts.rest import RowSerializer, StrictSerializer
from bots.halts import scope_of
from bots.models import BotConfig, Halt
from bots.queries import bots_of
from trading.halts import end_halt, halt, halts_seen_by, may_end


class HaltSerializer(RowSerializer):
    """A switch: `scope` is bot, user or everything; it stands until `ended_at`."""

    scope = serializers.SerializerMethodField()
    bot_name = serializers.CharField(source="bot_config.name", allow_null=True, default=None)
    may_end = serializers.SerializerMethodField()

    class Meta:
        model = Halt
        fields = [
            "id", "scope", "bot_config", "bot_name", "user", "reason", "may_end", "created_at", "ended_at",
        ]  # fmt: skip

    def get_scope(self, row: Halt) -> str:
        return scope_of(row)

    def get_may_end(self, row: Halt) -> bool:
        """Whether you may."""
        return row.ended_at is None and may_end(row, self.context["request"].user)


class NewHaltSerializer(StrictSerializer):
    """`bot_config` halts one bot. Without it `scope` says what: `user`, all your own bots (an operator may name another
    `user`), or `everything`, for operators."""

    reason = serializers.CharField(max_length=200)
    bot_config = serializers.IntegerField(required=False, min_value=1, max_value=2**63 - 1)
    scope = serializers.ChoiceField(choices=["bot", "user", "everything"], required=False)
    user = serializers.IntegerField(required=False, min_value=1, max_value=2**63 - 1)


class HaltFilter(django_filters.FilterSet):
    """`open=true` leaves those that stand."""

    open = django_filters.BooleanFilter(field_name="ended_at", lookup_expr="isnull")

    class Meta:
        model = Halt
        fields: list[str] = []


@extend_schema_view(list=extend_schema(tags=["halts"]), retrieve=extend_schema(tags=["halts"]))
class HaltViewSet(mixins.ListModelMixin, mixins.RetrieveModelMixin, GenericViewSet[Halt]):
    """Halts that concern you, newest first; operators see all."""

    queryset = Halt.objects.none()
    serializer_class = HaltSerializer
    filterset_class = HaltFilter
    lookup_value_regex = r"[0-9]{1,18}"

    def get_queryset(self) -> QuerySet[Halt]:
        found: QuerySet[Halt] = halts_seen_by(self.request.user)
        return found

    @extend_schema(request=NewHaltSerializer, responses={201: HaltSerializer}, tags=["halts"])
    def create(self, request: Request) -> Response:
        """Stop new entries of a bot, of a user, or of the whole installation; positions keep their exits."""
        body = NewHaltSerializer(data=request.data)
        body.is_valid(raise_exception=True)
        begun = halt(
            request.user, **_scope(request, body.validated_data), reason=body.validated_data["reason"]
        )
        return Response(self.get_serializer(begun).data, status=status.HTTP_201_CREATED)

    @extend_schema(responses={204: None}, tags=["halts"])
    def destroy(self, request: Request, pk: str) -> Response:
        """End a halt. Ending an ended one is fine; the row stays."""
        end_halt(self.get_object(), request.user)
        return Response(status=status.HTTP_204_NO_CONTENT)


def _scope(request: Request, given: dict[str, Any]) -> dict[str, Any]:
    """What to halt, in the words of `trading.halts`; bots and users that are not there are refused by field."""
    user: Any = request.user
    scope = given.get("scope") or ("bot" if "bot_config" in given else "user")
    misplaced = {"bot_config": scope != "bot", "user": scope != "user"}
    wrong = {
        name: [_("This does not go with the scope.")]
        for name in misplaced
        if misplaced[name] and name in given
    }
    if wrong:
        raise ValidationError(wrong)
    if scope == "everything":
        return {"everything": True}
    if scope == "user":
        return {"user": _named_user(user, given.get("user", user.pk))}
    bots = BotConfig.objects.filter(archived_at__isnull=True) if user.is_staff else bots_of(user)
    bot = bots.filter(pk=given.get("bot_config", 0)).first()
    if bot is None:
        raise ValidationError({"bot_config": [_("There is no such bot.")]})
    return {"bot": bot}


def _named_user(user: Any, named: int) -> User:
    found = User.objects.filter(pk=named).first() if user.is_staff or named == user.pk else None
    if found is None:
        raise ValidationError({"user": [_("There is no such user.")]})
    return found
