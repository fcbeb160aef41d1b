"""`candles`: closed candles of any symbol that bots can trade."""

from __future__ import annotations

from typing import Any

from django import forms
from django.utils.translation import gettext as _
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework.exceptions import ValidationError
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from accounts.rest import check_query
from bots.scope import VENUES_NOT_YET
from engine.market import INTERVAL_MS
from exchange import symbols
from exchange.candles import source_of
from exchange.instants import ms_of
from exchange.models import Market, Venue
from trading.candle_view import LONGEST, Wanted, candles_wanted, rows_of
from trading.filters import InstantField
from trading.serializers_bots import CandlesSerializer


class CandlesQuery(forms.Form):
    """What the address may ask. `from` and `to` are milliseconds, or instants and days in ISO."""

    symbol = forms.CharField(max_length=32)
    market = forms.ChoiceField(choices=Market.choices, required=False)
    venue = forms.ChoiceField(choices=Venue.choices, required=False)
    interval = forms.ChoiceField(choices=[(name, name) for name in INTERVAL_MS], required=False)
    limit = forms.IntegerField(min_value=1, max_value=LONGEST, required=False)

    def clean_symbol(self) -> str:
        return str(self.cleaned_data["symbol"]).upper()

    def clean(self) -> dict[str, Any]:
        values = self.cleaned_data
        venue, market = values.get("venue") or Venue.SANDBOX, values.get("market") or Market.SPOT
        if venue in VENUES_NOT_YET:
            self.add_error("venue", str(VENUES_NOT_YET[venue]))
        elif market != Market.SPOT:
            self.add_error("market", _("Futures are not available yet."))
        elif "symbol" in values and values["symbol"] not in symbols.tradable(venue, market):
            self.add_error("symbol", _("This symbol is not traded here."))
        return {**values, "venue": str(venue), "market": str(market)}


class CandlesView(APIView):
    @extend_schema(
        parameters=[
            OpenApiParameter("symbol", str, required=True),
            OpenApiParameter("market", str, enum=list(Market.values)),
            OpenApiParameter("venue", str, enum=list(Venue.values)),
            OpenApiParameter("interval", str, enum=list(INTERVAL_MS), description="1m unless given"),
            OpenApiParameter("from", OpenApiTypes.STR, description="Milliseconds, an ISO instant or a day"),
            OpenApiParameter("to", OpenApiTypes.STR, description="Inclusive; a day counts to its end"),
            OpenApiParameter("limit", int, description="1 to 1000; 500 unless given"),
        ],
        responses=CandlesSerializer,
        tags=["candles"],
    )
    def get(self, request: Request) -> Response:
        """Closed candles, oldest first; without `from` the last ones before `to`."""
        check_query(request, "symbol", "market", "venue", "interval", "from", "to", "limit")
        query = CandlesQuery(request.query_params)
        if not query.is_valid():
            raise ValidationError(
                {name: [str(error) for error in found] for name, found in query.errors.items()}
            )
        values = query.cleaned_data
        wanted = Wanted(
            venue=values["venue"],
            market=values["market"],
            symbol=values["symbol"],
            interval=values["interval"] or "1m",
            from_ms=_instant_ms(request, "from"),
            to_ms=_instant_ms(request, "to"),
            limit=values["limit"] or 500,
        )
        body = {"symbol": wanted.symbol, "market": wanted.market, "interval": wanted.interval}
        found = rows_of(candles_wanted(wanted))
        return Response({**body, "source": source_of(wanted.venue), "candles": found})


def _instant_ms(request: Request, name: str) -> int | None:
    text = request.query_params.get(name, "")
    if text.isascii() and text.isdigit() and len(text) <= 15:
        return int(text)
    try:
        instant = InstantField(is_end=name == "to", required=False).clean(text)
    except forms.ValidationError as error:
        raise ValidationError({name: error.messages}) from None
    return None if instant is None else ms_of(instant)
