"""The page of halts: what stands still and why, halting, and going on. Operators see every halt."""

from __future__ import annotations

from typing import Any

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.core.paginator import Paginator
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET, require_POST

from bots.halts import scope_of
from bots.lifecycle import LifecycleRefused
from bots.models import Halt
from trading.going_flat import receipts_seen_by
from trading.halt_forms import EVERY_BOT_OF_MINE, HaltForm
from trading.halts import end_halt, halt, halts_seen_by, may_end

PAGE_SIZE = 20


@login_required
@require_GET
def show_halts(request: HttpRequest) -> HttpResponse:
    return _page(request, HaltForm(user=request.user, initial={"scope": EVERY_BOT_OF_MINE}))


@login_required
@require_GET
def show_sign(request: HttpRequest) -> HttpResponse:
    """The strip of every page, when something about halts has changed."""
    return render(request, "halts/_sign.html")


@login_required
@require_POST
def begin(request: HttpRequest) -> HttpResponse:
    form = HaltForm(request.POST, user=request.user)
    if not form.is_valid():
        return _page(request, form, status=400)
    try:
        begun = halt(request.user, **form.target, reason=form.cleaned_data["reason"])
    except LifecycleRefused as refused:
        form.add_error(None, refused.message)
        return _page(request, form, status=refused.status_code)
    messages.success(request, _halted_words(begun))
    return redirect("halts")


@login_required
@require_POST
def end(request: HttpRequest, halt_id: int) -> HttpResponse:
    standing = get_object_or_404(halts_seen_by(request.user), pk=halt_id)
    try:
        end_halt(standing, request.user)
    except LifecycleRefused as refused:
        messages.error(request, refused.message)
    else:
        messages.success(request, _("The halt is over. Bots that nothing else holds begin to look again."))
    return redirect("halts")


def _halted_words(begun: Halt) -> str:
    words = {
        "everything": _("The whole installation is halted: no bot enters anything."),
        "user": _("All bots are halted: none of them enters anything."),
        "bot": _("The bot is halted: it enters nothing."),
    }
    return words[scope_of(begun)]


def _page(request: HttpRequest, form: HaltForm, *, status: int = 200) -> HttpResponse:
    seen = halts_seen_by(request.user)
    ended = Paginator(seen.filter(ended_at__isnull=False), PAGE_SIZE).get_page(request.GET.get("page"))
    context = {
        "form": form,
        "standing": [_row(halt, request.user) for halt in seen.filter(ended_at__isnull=True)],
        "ended": [_row(halt, request.user) for halt in ended],
        "page": ended,
        "receipts": receipts_seen_by(request.user)[:5],
    }
    return render(request, "halts/list.html", context, status=status)


def _row(halt: Halt, reader: Any) -> dict[str, Any]:
    return {"halt": halt, "scope": scope_of(halt), "may_end": may_end(halt, reader)}
