"""What is written down when somebody signs in or out by page, wherever Django says so; and where a request is from."""

from __future__ import annotations

from typing import Any

import structlog
from django.contrib.auth.signals import user_logged_in, user_logged_out, user_login_failed
from django.dispatch import receiver
from django.http import HttpRequest
from django_structlog.signals import bind_extra_request_metadata

from accounts.audit import record
from accounts.client_address import client_address
from accounts.models import AuditEvent, User
from accounts.registration import note_failed_sign_in
from accounts.sessions import note_session


@receiver(user_logged_in)
def note_sign_in(sender: type[User], *, request: HttpRequest, user: User, **_: Any) -> None:
    note_session(request, user)
    record(AuditEvent.SIGNED_IN, user, by=user, after={"way": "page"})


@receiver(user_logged_out)
def note_sign_out(sender: type[User], *, user: User | None, **_: Any) -> None:
    if user is not None:
        record(AuditEvent.SIGNED_OUT, user, by=user, after={"way": "page"})


@receiver(user_login_failed)
def note_failure(sender: str, *, credentials: dict[str, Any], **_: Any) -> None:
    note_failed_sign_in(str(credentials.get("email") or ""), way="page")


@receiver(bind_extra_request_metadata)
def bind_address(sender: type, *, request: HttpRequest, **_: Any) -> None:
    """In every log line of a request. The library would believe headers that a client can forge."""
    structlog.contextvars.bind_contextvars(ip=client_address(request))
