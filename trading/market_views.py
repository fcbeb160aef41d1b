"""Pages of the markets: the list with live prices, and one symbol with its chart, book and rules.

Everybody who is signed in sees the same market; favourites and own bots are the reader's alone.
"""

from __future__ import annotations

from decimal import Decimal
from typing import Any

from django.contrib.auth.decorators import login_required
from django.http import Http404, HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import redirect, render
from django.utils import timezone
from django.views.decorators.http import require_GET, require_POST

from bots.queries import bots_of
from engine.amounts import decimal_from_e8
from engine.market import INTERVAL_MS
from engine.rules import SymbolRules
from exchange.port import ExchangeError
from exchange.symbols import UnknownSymbol, rules_for
from trading.market_book import depth_of
from trading.market_chart import (
    DEFAULT_STUDIES,
    STUDIES,
    interval_of,
    market_chart,
    series_of,
    studies_of,
)
from trading.market_list import MarketList, favourites_of, set_favourite
from trading.market_rules import rules_in_words
from trading.markets import MARKET, VENUE, board_of
from trading.sparklines import sparkline_of
from trading.studies import OVERLAYS, study_of


@login_required
@require_GET
def show_markets(request: HttpRequest) -> HttpResponse:
    now = timezone.now()
    board = board_of(now=now.timestamp())
    try:
        listed = MarketList(request.user, request.GET.dict(), board, now=now.timestamp())
    except ExchangeError as error:
        return render(request, "markets/list.html", {"error": str(error)})
    context = {"list": listed, "page": listed.page, "board": board, "stands_still": listed.stands_still}
    return render(request, "markets/list.html", context)


@login_required
@require_GET
def show_market(request: HttpRequest, symbol: str) -> HttpResponse:
    rules, error = _rules(symbol)
    now = timezone.now()
    board = board_of(now=now.timestamp())
    context = {
        "symbol": symbol,
        "rules": rules,
        "rule_rows": rules_in_words(rules) if rules else [],
        "tick": _tick(rules),
        "error": error,
        "quote": board.quotes.get(symbol),
        "board": board,
        "stands_still": board.stands_still(now.timestamp()),
        "depth": depth_of(symbol, now=now.timestamp()),
        "intervals": list(INTERVAL_MS),
        "interval": interval_of(request.GET.get("interval", "")),
        "studies": {name: title for name, (title, _kernel, _length) in STUDIES.items()},
        "chosen_studies": DEFAULT_STUDIES,
        "overlays": OVERLAYS,
        "is_favourite": symbol in favourites_of(request.user),
        "bots": bots_of(request.user).filter(symbol=symbol).order_by("name")[:20],
    }
    return render(request, "markets/symbol.html", context)


@login_required
@require_GET
def show_market_chart(request: HttpRequest, symbol: str) -> JsonResponse:
    """Candles and lines of the chart, ready to draw."""
    _rules(symbol)
    since = request.GET.get("since", "")
    # Twelve digits are seconds for 30,000 years; Python refuses to read thousands of them.
    is_instant = since.isdecimal() and len(since) <= 12
    series = series_of(symbol, interval_of(request.GET.get("interval", "")))
    studies = studies_of(request.GET.get("studies", ""))
    return JsonResponse(
        market_chart(series, studies, now_ms=_now_ms(), since=int(since) if is_instant else None)
    )


@login_required
@require_GET
def show_market_study(request: HttpRequest, symbol: str, name: str) -> JsonResponse:
    """Lines of one overlay; while a worker still computes them, only that."""
    _rules(symbol)
    series = series_of(symbol, interval_of(request.GET.get("interval", "")))
    return JsonResponse(study_of(series, name, now_ms=_now_ms()))


@login_required
@require_GET
def show_book(request: HttpRequest, symbol: str) -> HttpResponse:
    rules, _error = _rules(symbol)
    return render(request, "markets/_book.html", {"depth": depth_of(symbol), "tick": _tick(rules)})


@login_required
@require_GET
def show_sparkline(request: HttpRequest, symbol: str) -> HttpResponse:
    _rules(symbol)
    quote = board_of().quotes.get(symbol)
    context = {"line": sparkline_of(symbol), "change": quote and quote.change}
    return render(request, "markets/_sparkline.html", context)


@login_required
@require_POST
def keep_favourite(request: Any, symbol: str) -> HttpResponse:
    """`wanted` 1 or 0: what it shall be, so that a double click changes nothing twice."""
    _rules(symbol)
    wanted = request.POST.get("wanted") == "1"
    set_favourite(request.user, symbol, wanted=wanted)
    if request.htmx:
        context = {"symbol": symbol, "is_favourite": wanted}
        return render(request, "markets/_favourite.html", context)
    return redirect("markets")


def _rules(symbol: str) -> tuple[SymbolRules | None, str]:
    """The symbol's rules; a symbol that is not listed is a 404. Without an exchange and without rows: why."""
    try:
        return rules_for(VENUE, MARKET, symbol)[0], ""
    except UnknownSymbol:
        raise Http404 from None
    except ExchangeError as error:
        return None, str(error)


def _tick(rules: SymbolRules | None) -> Decimal:
    return Decimal("0.01") if rules is None else decimal_from_e8(rules.tick_e8)


def _now_ms() -> int:
    return int(timezone.now().timestamp() * 1000)
