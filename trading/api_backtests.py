"""`backtests/`: asking for one, watching it, its report and tables. A verb here is one call of `trading.research`."""

from __future__ import annotations

from typing import Any

import django_filters
from django.http import HttpResponse
from django.utils.translation import gettext as _
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiParameter, OpenApiResponse, extend_schema, extend_schema_view
from rest_framework import mixins, status
from rest_framework.decorators import action
from rest_framework.exceptions import ValidationError
from rest_framework.generics import get_object_or_404
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.reverse import reverse
from rest_framework.views import APIView
from rest_framework.viewsets import GenericViewSet

from accounts.rest import check_query
from bots.api import given_in
from bots.lifecycle import LifecycleRefused
from bots.models import Timeframe
from exchange.models import Market
from trading.api import CsvRenderer
from trading.filters import PeriodFilter, WholeNumberFilter
from trading.models import Backtest
from trading.models.research import ResearchStatus
from trading.research import backtests
from trading.research.exports import TABLES, csv_of, equity_rows, table_of
from trading.research.supply import SOURCES
from trading.serializers_backtests import (
    BacktestBody,
    BacktestDetailSerializer,
    BacktestRename,
    BacktestSerializer,
    EverythingSerializer,
)

TAGS = ["backtests"]


class BacktestFilter(PeriodFilter):
    """One user's list, found by backtest_user_newest; `from` and `to` speak of when it was asked for."""

    period = "created_at"
    status = django_filters.ChoiceFilter(choices=ResearchStatus.choices)
    source = django_filters.ChoiceFilter(choices=[(name, name) for name in SOURCES])
    market = django_filters.ChoiceFilter(choices=Market.choices)
    symbol = django_filters.CharFilter(lookup_expr="iexact", max_length=32)
    timeframe = django_filters.ChoiceFilter(choices=Timeframe.choices)
    strategy = django_filters.CharFilter(max_length=40)
    name = django_filters.CharFilter(lookup_expr="icontains", max_length=80)
    bot = WholeNumberFilter(field_name="bot_config_id", min_value=1, max_value=2**63 - 1)
    # Called as in the rows, too.
    bot_config = WholeNumberFilter(field_name="bot_config_id", min_value=1, max_value=2**63 - 1)

    class Meta:
        model = Backtest
        fields: list[str] = []


def check_done(backtest: Backtest) -> Backtest:
    if backtest.status != ResearchStatus.DONE:
        raise LifecycleRefused(
            409, _("This backtest has no results (%(status)s).") % {"status": backtest.status}
        )
    return backtest


