"""The parity panel of a bot's page: GET shows the last comparison, POST asks for a new one. Its owner's only."""

from __future__ import annotations

from typing import Any

from django.contrib.auth.decorators import login_required
from django.http import HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.views.decorators.http import require_http_methods

from bots.queries import bots_of
from trading.parity_view import parity_of
from trading.research.parity import request_parity


@login_required
@require_http_methods(["GET", "POST"])
def show_parity(request: Any, bot_id: int) -> HttpResponse:
    bot = get_object_or_404(bots_of(request.user), pk=bot_id)
    if request.method == "POST":
        request_parity(bot)
        if not request.htmx:
            return redirect("bot", bot.pk)
    return render(request, "bots/_parity.html", {"bot": bot, "parity": parity_of(bot)})
