"""The status stream of one bot: its first event at once, then one on every change, and a heartbeat.

The database is the only source (one light query a second), so the stream works with Redis away. Between two looks it
holds no database connection: a hundred open streams leave the pool to the pages.
"""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import AsyncIterator
from typing import Any

from asgiref.sync import sync_to_async
from django.db import DatabaseError, connection
from django.http import HttpRequest, HttpResponseBase, JsonResponse, StreamingHttpResponse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET
from rest_framework.exceptions import APIException
from rest_framework.request import Request
from rest_framework.settings import api_settings

from bots.models import BotState

LOOK_SECONDS = 1.0
HEARTBEAT_SECONDS = 15.0
# A client is asked to come back, and to show again who it is, once in a while.
LONGEST_SECONDS = 1800.0


@require_GET
async def stream_status(request: HttpRequest, bot_id: int) -> HttpResponseBase:
    """`GET bots/{id}/status-stream`, by session or Bearer token; 401 without, 404 for other people's bots."""
    reader = await sync_to_async(_reader_of)(request)
    if reader is None:
        return JsonResponse(
            {"detail": _("Please sign in.")}, status=401, headers={"WWW-Authenticate": "Bearer"}
        )
    first = await sync_to_async(status_of)(reader, bot_id)
    if first is None:
        return JsonResponse({"detail": _("Not found.")}, status=404)
    return StreamingHttpResponse(
        _events(reader, bot_id, first),
        content_type="text/event-stream",
        headers={"Cache-Control": "no-cache", "X-Accel-Buffering": "no"},
    )


def _reader_of(request: HttpRequest) -> int | None:
    """Id of who asks, by the API's own ways of signing in."""
    ways: Any = api_settings.DEFAULT_AUTHENTICATION_CLASSES
    wrapped = Request(request, authenticators=[way() for way in ways])
    try:
        return int(wrapped.user.pk) if wrapped.user.is_authenticated else None
    except APIException:
        return None
    finally:
        connection.close()


def status_of(user_id: int, bot_id: int) -> dict[str, Any] | None:
    """The event's body as it stands now; None when the user has no such bot."""
    try:
        state = BotState.objects.filter(
            pk=bot_id,
            bot_config__user_id=user_id,
            bot_config__user__is_active=True,
            bot_config__archived_at__isnull=True,
        ).first()
    finally:
        connection.close()
    return None if state is None else _body(state)


def _body(state: BotState) -> dict[str, Any]:
    return {
        "status": state.status_text,
        "in_position": state.in_position,
        "entry_price": None if state.entry_price is None else _plain(state.entry_price),
        "daily_pnl": _plain(state.daily_pnl),
        "daily_trades_count": state.daily_trades_count,
        "last_updated_at": state.last_updated_at.isoformat(),
        "bot_config_id": state.pk,
    }


def _plain(amount: Any) -> str:
    text = f"{amount:f}"
    return (text.rstrip("0").rstrip(".") if "." in text else text) or "0"


async def _events(user_id: int, bot_id: int, first: dict[str, Any]) -> AsyncIterator[str]:
    yield _event(first)
    shown, opened_at = first, time.monotonic()
    spoke_at = opened_at
    while time.monotonic() - opened_at < LONGEST_SECONDS:
        await asyncio.sleep(LOOK_SECONDS)
        try:
            now = await sync_to_async(status_of)(user_id, bot_id)
        except DatabaseError:
            now = shown  # away for a moment: the heartbeat goes on, the next look will tell
        if now is None:
            return
        if now != shown:
            shown, spoke_at = now, time.monotonic()
            yield _event(now)
        elif time.monotonic() - spoke_at >= HEARTBEAT_SECONDS:
            spoke_at = time.monotonic()
            yield ": heartbeat\n\n"


def _event(body: dict[str, Any]) -> str:
    return f"event: status\ndata: {json.dumps(body)}\n\n"
