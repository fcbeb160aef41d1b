"""The audit log: who did what, when, from where, and what changed by it. Rows are only ever added.

`record` belongs inside the transaction of the act, so that there is an entry exactly when there was an act. Who acts
comes from the request under way; a secret is never written down.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from functools import partial
from typing import Any

from django.db import transaction
from django.db.models import Model, QuerySet

from accounts.models import AuditEntry, AuditEvent, User
from accounts.revisions import raise_revision
from exchange.fields import plain

SECRET_WORDS = ("password", "secret", "token", "encrypted", "fingerprint")


@dataclass(frozen=True, slots=True)
class Actor:
    """Who acts now, asked when something is recorded, and from which address."""

    user: Callable[[], Any]
    address: str | None


_acting: ContextVar[Actor | None] = ContextVar("audit_actor", default=None)


@contextmanager
def acting(user: Any, address: str | None = None) -> Iterator[None]:
    """What is recorded inside is `user`'s doing; `user` may be a function that finds out."""
    asked = user if callable(user) else lambda: user
    token = _acting.set(Actor(asked, address))
    try:
        yield
    finally:
        _acting.reset(token)


def record(
    event: AuditEvent | str,
    subject: Any = None,
    *,
    by: Any = None,
    before: Mapping[str, Any] | None = None,
    after: Mapping[str, Any] | None = None,
) -> AuditEntry:
    """Add an entry, inside the caller's transaction.

    `subject` is what was acted on: a model instance, or words. `by` is the acting user where the request does not say.
    `before` and `after` hold what changed, and only that."""
    actor = _acting.get()
    who = _user(by) or (_user(actor.user()) if actor else None)
    owner = _owner_of(subject) or who
    if owner is not None:
        # What is remembered of the owner is older than this act.
        transaction.on_commit(partial(raise_revision, owner.pk))
    return AuditEntry.objects.create(
        event=AuditEvent(event),
        actor=who,
        owner=owner,
        address=actor.address if actor else None,
        before=_printable(before),
        after=_printable(after),
        **_named(subject),
    )


def changes(before: Mapping[str, Any], after: Mapping[str, Any]) -> dict[str, dict[str, Any]]:
    """`before=` and `after=` of `record`, with only the names whose values differ."""
    names = [name for name in after if before.get(name) != after[name]]
    return {
        "before": {name: before.get(name) for name in names},
        "after": {name: after[name] for name in names},
    }


def entries_of(user: Any) -> QuerySet[AuditEntry]:
    """What was done to the user's things, newest first."""
    return AuditEntry.objects.filter(owner_id=user.pk).select_related("actor").order_by("-id")


def _user(user: Any) -> User | None:
    return user if getattr(user, "is_authenticated", False) else None


def _owner_of(subject: Any) -> User | None:
    if isinstance(subject, User):
        return subject
    if not isinstance(subject, Model):
        return None
    bot = getattr(subject, "bot_config", None)
    return _user(getattr(subject, "user", None)) or (_user(getattr(bot, "user", None)) if bot else None)


def _named(subject: Any) -> dict[str, Any]:
    if not isinstance(subject, Model):
        return {"subject": str(subject or "")[:200]}
    # An e-mail address is the user's to take back; their number stays.
    words = "" if isinstance(subject, User) else str(subject)[:200]
    return {"subject_kind": str(subject._meta.model_name), "subject_id": subject.pk, "subject": words}


def _printable(values: Mapping[str, Any] | None) -> dict[str, Any] | None:
    return None if values is None else {str(name): _value(str(name), value) for name, value in values.items()}


def _value(name: str, value: Any) -> Any:
    if any(word in name.lower() for word in SECRET_WORDS):
        return "(not kept)"
    if isinstance(value, Mapping):
        return _printable(value)
    if isinstance(value, list | tuple | set):
        return [_value("", item) for item in value]
    if isinstance(value, Decimal):
        return plain(value)
    if isinstance(value, date):
        return value.isoformat()
    if isinstance(value, Model):
        return value.pk
    return value if value is None or isinstance(value, bool | int | float | str) else str(value)
