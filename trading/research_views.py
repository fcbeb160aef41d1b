"""Pages of backtests: the list, the form, the report with its charts, the comparison. Every view starts at
`request.user`: somebody else's backtest is a 404. The verbs are those of `trading.research`; here they are only called.
"""

from __future__ import annotations

from typing import Any

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.core.paginator import Paginator
from django.http import Http404, HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from bots.form_requests import carried, typed
from bots.lifecycle import LifecycleRefused
from bots.presets import PRESETS
from bots.queries import bots_of
from bots.validation import ConfigurationRefused
from trading.backtest_pages.adopting import bot_form_address
from trading.backtest_pages.charts import chart_of, curves_of, window_of
from trading.backtest_pages.comparison import MOST_COMPARED, Comparison, why_left_out
from trading.backtest_pages.fields import OWN
from trading.backtest_pages.form import (
    BacktestForm,
    initial_of_bot_form,
    initial_of_preset,
    initial_of_request,
)
from trading.backtest_pages.listing import BacktestFilter, backtests_of
from trading.backtest_pages.reach import known_symbols, reach_of
from trading.backtest_pages.report import Report
from trading.models import Backtest
from trading.models.research import ResearchStatus
from trading.research import backtests

PAGE_SIZE = 25
# Bots offered as a beginning.
BOTS_OFFERED = 20


@login_required
@require_GET
def show_backtests(request: HttpRequest) -> HttpResponse:
    narrowed = BacktestFilter(request.GET, backtests_of(request.user))
    page = Paginator(narrowed.chosen(), PAGE_SIZE).get_page(request.GET.get("page"))
    has_any = page.paginator.count > 0 or narrowed.backtests.exists()
    context = {"page": page, "filter": narrowed, "has_any": has_any, "most_compared": MOST_COMPARED}
    return render(request, "backtests/list.html", context)


@login_required
@require_http_methods(["GET", "POST"])
def make(request: HttpRequest) -> HttpResponse:
    """A new backtest, queued; its page follows it. A bot, a preset or an earlier one may be what it begins with."""
    chosen = next((known for known in PRESETS if known.name == request.GET.get("preset")), None)
    given, bot = initial_of_request(request.user, request.GET.dict())
    initial = {**initial_of_preset(chosen), **given, **carried(request, also=OWN)}
    form = BacktestForm(typed(request), user=request.user, bot=bot, initial=initial)
    backtest = form.save() if form.is_bound and form.is_valid() else None
    if backtest is not None:
        return redirect("backtest", backtest.pk)
    return _show_form(request, form, chosen=chosen)


@login_required
@require_POST
def take_over(request: HttpRequest) -> HttpResponse:
    """What stands in the bot form, saved or not, as the beginning of a backtest."""
    form = BacktestForm(user=request.user, initial=initial_of_bot_form(request.POST.dict()))
    return _show_form(request, form)


def _show_form(request: HttpRequest, form: BacktestForm, **context: Any) -> HttpResponse:
    offered = bots_of(request.user)[:BOTS_OFFERED]
    context |= {"form": form, "presets": PRESETS, "bots": offered, "action": _form_address(form)}
    return render(request, "backtests/form.html", context, status=400 if form.is_bound else 200)


def _form_address(form: BacktestForm) -> str:
    return reverse("backtest-new") + (f"?bot={form.bot.pk}" if form.bot else "")


@login_required
@require_POST
def validate(request: HttpRequest) -> HttpResponse:
    """While somebody types: what is wrong with the fields already `touched`, and in plain words what would be tried."""
    form = BacktestForm(request.POST, user=request.user)
    context = {
        "form": form,
        "summary": form.summary() if form.is_valid() else None,
        "touched": request.POST.get("touched", "").split(","),
    }
    return render(request, "bots/_validated.html", context)


@login_required
@require_GET
def show_days(request: HttpRequest) -> HttpResponse:
    """Which days of a symbol are known; the form's dates keep to them."""
    wanted = {name: request.GET.get(name, "") for name in ("source", "symbol", "position_type")}
    reach = reach_of(wanted["source"], wanted["symbol"], wanted["position_type"])
    context = {"reach": reach, "known_symbols": known_symbols(reach.market)}
    return render(request, "backtests/_days.html", context)


@login_required
@require_GET
def show_backtest(request: HttpRequest, backtest_id: int) -> HttpResponse:
    """The report, or how far it is, or why there is none."""
    backtest = _backtest(request, backtest_id)
    context: dict[str, Any] = {"backtest": backtest}
    if backtest.status == ResearchStatus.DONE:
        report = Report(backtest)
        context |= {"report": report, "page": report.positions(request.GET.get("page"))}
    return render(request, "backtests/backtest.html", context)


