"""Pages that show money, rendered whole by this room. They read; only start and stop change anything.

Every view starts at `request.user`: somebody else's bot is a 404.
"""

from __future__ import annotations

from typing import Any

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.core.paginator import Paginator
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET, require_POST

from bots.lifecycle import LifecycleRefused
from bots.models import BotConfig
from bots.queries import bots_of
from trading.chart import chart_of
from trading.lifecycle import start_bot, stop_bot
from trading.models import Trade
from trading.page_filters import BotFilter, TradeFilter
from trading.statement import BotStatement, Dashboard
from trading.studies import OVERLAYS, overlay_of

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
    }
    return render(request, "bots/list.html", context)


@login_required
@require_GET
def show_bot(request: HttpRequest, bot_id: int) -> HttpResponse:
    bot = get_object_or_404(bots_of(request.user), pk=bot_id)
    context = {"bot": bot, "page": BotStatement(bot, timezone.now()), "overlays": OVERLAYS}
    return render(request, "bots/bot.html", context)


@login_required
@require_GET
def show_chart(request: HttpRequest, bot_id: int) -> JsonResponse:
    """Candles, lines and trades of the bot's chart, ready to draw."""
    bot = get_object_or_404(bots_of(request.user), pk=bot_id)
    since = request.GET.get("since", "")
    # Twelve digits are seconds for 30,000 years; Python refuses to read thousands of them.
    is_instant = since.isdecimal() and len(since) <= 12
    return JsonResponse(chart_of(bot, since=int(since) if is_instant else None))


@login_required
@require_GET
def show_overlay(request: HttpRequest, bot_id: int, name: str) -> JsonResponse:
    """Lines of one overlay; while a worker still computes them, only that."""
    bot = get_object_or_404(bots_of(request.user), pk=bot_id)
    return JsonResponse(overlay_of(bot, name, now_ms=int(timezone.now().timestamp() * 1000)))


@login_required
@require_GET
def show_trades(request: HttpRequest) -> HttpResponse:
    owned = Trade.objects.for_user(request.user).select_related("bot_config").order_by("-timestamp", "-pk")
    narrowed = TradeFilter(request.GET, owned, BotConfig.objects.for_user(request.user))
    page = Paginator(narrowed.chosen(), PAGE_SIZE).get_page(request.GET.get("page"))
    context = {"page": page, "filter": narrowed, "has_any": page.paginator.count > 0 or owned.exists()}
    return render(request, "trades/list.html", context)


@login_required
@require_POST
def start(request: HttpRequest, bot_id: int) -> HttpResponse:
    """Start in place. A bot that is already started stays as it is, and the answer says so."""
    bot = get_object_or_404(bots_of(request.user), pk=bot_id)
    try:
        start_bot(bot, by=request.user)
    except LifecycleRefused as refused:
        messages.error(request, refused.message)
    else:
        messages.success(request, _("%(bot)s was started.") % {"bot": bot.name})
    return _bot_after(request, bot)


@login_required
@require_POST
def stop(request: HttpRequest, bot_id: int) -> HttpResponse:
    """Stop in place; an open position is kept."""
    bot = get_object_or_404(bots_of(request.user), pk=bot_id)
    try:
        answer = stop_bot(bot, position="keep", by=request.user)
    except LifecycleRefused as refused:
        messages.error(request, refused.message)
    else:
        messages.success(request, _("%(bot)s was stopped. It opens no new position.") % {"bot": bot.name})
        if "pending_order" in answer:
            messages.warning(request, _("An entry was already on its way and may still fill."))
    return _bot_after(request, bot)


def _bot_after(request: Any, bot: BotConfig) -> HttpResponse:
    """The bot as it stands now: its row where the list asked, its page otherwise."""
    if request.htmx.target == f"bot-row-{bot.pk}":
        return render(request, "bots/_bot_row.html", {"bot": bots_of(request.user).get(pk=bot.pk)})
    return redirect("bot", bot.pk)
