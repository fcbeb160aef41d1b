"""Manners of the REST API shared by every room: strict bodies, plain decimals, honest pages, one error shape."""

from __future__ import annotations

import json
from collections.abc import Mapping
from decimal import Decimal
from typing import Any

from django.utils.translation import gettext as _
from django_filters.rest_framework import DjangoFilterBackend
from rest_framework import serializers
from rest_framework.exceptions import MethodNotAllowed, ParseError, ValidationError
from rest_framework.pagination import LimitOffsetPagination
from rest_framework.parsers import JSONParser
from rest_framework.request import Request

from exchange.fields import AmountField, plain


class UnicodeJSONParser(JSONParser):
    """JSON that can be answered to: half a surrogate pair, or nesting without end, is a 400 like any broken body."""

    def parse(self, stream: Any, media_type: str | None = None, parser_context: Any = None) -> Any:
        try:
            data = super().parse(stream, media_type, parser_context)
            json.dumps(data, ensure_ascii=False).encode()
        except (RecursionError, UnicodeEncodeError):
            raise ParseError(_("The body is not readable JSON.")) from None
        return data


class PlainDecimalField(serializers.DecimalField):
    """An amount, as a string in plain notation."""

    def __init__(self, **kwargs: Any) -> None:
        kwargs.setdefault("max_digits", 36)
        kwargs.setdefault("decimal_places", 18)
        super().__init__(**kwargs)

    def to_representation(self, value: Any) -> str:
        return plain(Decimal(value))


class StrictSerializer(serializers.Serializer):  # type: ignore[type-arg]
    """A request body: a field it does not know is refused by name, beside whatever else is wrong."""

    def to_internal_value(self, data: Any) -> Any:
        unknown = self.unknown_fields(data) if isinstance(data, Mapping) else {}
        try:
            values = super().to_internal_value(data)
        except ValidationError as error:
            detail = error.detail if isinstance(error.detail, dict) else {}
            raise ValidationError({**unknown, **detail} if unknown else error.detail) from None
        if unknown:
            raise ValidationError(unknown)
        return values

    def unknown_fields(self, data: Mapping[str, Any]) -> dict[str, Any]:
        writable = {name for name, field in self.fields.items() if not field.read_only}
        # The browsable API's forms send their CSRF token along.
        return {
            name: [_("Unknown field.")] for name in data if name not in writable | {"csrfmiddlewaretoken"}
        }


class RowSerializer(serializers.ModelSerializer):  # type: ignore[type-arg]
    """A stored row, read only: what clients see of it."""

    serializer_field_mapping = {
        **serializers.ModelSerializer.serializer_field_mapping,
        AmountField: PlainDecimalField,
    }


def check_query(request: Request, *known: str) -> None:
    """Refuse by name what an address does not know; `format` chooses how the answer is written."""
    unknown = [name for name in request.query_params if name not in {*known, "format"}]
    if unknown:
        raise ValidationError({name: [_("Unknown filter.")] for name in unknown})


class StrictFilters(DjangoFilterBackend):
    """A filter that a list does not have is refused by name: ignoring it would answer with rows nobody asked for."""

    not_filters = frozenset({"limit", "offset", "format"})

    def filter_queryset(self, request: Request, queryset: Any, view: Any) -> Any:
        filterset = self.get_filterset(request, queryset, view)
        check_query(request, *self.not_filters, *(filterset.filters if filterset is not None else ()))
        return super().filter_queryset(request, queryset, view)


class Pages(LimitOffsetPagination):
    """`limit` (at most 200) and `offset`; nonsense is refused, not ignored."""

    default_limit = 50
    max_limit = 200

    def get_limit(self, request: Request) -> int:
        return min(self.whole_number(request, "limit", self.default_limit, at_least=1), self.max_limit)

    def get_offset(self, request: Request) -> int:
        return self.whole_number(request, "offset", 0, at_least=0)

    def whole_number(self, request: Request, name: str, default: int, *, at_least: int) -> int:
        text = request.query_params.get(name, "")
        if text == "":
            return default
        # Nine digits: what PostgreSQL takes as an offset, and more than anybody reads.
        if not (text.isascii() and text.isdigit() and len(text) <= 9 and int(text) >= at_least):
            raise ValidationError(
                {name: [_("Must be a whole number, at least %(least)d.") % {"least": at_least}]}
            )
        return int(text)


class LongPages(Pages):
    """For short rows that clients want all of."""

    default_limit = 1000
    max_limit = 5000


def not_offered(request: Request, why: str) -> MethodNotAllowed:
    """A verb that this version does not serve, with the reason."""
    return MethodNotAllowed(str(request.method), detail=why)
