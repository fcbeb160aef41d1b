"""Making, changing and deleting a bot by form. Money is shown by `trading`; here a bot is only described.

A double click changes nothing twice: names are unique per user, an edit names the version it was made from, and every
success ends in a redirect.
"""

from __future__ import annotations

from typing import Any

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.core.paginator import Paginator
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from bots.configuration import ConfigurationRefused, StaleVersion, archive_bot, rollback
from bots.differences import changes_in_words, in_words
from bots.form_requests import carried, named, typed
from bots.forms import BotForm
from bots.lifecycle import LifecycleRefused
from bots.models import BotConfig
from bots.presets import PRESETS, Preset
from bots.queries import bots_of
from bots.versions import versions_of

VERSIONS_PER_PAGE = 20


@login_required
@require_http_methods(["GET", "POST"])
def make(request: HttpRequest) -> HttpResponse:
    """A new bot, stopped; its page offers to start it."""
    chosen = _preset_named(request.GET.get("preset", ""))
    suggestion = _suggestion(request.user, chosen, symbol=request.GET.get("symbol", ""))
    # Values in the address, as a backtest hands them over; a preset says all of them itself.
    wanted = {} if chosen else {**named(request), "symbol": suggestion["symbol"]}
    initial = suggestion | wanted | carried(request)
    form = BotForm(typed(request), user=request.user, preset=chosen, initial=initial)
    bot = form.save() if form.is_bound and form.is_valid() else None
    if bot is not None:
        messages.success(
            request, _("%(bot)s is ready. Press start and it begins to look.") % {"bot": bot.name}
        )
        return redirect("bot", bot.pk)
    # What the address has filled in is not pushed below the presets.
    context = {"form": form, "presets": PRESETS, "chosen": chosen, "is_filled": len(wanted) > 1}
    return render(request, "bots/form.html", context, status=400 if form.is_bound else 200)


@login_required
@require_http_methods(["GET", "POST"])
def edit(request: HttpRequest, bot_id: int) -> HttpResponse:
    """Change a bot. An edit made from an older version shows what differs, and keeps what was typed."""
    bot = get_object_or_404(bots_of(request.user), pk=bot_id)
    form = BotForm(typed(request), user=request.user, bot=bot, initial=carried(request, also=("version",)))
    try:
        if form.is_bound and form.is_valid() and form.save() is not None:
            messages.success(request, _("The changes were saved."))
            return redirect("bot", bot.pk)
    except StaleVersion as stale:
        return _show_differences(request, bot, stale)
    return render(request, "bots/form.html", {"form": form, "bot": bot}, status=400 if form.is_bound else 200)


def _show_differences(request: HttpRequest, bot: BotConfig, stale: StaleVersion) -> HttpResponse:
    """The same form over the present version: saving again is then a decision, not an accident."""
    typed = request.POST.copy()
    typed["version"] = str(stale.current)
    form = BotForm(typed, user=request.user, bot=bot)
    context = {"form": form, "bot": bot, "differences": in_words(form, stale.differences)}
    return render(request, "bots/form.html", context, status=409)


@login_required
@require_POST
def validate(request: HttpRequest) -> HttpResponse:
    """While somebody types: what is wrong with the fields already `touched`, and in plain words what the bot on the
    form would do. Nothing is saved."""
    form = BotForm(request.POST, user=request.user, bot=_bot_named(request, request.POST.get("bot", "")))
    context = {
        "form": form,
        "summary": form.summary() if form.is_valid() else None,
        "touched": request.POST.get("touched", "").split(","),
    }
    return render(request, "bots/_validated.html", context)


@login_required
@require_GET
def show_parameters(request: HttpRequest) -> HttpResponse:
    """The fields of another strategy, filled with its defaults, or with the bot's own values where it has that one."""
    bot = _bot_named(request, request.GET.get("bot", ""))
    chosen = {"strategy": request.GET.get("strategy", "")}
    has_it = bot is not None and bot.strategy == chosen["strategy"]
    form = BotForm(user=request.user, bot=bot if has_it else None, initial=chosen)
    return render(request, "bots/_parameters.html", {"form": form})


@login_required
@require_GET
def show_versions(request: HttpRequest, bot_id: int) -> HttpResponse:
    """Every saved configuration: who saved it, when, and what it changed."""
    bot = get_object_or_404(bots_of(request.user), pk=bot_id)
    form = BotForm(user=request.user, bot=bot)
    page = Paginator(versions_of(bot), VERSIONS_PER_PAGE).get_page(request.GET.get("page"))
    shown = [(entry, changes_in_words(form, entry.changes)) for entry in page]
    return render(request, "bots/versions.html", {"bot": bot, "page": page, "entries": shown})


@login_required
@require_POST
def roll_back(request: HttpRequest, bot_id: int, version: int) -> HttpResponse:
    """The values of an old version as a new one. A bot that was changed since the page was opened stays as it is."""
    bot = get_object_or_404(bots_of(request.user), pk=bot_id)
    seen = request.POST.get("seen", "")
    try:
        changed = rollback(bot, version, request.user, seen=int(seen) if _is_number(seen) else None)
    except StaleVersion as stale:
        messages.error(request, str(stale))
    except ConfigurationRefused as refused:
        messages.error(request, " ".join(text for texts in refused.errors.values() for text in texts))
    else:
        said = _("%(bot)s is as it was in version %(old)s; this is version %(new)s.")
        messages.success(request, said % {"bot": changed.name, "old": version, "new": changed.version})
    return redirect("bot-versions", bot.pk)


@login_required
@require_POST
def delete(request: HttpRequest, bot_id: int) -> HttpResponse:
    """Delete a bot that holds nothing; its orders and trades stay in the books."""
    bot = get_object_or_404(bots_of(request.user), pk=bot_id)
    try:
        archive_bot(bot, by=request.user)
    except LifecycleRefused as refused:
        messages.error(request, refused.message)
        return redirect("bot", bot.pk)
    messages.success(request, _("%(bot)s was deleted. Its trades stay in your history.") % {"bot": bot.name})
    return redirect("bots")


def _preset_named(name: str) -> Preset | None:
    return next((known for known in PRESETS if known.name == name), None)


def _bot_named(request: HttpRequest, number: str) -> BotConfig | None:
    """The user's own bot of that number; None where none is named."""
    if not number:
        return None
    found: BotConfig = get_object_or_404(bots_of(request.user), pk=number if _is_number(number) else 0)
    return found


def _is_number(text: str) -> bool:
    return text.isdecimal() and len(text) < 19


def _suggestion(user: Any, chosen: Preset | None, *, symbol: str) -> dict[str, Any]:
    """What a first bot needs filled in, so that it is one press away. `symbol` may be anything somebody typed."""
    title = str(chosen.title) if chosen else _("Bot")
    taken = set(bots_of(user).values_list("name", flat=True))
    names = (f"{title} {number}" if number > 1 else title for number in range(1, len(taken) + 3))
    return {
        "name": next(name for name in names if name not in taken),
        "symbol": symbol if symbol.isalnum() and len(symbol) <= 32 else "BTCUSDT",
        "initial_capital": "1000",
    }
