"""Pages over all bots of a user: dashboard, list of bots, trades. They only read; what may be done to a bot is in
`bot_views`. Every view starts at `request.user`.
"""

from __future__ import annotations

from django.contrib.auth.decorators import login_required
from django.core.paginator import Paginator
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils import timezone
from django.views.decorators.http import require_GET

from bots.models import BotConfig
from bots.queries import bots_of
from trading.models import Trade
from trading.open_positions import with_cover
from trading.page_filters import BotFilter, TradeFilter
from trading.statement import Dashboard
from trading.trade_export import csv_of
from trading.trade_totals import totals_of

PAGE_SIZE = 25


@login_required
@require_GET
def show_dashboard(request: HttpRequest) -> HttpResponse:
    return render(request, "dashboard/dashboard.html", {"page": Dashboard(request.user, timezone.now())})


@login_required
@require_GET
def show_bots(request: HttpRequest) -> HttpResponse:
    narrowed = BotFilter(request.GET, bots_of(request.user))
    page = Paginator(narrowed.chosen(), PAGE_SIZE).get_page(request.GET.get("page"))
    context = {
        "page": page,
        "filter": narrowed,
        "has_any": page.paginator.count > 0 or narrowed.bots.exists(),
        "rows": with_cover(page, timezone.now()),
    }
    return render(request, "bots/list.html", context)


@login_required
@require_GET
def show_trades(request: HttpRequest) -> HttpResponse:
    narrowed = _trades(request)
    chosen = narrowed.chosen()
    page = Paginator(chosen, PAGE_SIZE).get_page(request.GET.get("page"))
    context = {
        "page": page,
        "filter": narrowed,
        "totals": totals_of(chosen),
        "has_any": page.paginator.count > 0 or narrowed.trades.exists(),
    }
    return render(request, "trades/list.html", context)


@login_required
@require_GET
def export_trades(request: HttpRequest) -> HttpResponse:
    """The trades that the page's filters leave, as CSV."""
    answer = HttpResponse(csv_of(_trades(request).chosen()), content_type="text/csv; charset=utf-8")
    answer.headers["Content-Disposition"] = 'attachment; filename="trades.csv"'
    return answer


def _trades(request: HttpRequest) -> TradeFilter:
    owned = Trade.objects.for_user(request.user).select_related("bot_config").order_by("-timestamp", "-pk")
    return TradeFilter(request.GET, owned, BotConfig.objects.for_user(request.user))
