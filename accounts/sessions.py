"""Where a user is signed in: browser sessions, listed and ended. Tokens of the API are `tokens`' business."""

from __future__ import annotations

from typing import Any, Final

from django.contrib.auth import update_session_auth_hash
from django.contrib.sessions.models import Session
from django.db import transaction
from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils import timezone

from accounts.audit import record
from accounts.client_address import client_address
from accounts.models import AuditEvent, BrowserSession

# In this order: every browser claims to be some of those below it.
BROWSERS: Final = (
    ("Edg", "Edge"),
    ("OPR", "Opera"),
    ("Firefox", "Firefox"),
    ("Chrome", "Chrome"),
    ("Safari", "Safari"),
)
SYSTEMS: Final = (
    ("Windows", "Windows"), ("Android", "Android"), ("iPhone", "iPhone"), ("iPad", "iPad"), ("Mac OS", "macOS"),
    ("Linux", "Linux"),
)  # fmt: skip


def note_session(request: HttpRequest, user: Any) -> None:
    """Remember where the session of this request was begun."""
    if request.session.session_key is None:
        request.session.save()
    BrowserSession.objects.update_or_create(
        session_id=request.session.session_key,
        defaults={
            "user": user,
            "address": client_address(request),
            "browser": request.META.get("HTTP_USER_AGENT", "")[:200],
        },
    )


def sessions_of(user: Any) -> QuerySet[BrowserSession]:
    """Living sessions, newest first."""
    own = BrowserSession.objects.filter(user_id=user.pk, session__expire_date__gt=timezone.now())
    return own.order_by("-created_at", "-pk")


def name_of_browser(user_agent: str) -> str:
    """`Firefox · Linux`, as far as the browser says; what it says itself where we know no better."""
    found = [
        next((name for word, name in names if word in user_agent), None) for names in (BROWSERS, SYSTEMS)
    ]
    return " · ".join(name for name in found if name) or user_agent


@transaction.atomic
def end_session(session: BrowserSession) -> None:
    """Sign out there."""
    record(AuditEvent.SESSION_ENDED, session.user, before={"address": session.address})
    Session.objects.filter(pk=session.session_id).delete()


def end_sessions(user: Any, *, but: str | None = None) -> int:
    """Sign out everywhere, except in the session with the key `but`."""
    others = Session.objects.filter(browsersession__user_id=user.pk).exclude(pk=but or "")
    _all, counts = others.delete()
    return counts.get("sessions.Session", 0)


def keep_only_this(request: HttpRequest, user: Any) -> None:
    """After a new password: this browser stays signed in, with a new session key, and every other is signed out."""
    update_session_auth_hash(request, user)
    note_session(request, user)
    end_sessions(user, but=request.session.session_key)
