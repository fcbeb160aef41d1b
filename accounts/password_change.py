"""A new password: by the old one, or by a token out of a mail. Both end every token and session from before.

A reset token is random, works once and for an hour, and only its hash is stored. Whoever asks for one hears the same,
in the same time, whether or not there is such a user: the asking only writes a row, and a worker looks who it is.
"""

from __future__ import annotations

import hashlib
import secrets
from datetime import datetime, timedelta
from typing import Any

from django.contrib.auth.password_validation import validate_password
from django.core.exceptions import ValidationError
from django.db import transaction
from django.utils.translation import gettext as _

from accounts.audit import record
from accounts.models import AuditEvent, PasswordResetRequest, User
from accounts.sessions import end_sessions

TOKEN_LIVES = timedelta(hours=1)


class PasswordRefused(Exception):
    """The password was not changed: one list of messages per field."""

    def __init__(self, **errors: list[str]) -> None:
        super().__init__("; ".join(message for messages in errors.values() for message in messages))
        self.errors = errors


@transaction.atomic
def change_password(user: Any, *, current: str, new: str) -> None:
    """Raises PasswordRefused. The caller keeps the session it came in by (accounts.sessions)."""
    locked = User.objects.select_for_update().get(pk=user.pk)
    if not locked.check_password(current):
        raise PasswordRefused(current_password=[_("This is not your present password.")])
    _set(locked, new)
    record(AuditEvent.PASSWORD_CHANGED, locked, by=locked)
    user.refresh_from_db()


def ask_reset(email: str, address: str | None) -> None:
    """Write down that somebody wants a reset; `accounts.reset_mail` sees who it is."""
    PasswordResetRequest.objects.create(email=email.strip().lower()[:254], address=address)


def new_reset_token(user: User, now: datetime) -> str:
    """The token for the mail. An earlier one is worth nothing from now on."""
    # 128 random bits; short enough that no letter breaks the line its link stands in.
    token = secrets.token_urlsafe(16)
    User.objects.filter(pk=user.pk).update(
        reset_token=_digest(token), reset_token_expires=now + TOKEN_LIVES, updated_at=now
    )
    return token


def user_of_reset_token(token: str, now: datetime) -> User | None:
    """Whose password this token may set, or None when it is unknown, spent or too old."""
    return _holders(token, now).first()


@transaction.atomic
def reset_password(token: str, new: str, now: datetime) -> User:
    """Spend the token for a new password. Raises PasswordRefused; a password against the rules spends nothing."""
    user = _holders(token, now).select_for_update().first()
    if user is None:
        raise PasswordRefused(token=[_("This link is not valid any more. Ask for a new one.")])
    _set(user, new)
    end_sessions(user)
    record(AuditEvent.PASSWORD_RESET, user, by=user)
    return user


def _holders(token: str, now: datetime) -> Any:
    return User.objects.filter(reset_token=_digest(token), reset_token_expires__gt=now, is_active=True)


def _set(user: User, new: str) -> None:
    try:
        validate_password(new, user)
    except ValidationError as error:
        raise PasswordRefused(new_password=error.messages) from None
    user.set_password(new)
    user.reset_token, user.reset_token_expires = "", None
    user.save(
        update_fields=["password", "tokens_valid_from", "reset_token", "reset_token_expires", "updated_at"]
    )


def _digest(token: str) -> str:
    return hashlib.sha256(token.encode()).hexdigest()