@login_required
@require_GET
def show_progress(request: HttpRequest, backtest_id: int) -> HttpResponse:
    """How far it is; once it has ended the page is asked to come again, whole."""
    backtest = get_object_or_404(backtests_of(request.user), pk=backtest_id)
    answer = render(request, "backtests/_progress.html", {"backtest": backtest})
    if not backtest.is_unfinished:
        answer["HX-Refresh"] = "true"
    return answer


@login_required
@require_GET
def show_positions(request: HttpRequest, backtest_id: int) -> HttpResponse:
    backtest = _done(request, backtest_id)
    page = Report(backtest).positions(request.GET.get("page"))
    return render(request, "backtests/_positions.html", {"backtest": backtest, "page": page})


@login_required
@require_GET
def show_chart(request: HttpRequest, backtest_id: int) -> JsonResponse:
    """Candles and trades of a stretch (`from`, `to` in seconds), in candles whose number a screen can show."""
    backtest = _done(request, backtest_id)
    return JsonResponse(chart_of(backtest, window_of(backtest, _ms(request, "from"), _ms(request, "to"))))


@login_required
@require_GET
def show_curves(request: HttpRequest, backtest_id: int) -> JsonResponse:
    """Equity, buy-and-hold and drawdown, ready to draw."""
    return JsonResponse(curves_of(_done(request, backtest_id)))


@login_required
@require_GET
def compare(request: HttpRequest) -> HttpResponse:
    """Those named by `id`, side by side; of one that is not done there is nothing to compare."""
    asked = list(dict.fromkeys(request.GET.getlist("id")))
    numbers = asked[:MOST_COMPARED]
    chosen = [_backtest(request, int(text) if _is_number(text) else 0) for text in numbers]
    done = [backtest for backtest in chosen if backtest.status == ResearchStatus.DONE]
    context = {
        "comparison": Comparison(done) if len(done) > 1 else None,
        "left_out": why_left_out([backtest for backtest in chosen if backtest not in done]),
        "most": MOST_COMPARED if len(asked) > MOST_COMPARED else None,
    }
    return render(request, "backtests/compare.html", context)


@login_required
@require_POST
def cancel(request: HttpRequest, backtest_id: int) -> HttpResponse:
    """A waiting one ends at once, a running one at its next step."""
    backtest = _backtest(request, backtest_id)
    backtests.cancel(backtest)
    if backtest.is_unfinished:
        messages.info(request, _("It stops at its next step."))
    return redirect("backtest", backtest.pk)


@login_required
@require_POST
def delete(request: HttpRequest, backtest_id: int) -> HttpResponse:
    backtest = _backtest(request, backtest_id)
    backtests.delete(backtest)
    messages.success(request, _("%(name)s was deleted.") % {"name": backtest.name})
    return redirect("backtests")


@login_required
@require_POST
def again(request: HttpRequest, backtest_id: int) -> HttpResponse:
    """The same on the newest candles, as a backtest of its own."""
    backtest = _backtest(request, backtest_id)
    try:
        newer = backtests.again(backtest)
    except LifecycleRefused as refused:
        messages.error(request, refused.message)
    except ConfigurationRefused as refused:
        messages.error(request, " ".join(text for texts in refused.errors.values() for text in texts))
    else:
        return redirect("backtest", newer.pk)
    return redirect("backtest", backtest.pk)


@login_required
@require_GET
def adopt(request: HttpRequest, backtest_id: int) -> HttpResponse:
    """ "Make this a bot": the bot form, filled in. Nothing is saved before its owner presses the button there."""
    backtest = _backtest(request, backtest_id)
    try:
        return redirect(bot_form_address(backtests.bot_values_of(backtest)))
    except LifecycleRefused as refused:
        messages.error(request, refused.message)
        return redirect("backtest", backtest.pk)


def _backtest(request: HttpRequest, backtest_id: int) -> Backtest:
    found: Backtest = get_object_or_404(Backtest.objects.for_user(request.user), pk=backtest_id)
    return found


def _done(request: HttpRequest, backtest_id: int) -> Backtest:
    backtest = _backtest(request, backtest_id)
    if backtest.status != ResearchStatus.DONE:
        raise Http404
    return backtest


def _is_number(text: str) -> bool:
    return text.isdecimal() and len(text) < 19


def _ms(request: HttpRequest, name: str) -> int | None:
    """Seconds of the address as milliseconds; twelve digits are seconds for 30,000 years."""
    text = request.GET.get(name, "")
    return int(text) * 1000 if text.isdecimal() and len(text) <= 12 else None
