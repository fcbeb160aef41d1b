"""Pages of the account: API keys, and the stream of the signed-in user's own live events."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.db import connection
from django.http import HttpRequest, HttpResponse, HttpResponseBase, JsonResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET, require_POST
from django_eventstream.views import events

from accounts import keys, live
from accounts.key_forms import LossLimitForm, PaperKeyForm
from accounts.loss_limit import set_loss_limit
from accounts.models import ApiKey
from accounts.vault import VaultError
from exchange.port import ExchangeError


@require_GET
def live_stream(request: HttpRequest) -> HttpResponseBase:
    """Names of what changed for the signed-in user. Nothing in the address or in headers chooses a channel."""
    if not request.user.is_authenticated:
        return JsonResponse({"detail": _("Please sign in.")}, status=401)
    if request.GET:
        return JsonResponse({"detail": _("This address takes no parameters.")}, status=400)
    request.META.pop("HTTP_LAST_EVENT_ID", None)
    live.install_listener()
    response: HttpResponseBase = events(request)
    # The stream stays open for hours and asks the database nothing: give its connection back to the pool.
    connection.close()
    return response


@login_required
@require_GET
def show_keys(request: HttpRequest) -> HttpResponse:
    """The user's keys, each with the bots that use it."""
    return _keys_page(request)


@login_required
@require_POST
def add_paper_key(request: HttpRequest) -> HttpResponse:
    """A further paper account, made here: no exchange is asked."""
    form = PaperKeyForm(request.POST)
    if form.is_valid():
        try:
            key = keys.mint_paper_key(request.user, form.cleaned_data["label"])  # type: ignore[arg-type]
        except keys.KeyRefused as refused:
            form.add_error("label", refused.errors.get("label") or str(refused))
        else:
            messages.success(request, _("Paper key “%(label)s” is ready.") % {"label": key.label})
            return redirect("keys")
    return _keys_page(request, status=400, form=form)


@login_required
@require_POST
def delete_key(request: HttpRequest, key_id: int) -> HttpResponse:
    """Delete a key, unless bots use it; the answer names them."""
    key = _own_key(request, key_id)
    try:
        keys.delete_key(key)
    except keys.KeyInUse as in_use:
        return _keys_page(request, status=409, in_use={"key": key, "bots": in_use.bots})
    messages.success(request, _("Key “%(label)s” was deleted.") % {"label": key.label})
    return redirect("keys")


@login_required
@require_POST
def check_key(request: HttpRequest, key_id: int) -> HttpResponse:
    """Ask the exchange what it thinks of the key now. One that cannot be asked says nothing about the key."""
    key = _own_key(request, key_id)
    try:
        keys.check_key(key)
    except ExchangeError as error:
        messages.warning(
            request, _("The exchange could not be asked; nothing was changed. %(why)s") % {"why": error}
        )
    else:
        _tell_checked(request, key)
    return redirect("keys")


def _tell_checked(request: HttpRequest, key: ApiKey) -> None:
    named = {"label": key.label, "why": key.last_error}
    if key.is_valid:
        messages.success(request, _("Key “%(label)s” is valid.") % named)
    else:
        messages.error(request, _("Key “%(label)s” is not valid: %(why)s") % named)


@login_required
@require_POST
def limit_loss(request: HttpRequest, key_id: int) -> HttpResponse:
    """Set or lift the most the key's account may lose in a day."""
    key = _own_key(request, key_id)
    form = LossLimitForm(request.POST)
    if not form.is_valid():
        return _keys_page(request, status=400, limit_of={"key": key, "form": form})
    percent: Decimal | None = form.cleaned_data["percent"]
    set_loss_limit(key.account, percent)
    if percent is None:
        messages.success(
            request, _("The account of “%(label)s” has no limit of loss any more.") % {"label": key.label}
        )
    else:
        messages.success(request, _("The limit of loss of “%(label)s” was saved.") % {"label": key.label})
    return redirect("keys")


@login_required
@require_GET
def show_balance(request: HttpRequest, key_id: int) -> HttpResponse:
    """What the account holds now. An exchange that cannot be asked is an error, never a zero."""
    key = _own_key(request, key_id)
    try:
        balances, error = keys.balance_of(key), ""
    except (ExchangeError, VaultError) as refused:
        balances, error = [], str(refused)
    context = {
        "key": key,
        "balances": balances,
        "error": error,
        "worth": sum((row.value_usdt or Decimal(0) for row in balances), Decimal(0)),
        "unvalued": [row.asset for row in balances if row.value_usdt is None],
    }
    return render(request, "keys/_balance.html", context)


def _own_key(request: HttpRequest, key_id: int) -> ApiKey:
    found: ApiKey = get_object_or_404(
        ApiKey.objects.for_user(request.user).select_related("account"), pk=key_id
    )
    return found


def _keys_page(request: HttpRequest, *, status: int = 200, **context: Any) -> HttpResponse:
    owned = ApiKey.objects.for_user(request.user).select_related("account")
    page = {"keys": owned.order_by("-created_at").prefetch_related("bots"), "form": PaperKeyForm(), **context}
    return render(request, "keys/list.html", page, status=status)
