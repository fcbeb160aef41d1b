"""What the page of keys offers that touches bots and money: beginning a paper account anew."""

from __future__ import annotations

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST

from accounts.models import ApiKey
from bots.lifecycle import LifecycleRefused
from trading.paper_reset import reset_paper_balance


@login_required
@require_POST
def reset_key(request: HttpRequest, key_id: int) -> HttpResponse:
    """A fresh account for a paper key; refused, naming them, while its bots run or hold something."""
    key = get_object_or_404(ApiKey.objects.for_user(request.user), pk=key_id)
    try:
        reset_paper_balance(key, by=request.user)
    except LifecycleRefused as refused:
        messages.error(request, refused.message)
    else:
        messages.success(
            request, _("“%(label)s” begins anew with its opening balance.") % {"label": key.label}
        )
    return redirect("keys")
