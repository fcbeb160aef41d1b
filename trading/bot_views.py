"""The page of one bot: what it shows, and what its owner may do there. Every view starts at `request.user`: somebody
else's bot is a 404. The verbs are `trading.lifecycle`'s and `trading.exit_prices`'s; here they are only called.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from bots.lifecycle import LifecycleRefused
from bots.models import BotConfig
from bots.queries import bots_of
from bots.validation import ConfigurationRefused
from trading.bot_statement import BotStatement, PerformanceStatement
from trading.chart import chart_of
from trading.exit_preview import asked_for, changes_of
from trading.exit_prices import change_exit_prices, read_wish
from trading.explaining import explanation_of, opening_named
from trading.lifecycle import close_position, start_bot, stop_bot
from trading.open_positions import with_cover
from trading.parity_view import parity_of
from trading.studies import OVERLAYS, overlay_of

# Twelve digits are seconds for 30,000 years, fifteen are milliseconds; Python refuses to read thousands of them.
SECONDS_DIGITS = 12


@login_required
@require_GET
def show_bot(request: HttpRequest, bot_id: int) -> HttpResponse:
    bot = _bot(request, bot_id)
    context = {
        "bot": bot,
        "page": BotStatement(bot, timezone.now()),
        "performance": PerformanceStatement(bot),
        "parity": parity_of(bot),
        "overlays": OVERLAYS,
    }
    return render(request, "bots/bot.html", context)


@login_required
@require_GET
def show_performance(request: HttpRequest, bot_id: int) -> HttpResponse:
    """The panel alone: it reads every closed position, so that it is not part of every refresh."""
    bot = _bot(request, bot_id)
    return render(request, "bots/_performance.html", {"bot": bot, "performance": PerformanceStatement(bot)})


@login_required
@require_GET
def show_chart(request: HttpRequest, bot_id: int) -> JsonResponse:
    """Candles, lines, trades and exits of the bot's chart, ready to draw."""
    since = request.GET.get("since", "")
    is_instant = since.isdecimal() and len(since) <= SECONDS_DIGITS
    return JsonResponse(chart_of(_bot(request, bot_id), since=int(since) if is_instant else None))


@login_required
@require_GET
def show_overlay(request: HttpRequest, bot_id: int, name: str) -> JsonResponse:
    """Lines of one overlay; while a worker still computes them, only that."""
    bot = _bot(request, bot_id)
    return JsonResponse(overlay_of(bot, name, now_ms=int(timezone.now().timestamp() * 1000)))


@login_required
@require_GET
def explain(request: HttpRequest, bot_id: int) -> HttpResponse:
    """Why the bot did or did not trade on one candle, named by its opening (`candle` in milliseconds, or `at`)."""
    bot = _bot(request, bot_id)
    open_ms = opening_named(request.GET, bot.timeframe)
    decision = None if open_ms is None else explanation_of(bot, open_ms)
    context = {"bot": bot, "open_ms": open_ms, "decision": decision}
    return render(request, "bots/_why_candle.html", context)


@login_required
@require_http_methods(["GET", "POST"])
def move_exits(request: Any, bot_id: int) -> HttpResponse:
    """GET asks what new exit prices would mean, POST sets them. What was refused is said beside what was asked for."""
    bot = _bot(request, bot_id)
    item = BotStatement(bot, timezone.now()).position
    given = asked_for(request.POST if request.method == "POST" else request.GET, bot.state)
    errors: dict[str, list[str]] = {}
    try:
        if request.method == "POST":
            change_exit_prices(bot, given, by=request.user)
            messages.success(request, _said_of_exits(given))
            return HttpResponse(status=204) if request.htmx else redirect("bot", bot.pk)
        read_wish(bot, given)
    except ConfigurationRefused as refused:
        errors = refused.errors
    except LifecycleRefused as refused:
        errors = {"": [refused.message]}
    context = {
        "bot": bot,
        "item": item,
        "given": given,
        "changes": changes_of(item, bot.state, given) if item else [],
        "errors": [text for texts in errors.values() for text in texts],
    }
    template = "bots/_exits_preview.html" if request.htmx else "bots/exits.html"
    return render(request, template, context, status=400 if errors and not request.htmx else 200)


@login_required
@require_POST
def start(request: HttpRequest, bot_id: int) -> HttpResponse:
    """Start in place. A bot that is already started stays as it is, and the answer says so."""
    return _told(request, bot_id, start_bot, _("%(bot)s was started."))


@login_required
@require_POST
def stop(request: HttpRequest, bot_id: int) -> HttpResponse:
    """Stop in place; an open position is kept unless its sale is asked for."""
    bot = _bot(request, bot_id)
    position = request.POST.get("position", "keep")
    try:
        answer = stop_bot(bot, position=position, by=request.user)
    except LifecycleRefused as refused:
        messages.error(request, refused.message)
    else:
        messages.success(request, _said_of_stop(bot, position))
        if "pending_order" in answer:
            messages.warning(request, _("An entry was already on its way and may still fill."))
    return _bot_after(request, bot)


@login_required
@require_POST
def close(request: HttpRequest, bot_id: int) -> HttpResponse:
    """Sell what the bot holds, at market. The bot goes on as it was."""
    return _told(request, bot_id, close_position, _("The position of %(bot)s is being sold."))


def _told(request: HttpRequest, bot_id: int, verb: Callable[..., Any], done: str) -> HttpResponse:
    """Carry the verb out, and say that it is `done`, or why it was refused."""
    bot = _bot(request, bot_id)
    try:
        verb(bot, by=request.user)
    except LifecycleRefused as refused:
        messages.error(request, refused.message)
    else:
        messages.success(request, done % {"bot": bot.name})
    return _bot_after(request, bot)


def _said_of_exits(given: Any) -> str:
    if not given:
        return _("Nothing was changed.")
    return _("The new prices are set. The orders on the exchange follow.")


def _said_of_stop(bot: BotConfig, position: str) -> str:
    if position == "close" and bot.state.in_position:
        return _("%(bot)s was stopped, and its position is being sold.") % {"bot": bot.name}
    if bot.state.in_position:
        return _(
            "%(bot)s was stopped. It opens no new position; the one it holds keeps its stop and target."
        ) % {"bot": bot.name}
    return _("%(bot)s was stopped. It opens no new position.") % {"bot": bot.name}


def _bot(request: HttpRequest, bot_id: int) -> BotConfig:
    bot: BotConfig = get_object_or_404(bots_of(request.user), pk=bot_id)
    return bot


def _bot_after(request: Any, bot: BotConfig) -> HttpResponse:
    """The bot as it stands now: its row where the list asked, its page otherwise."""
    if request.htmx.target == f"bot-row-{bot.pk}":
        (row,) = with_cover([bots_of(request.user).get(pk=bot.pk)], timezone.now())
        return render(request, "bots/_bot_row.html", {"bot": row})
    return redirect("bot", bot.pk)
