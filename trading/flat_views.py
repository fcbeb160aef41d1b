"""Stop everything and go flat, by page: what would be sold, confirmed by a typed word, watched until it is sold."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.views.decorators.http import require_GET, require_http_methods

from bots.halts import scope_of
from bots.lifecycle import LifecycleRefused
from trading.flat_receipts import lines_of
from trading.going_flat import Preview, go_flat, preview, receipts_seen_by
from trading.halt_forms import EVERY_BOT_OF_MINE, FlatForm, ScopeForm, word_to_type
from trading.halts import may_end
from trading.markets import board_of


@login_required
@require_http_methods(["GET", "POST"])
def ask_flat(request: HttpRequest) -> HttpResponse:
    """GET: what would be sold. POST: have it sold."""
    if request.method == "GET":
        return _preview_page(request, request.GET.dict() or {"scope": EVERY_BOT_OF_MINE})
    form = FlatForm(request.POST, user=request.user)
    if not form.is_valid():
        return _preview_page(request, request.POST.dict(), form=form, status=400)
    try:
        receipt = go_flat(request.user, **form.target, reason=form.cleaned_data["reason"])
    except LifecycleRefused as refused:
        form.add_error(None, refused.message)
        return _preview_page(request, request.POST.dict(), form=form, status=refused.status_code)
    return redirect("flat-receipt", receipt.pk)


@login_required
@require_GET
def show_receipt(request: HttpRequest, receipt_id: int) -> HttpResponse:
    """Asks again by itself until nothing is left to sell; then it is a receipt to keep."""
    receipt = get_object_or_404(receipts_seen_by(request.user), pk=receipt_id)
    lines = lines_of(receipt, request.user)
    context = {
        "receipt": receipt,
        "row": {"halt": receipt.halt, "scope": scope_of(receipt.halt)},
        "lines": lines,
        "proceeds": sum((line.proceeds for line in lines), Decimal(0)),
        "result": sum((line.realized_pnl for line in lines), Decimal(0)),
        "is_left": any(line.left for line in lines),
        "may_end": receipt.halt.ended_at is None and may_end(receipt.halt, request.user),
    }
    return render(request, "halts/receipt.html", context)


def _preview_page(
    request: HttpRequest, asked: dict[str, str], *, form: FlatForm | None = None, status: int = 200
) -> HttpResponse:
    scope = ScopeForm(asked, user=request.user)
    found = None
    if scope.is_valid():
        try:
            found = preview(request.user, **scope.target)
        except LifecycleRefused as refused:
            scope.add_error(None, refused.message)
    context = {
        "scope": scope,
        "form": form or FlatForm(user=request.user),
        "preview": found,
        "rows": _priced(found) if found else [],
        "word": word_to_type(),
        "asked": {name: asked.get(name, "") for name in ("scope", "bot", "email")},
    }
    return render(request, "halts/flat.html", context, status=status)


def _priced(found: Preview) -> list[dict[str, Any]]:
    """Each position with what it would bring at the last price; None where no price is known."""
    quotes = board_of().quotes
    rows = []
    for position in found.positions:
        quote = quotes.get(position.bot.symbol)
        worth = None if quote is None else position.quantity * quote.price
        rows.append({"position": position, "worth": worth, "result": worth and worth - position.cost})
    return rows