@extend_schema_view(list=extend_schema(tags=TAGS), retrieve=extend_schema(tags=TAGS))
class BacktestViewSet(mixins.ListModelMixin, mixins.RetrieveModelMixin, GenericViewSet[Backtest]):
    """Your backtests, newest first."""

    queryset = Backtest.objects.none()
    serializer_class = BacktestSerializer
    filterset_class = BacktestFilter
    lookup_value_regex = r"[0-9]{1,18}"

    def get_queryset(self) -> Any:
        rows = Backtest.objects.without_results() if self.action == "list" else Backtest.objects.all()
        return rows.for_user(self.request.user).order_by("-created_at", "-pk")

    def get_serializer_class(self) -> Any:
        bodies = {"create": BacktestBody, "update": BacktestRename, "partial_update": BacktestRename}
        return bodies.get(
            self.action, BacktestSerializer if self.action == "list" else BacktestDetailSerializer
        )

    @extend_schema(request=BacktestBody, responses={202: BacktestDetailSerializer}, tags=TAGS)
    def create(self, request: Request) -> Response:
        """Ask for a backtest. It is checked at once and queued; follow it at the address in `Location`."""
        check_query(request)
        return accepted(request, backtests.request_backtest(request.user, given_in(request)))

    @extend_schema(request=BacktestRename, responses=BacktestDetailSerializer, tags=TAGS)
    def update(self, request: Request, pk: str) -> Response:
        """Give it another name; nothing else of a backtest changes."""
        backtest = self.get_object()
        body = BacktestRename(data=request.data)
        body.is_valid(raise_exception=True)
        backtests.rename(backtest, body.validated_data["name"])
        return Response(BacktestDetailSerializer(backtest).data)

    @extend_schema(request=BacktestRename, responses=BacktestDetailSerializer, tags=TAGS)
    def partial_update(self, request: Request, pk: str) -> Response:
        """Give it another name; nothing else of a backtest changes."""
        return self.update(request, pk)

    @extend_schema(responses={204: None}, tags=TAGS)
    def destroy(self, request: Request, pk: str) -> Response:
        """Delete it for good; a running one is called off."""
        backtests.delete(self.get_object())
        return Response(status=status.HTTP_204_NO_CONTENT)

    @extend_schema(request=None, responses=BacktestDetailSerializer, tags=TAGS)
    @action(detail=True, methods=["post"])
    def cancel(self, request: Request, pk: str) -> Response:
        """Call it off: a waiting one ends at once, a running one at its next step. An ended one stays as it is."""
        backtest = self.get_object()
        backtests.cancel(backtest)
        return Response(BacktestDetailSerializer(backtest).data)

    @extend_schema(request=None, responses={202: BacktestDetailSerializer}, tags=TAGS)
    @action(detail=True, methods=["post"])
    def again(self, request: Request, pk: str) -> Response:
        """The same over as long a stretch that ends with the newest candles; 409 where there are none newer."""
        return accepted(request, backtests.again(self.get_object()))

    @extend_schema(responses=OpenApiTypes.OBJECT, tags=TAGS)
    @action(detail=True, url_path="bot-values", filterset_class=None)
    def bot_values(self, request: Request, pk: str) -> Response:
        """A body for `bot-configs/` that makes this a bot; only the `api_key` is yours to add."""
        check_query(request)
        return Response(backtests.bot_values_of(self.get_object()))

    @extend_schema(
        parameters=[OpenApiParameter("equity", str, enum=["none", "bars"], description="none unless given")],
        responses=EverythingSerializer,
        tags=TAGS,
    )
    @action(detail=True, filterset_class=None)
    def everything(self, request: Request, pk: str) -> Response:
        """The whole report: days, months, positions, filled orders, and with `equity=bars` the curve."""
        check_query(request, "equity")
        wanted = request.query_params.get("equity", "none")
        if wanted not in ("none", "bars"):
            raise ValidationError({"equity": [_("Choose one of: %(options)s.") % {"options": "none, bars"}]})
        backtest = check_done(get_object_or_404(self.get_queryset(), pk=pk))
        report: dict[str, Any] = {"backtest": BacktestDetailSerializer(backtest).data}
        report |= {table: table_of(backtest, table) for table in TABLES}
        folded = backtests.folded_of(backtest) if wanted == "bars" else None
        return Response(report if folded is None else {**report, "equity": equity_rows(folded)})


def accepted(request: Request, backtest: Backtest) -> Response:
    where = reverse("backtest-detail", args=[backtest.pk], request=request)
    body = BacktestDetailSerializer(backtest).data
    return Response(body, status=status.HTTP_202_ACCEPTED, headers={"Location": where})


class BacktestTableView(APIView):
    """A table of a finished backtest as a file. What is refused is JSON as everywhere."""

    renderer_classes = (CsvRenderer,)

    @extend_schema(
        responses={(200, "text/csv"): OpenApiResponse(OpenApiTypes.STR, description="A file.")}, tags=TAGS
    )
    def get(self, request: Request, pk: str, table: str) -> HttpResponse:
        """The days, months, positions or filled orders; 409 until it is done."""
        check_query(request)
        own = Backtest.objects.for_user(request.user)
        backtest = check_done(get_object_or_404(own, pk=pk))
        named = {"Content-Disposition": f'attachment; filename="backtest-{backtest.pk}-{table}.csv"'}
        return HttpResponse(csv_of(backtest, table), content_type="text/csv; charset=utf-8", headers=named)
