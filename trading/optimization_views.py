"""Pages of optimisations: the list, the form, the leaderboard that moves while workers try sets. Every view starts at
`request.user`: somebody else's optimisation is a 404. The verbs are `trading.research.optimizations`'s.
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

from bots.lifecycle import LifecycleRefused
from bots.queries import bots_of
from bots.validation import ConfigurationRefused
from trading.backtest_pages.adopting import bot_form_address
from trading.models import Backtest, Optimization, Trial
from trading.models.optimization import TrialStatus
from trading.optimization_pages.board import Board
from trading.optimization_pages.form import Base, OptimizationForm, base_of_backtest, base_of_bot
from trading.research import optimizations
from trading.research.optimization_checking import MOST_PROPOSED
from trading.research.optimization_space import MOST_SETS

PAGE_SIZE = 25
# Beginnings offered where none was chosen.
OFFERED = 20


@login_required
@require_GET
def show_optimizations(request: HttpRequest) -> HttpResponse:
    own = Optimization.objects.for_user(request.user).order_by("-created_at", "-pk")
    page = Paginator(own, PAGE_SIZE).get_page(request.GET.get("page"))
    return render(request, "optimizations/list.html", {"page": page})


@login_required
@require_http_methods(["GET", "POST"])
def make(request: HttpRequest) -> HttpResponse:
    """A new optimisation, queued; its page follows it."""
    base = _base(request)
    if base is None:
        return _offer(request)
    form = OptimizationForm(base, request.POST if request.method == "POST" else None)
    if request.method == "POST":
        try:
            return redirect("optimization", form.save(request.user).pk)
        except ConfigurationRefused as refused:
            form.show(refused.errors)
        except LifecycleRefused as refused:
            form.show({"": [refused.message]})
    context = {"form": form, **_size(form)}
    return render(
        request, "optimizations/form.html", context, status=400 if request.method == "POST" else 200
    )


@login_required
@require_POST
def show_size(request: HttpRequest) -> HttpResponse:
    """How many sets what stands in the form would be."""
    base = _base(request)
    if base is None:
        return HttpResponse(status=204)
    return render(request, "optimizations/_size.html", _size(OptimizationForm(base, request.POST)))


def _size(form: OptimizationForm) -> dict[str, Any]:
    count, errors = form.count()
    is_grid = form.values["method"] == "grid"
    return {
        "sets": count,
        "size_errors": errors,
        "is_grid": is_grid,
        "most": MOST_SETS if is_grid else MOST_PROPOSED,
        "is_too_many": is_grid and count > MOST_SETS,
    }


def _offer(request: HttpRequest) -> HttpResponse:
    tests = Backtest.objects.without_results().for_user(request.user).order_by("-created_at", "-pk")
    context = {"bots": bots_of(request.user)[:OFFERED], "backtests": tests[:OFFERED]}
    return render(request, "optimizations/begin.html", context)


def _base(request: HttpRequest) -> Base | None:
    """What the address names; somebody else's is a 404."""
    number = request.GET.get("backtest") or request.GET.get("bot") or ""
    if not number.isdecimal() or len(number) > 18:
        return None
    if "backtest" in request.GET:
        own = Backtest.objects.without_results().for_user(request.user)
        return base_of_backtest(get_object_or_404(own, pk=number))
    return base_of_bot(get_object_or_404(bots_of(request.user), pk=number))


@login_required
@require_GET
def show_optimization(request: HttpRequest, optimization_id: int) -> HttpResponse:
    """The leaderboard, while it grows and after."""
    found = _optimization(request, optimization_id)
    context = {"optimization": found, "board": Board(found, request.GET)}
    return render(request, "optimizations/optimization.html", context)


@login_required
@require_POST
def cancel(request: HttpRequest, optimization_id: int) -> HttpResponse:
    """A waiting one ends at once, a running one with the sets its workers are at."""
    found = _optimization(request, optimization_id)
    optimizations.cancel(found)
    if found.is_unfinished:
        messages.info(request, _("It stops after the sets its workers are at."))
    return redirect("optimization", found.pk)


@login_required
@require_POST
def delete(request: HttpRequest, optimization_id: int) -> HttpResponse:
    found = _optimization(request, optimization_id)
    optimizations.delete(found)
    messages.success(request, _("%(name)s was deleted.") % {"name": found.name})
    return redirect("optimizations")


@login_required
@require_POST
def backtest(request: HttpRequest, optimization_id: int, number: int) -> HttpResponse:
    """ "Backtest this set", over the whole period."""
    found = _optimization(request, optimization_id)
    try:
        made = optimizations.backtest_of(found, _trial(found, number))
    except LifecycleRefused as refused:
        messages.error(request, refused.message)
    except ConfigurationRefused as refused:
        messages.error(request, " ".join(text for texts in refused.errors.values() for text in texts))
    else:
        return redirect("backtest", made.pk)
    return redirect("optimization", found.pk)


@login_required
@require_GET
def adopt(request: HttpRequest, optimization_id: int, number: int) -> HttpResponse:
    """ "Make this a bot": the bot form, filled in. Nothing is saved before its owner presses the button there."""
    found = _optimization(request, optimization_id)
    try:
        return redirect(bot_form_address(optimizations.trial_bot_values(found, _trial(found, number))))
    except LifecycleRefused as refused:
        messages.error(request, refused.message)
        return redirect("optimization", found.pk)


def _optimization(request: HttpRequest, optimization_id: int) -> Optimization:
    found: Optimization = get_object_or_404(Optimization.objects.for_user(request.user), pk=optimization_id)
    return found


def _trial(optimization: Optimization, number: int) -> Trial:
    done = Trial.objects.filter(optimization=optimization, status=TrialStatus.DONE)
    found: Trial = get_object_or_404(done, number=number)
    return found
