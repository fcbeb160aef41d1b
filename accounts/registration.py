"""Signing up and proving a password. A new user and their first paper key come in one transaction, or neither."""

from __future__ import annotations

from django.contrib.auth.hashers import make_password
from django.db import transaction
from django.db.models.functions import Lower

from accounts.audit import record
from accounts.keys import mint_paper_key
from accounts.models import AuditEvent, User

FIRST_KEY_LABEL = "Paper"


def user_by_email(email: str) -> User | None:
    """Whatever its case; by the index over Lower(email)."""
    return User.objects.annotate(lower_email=Lower("email")).filter(lower_email=email.strip().lower()).first()


@transaction.atomic
def register(email: str, password: str) -> User:
    """A user who can start a first bot at once. IntegrityError when the address was taken meanwhile."""
    user = User.objects.create_user(email, password)
    welcome(user)
    return user


def welcome(user: User) -> None:
    """What every new user has: an entry in the audit log, and a paper key."""
    record(AuditEvent.SIGNED_UP, user, by=user)
    mint_paper_key(user, FIRST_KEY_LABEL)


def note_failed_sign_in(email: str, *, way: str) -> None:
    """For the log of whoever's account was tried; an address nobody has is not kept."""
    record(AuditEvent.SIGN_IN_FAILED, user_by_email(email) or "", after={"way": way})


def user_with_password(email: str, password: str) -> User | None:
    """The active user these belong to; an unknown address takes as long as a wrong password."""
    user = user_by_email(email)
    if user is None:
        make_password(password)
        return None
    return user if user.check_password(password) and user.is_active else None
