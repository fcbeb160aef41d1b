"""Pages of the account: API keys, and the stream of the signed-in user's own live events."""

from __future__ import annotations

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.db import connection
from django.http import HttpRequest, HttpResponse, HttpResponseBase, JsonResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET, require_POST
from django_eventstream.views import events

from accounts import keys, live
from accounts.key_forms import PaperKeyForm
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
    owned = ApiKey.objects.for_user(request.user).order_by("-created_at").prefetch_related("bots")
    return render(request, "keys/list.html", {"keys": owned, "form": PaperKeyForm()})


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
    owned = ApiKey.objects.for_user(request.user).order_by("-created_at").prefetch_related("bots")
    return render(request, "keys/list.html", {"keys": owned, "form": form}, status=400)


@login_required
@require_POST
def delete_key(request: HttpRequest, key_id: int) -> HttpResponse:
    """Delete a key, unless bots use it; the answer names them."""
    key = get_object_or_404(ApiKey.objects.for_user(request.user), pk=key_id)
    try:
        keys.delete_key(key)
    except keys.KeyInUse as in_use:
        messages.error(request, str(in_use))
    else:
        messages.success(request, _("Key “%(label)s” was deleted.") % {"label": key.label})
    return redirect("keys")


@login_required
@require_GET
def show_balance(request: HttpRequest, key_id: int) -> HttpResponse:
    """What the account holds now. An exchange that cannot be asked is an error, never a zero."""
    key = get_object_or_404(ApiKey.objects.for_user(request.user), pk=key_id)
    try:
        balances, error = keys.balance_of(key), ""
    except (ExchangeError, VaultError) as refused:
        balances, error = [], str(refused)
    return render(request, "keys/_balance.html", {"key": key, "balances": balances, "error": error})
