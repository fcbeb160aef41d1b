"""`optimizations/`: asking for one, watching it, its sets. A verb here is one call of `research.optimizations`."""

from __future__ import annotations

from typing import Any

import django_filters
from django.http import HttpResponse
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiParameter, OpenApiResponse, extend_schema, extend_schema_view
from rest_framework import mixins, status
from rest_framework.decorators import action
from rest_framework.generics import get_object_or_404
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.reverse import reverse
from rest_framework.views import APIView
from rest_framework.viewsets import GenericViewSet

from accounts.rest import check_query
from bots.api import given_in
from trading.api import CsvRenderer
from trading.api_backtests import accepted as accepted_backtest
from trading.filters import PeriodFilter, WholeNumberFilter
from trading.models import Optimization, Trial
from trading.models.optimization import Method, TrialStatus
from trading.models.research import ResearchStatus
from trading.research import optimizations
from trading.serializers_backtests import BacktestDetailSerializer
from trading.serializers_optimizations import (
    OptimizationBody,
    OptimizationDetailSerializer,
    OptimizationRename,
    OptimizationSerializer,
    TrialSerializer,
    trials_rows,
)
from trading.trade_export import line

TAGS = ["optimizations"]
NUMBER = [OpenApiParameter("number", int, "path")]


class OptimizationFilter(PeriodFilter):
    """One user's list, found by optimization_user_newest; `from` and `to` speak of when it was asked for."""

    period = "created_at"
    status = django_filters.ChoiceFilter(choices=ResearchStatus.choices)
    method = django_filters.ChoiceFilter(choices=Method.choices)
    symbol = django_filters.CharFilter(lookup_expr="iexact", max_length=32)
    strategy = django_filters.CharFilter(max_length=40)
    name = django_filters.CharFilter(lookup_expr="icontains", max_length=80)
    bot = WholeNumberFilter(field_name="bot_config_id", min_value=1, max_value=2**63 - 1)
    # Called as in the rows, too.
    bot_config = WholeNumberFilter(field_name="bot_config_id", min_value=1, max_value=2**63 - 1)

    class Meta:
        model = Optimization
        fields: list[str] = []


@extend_schema_view(list=extend_schema(tags=TAGS), retrieve=extend_schema(tags=TAGS))
class OptimizationViewSet(mixins.ListModelMixin, mixins.RetrieveModelMixin, GenericViewSet[Optimization]):
    """Your optimisations, newest first."""

    queryset = Optimization.objects.none()
    serializer_class = OptimizationSerializer
    filterset_class = OptimizationFilter
    lookup_value_regex = r"[0-9]{1,18}"

    def get_queryset(self) -> Any:
        rows = Optimization.objects.for_user(self.request.user).order_by("-created_at", "-pk")
        return rows.defer("best") if self.action == "list" else rows

    def get_serializer_class(self) -> Any:
        bodies = {
            "create": OptimizationBody,
            "partial_update": OptimizationRename,
            "list": OptimizationSerializer,
        }
        return bodies.get(self.action, OptimizationDetailSerializer)

    @extend_schema(request=OptimizationBody, responses={202: OptimizationDetailSerializer}, tags=TAGS)
    def create(self, request: Request) -> Response:
        """Ask for an optimisation. It is checked at once and queued; follow it at the address in `Location`."""
        check_query(request)
        made = optimizations.request_optimization(request.user, given_in(request))
        where = reverse("optimization-detail", args=[made.pk], request=request)
        body = OptimizationDetailSerializer(made).data
        return Response(body, status=status.HTTP_202_ACCEPTED, headers={"Location": where})

    @extend_schema(request=OptimizationRename, responses=OptimizationDetailSerializer, tags=TAGS)
    def partial_update(self, request: Request, pk: str) -> Response:
        """Give it another name; nothing else of an optimisation changes."""
        found = self.get_object()
        body = OptimizationRename(data=request.data)
        body.is_valid(raise_exception=True)
        optimizations.rename(found, body.validated_data["name"])
        return Response(OptimizationDetailSerializer(found).data)

    @extend_schema(responses={204: None}, tags=TAGS)
    def destroy(self, request: Request, pk: str) -> Response:
        """Delete it for good, with all of its sets; a running one is called off."""
        optimizations.delete(self.get_object())
        return Response(status=status.HTTP_204_NO_CONTENT)

    @extend_schema(request=None, responses=OptimizationDetailSerializer, tags=TAGS)
    @action(detail=True, methods=["post"])
    def cancel(self, request: Request, pk: str) -> Response:
        """Call it off; what was tried is kept. An ended one stays as it is."""
        found = self.get_object()
        optimizations.cancel(found)
        return Response(OptimizationDetailSerializer(found).data)

    @extend_schema(responses=TrialSerializer(many=True), tags=TAGS)
    @action(detail=True, filterset_class=None)
    def trials(self, request: Request, pk: str) -> Response:
        """The sets that were tried, best first."""
        check_query(request, "limit", "offset")
        page = self.paginate_queryset(optimizations.ranked(self.get_object()))
        return self.get_paginated_response(TrialSerializer(page, many=True).data)

    @extend_schema(request=None, responses={202: BacktestDetailSerializer}, parameters=NUMBER, tags=TAGS)
    @action(detail=True, methods=["post"], url_path=r"trials/(?P<number>[0-9]{1,6})/backtest")
    def backtest(self, request: Request, pk: str, number: str) -> Response:
        """Backtest one set over the whole period, out of sample included."""
        found = self.get_object()
        return accepted_backtest(request, optimizations.backtest_of(found, trial_of(found, number)))

    @extend_schema(responses=OpenApiTypes.OBJECT, parameters=NUMBER, tags=TAGS)
    @action(detail=True, url_path=r"trials/(?P<number>[0-9]{1,6})/bot-values", filterset_class=None)
    def bot_values(self, request: Request, pk: str, number: str) -> Response:
        """A body for `bot-configs/` that makes this set a bot; only the `api_key` is yours to add."""
        check_query(request)
        found = self.get_object()
        return Response(optimizations.trial_bot_values(found, trial_of(found, number)))


def trial_of(optimization: Optimization, number: str | int) -> Trial:
    return get_object_or_404(
        Trial.objects.filter(optimization=optimization, status=TrialStatus.DONE), number=number
    )


class TrialsTableView(APIView):
    """All sets that were tried as a file. What is refused is JSON as everywhere."""

    renderer_classes = (CsvRenderer,)

    @extend_schema(
        responses={(200, "text/csv"): OpenApiResponse(OpenApiTypes.STR, description="A file.")}, tags=TAGS
    )
    def get(self, request: Request, pk: str) -> HttpResponse:
        """Best first, in sample and out of sample side by side."""
        check_query(request)
        found = get_object_or_404(Optimization.objects.for_user(request.user), pk=pk)
        head, rows = trials_rows(found, optimizations.ranked(found))
        named = {"Content-Disposition": f'attachment; filename="optimization-{found.pk}-trials.csv"'}
        lines = "".join([line(head), *(line(row) for row in rows)])
        return HttpResponse(lines, content_type="text/csv; charset=utf-8", headers=named)
