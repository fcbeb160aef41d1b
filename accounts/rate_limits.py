"""How often somebody may try to sign in or to reset a password: per client address and per e-mail address.

Counted in Redis, for pages and API together. With Redis away the limits give way, and the log says so: signing in
must never depend on it.
"""

from __future__ import annotations

import hashlib

import structlog
from django.conf import settings
from django.http import HttpRequest
from django.utils.translation import ngettext

from accounts.client_address import client_address, neighbourhood
from exchange.cache import cache

logger = structlog.get_logger(__name__)

SIGN_IN, RESET, CHANGE = "sign-in", "reset", "change"
MINUTE, HOUR = 60, 3600


class TooManyAttempts(Exception):
    """Wait `seconds`, then try again."""

    def __init__(self, seconds: int) -> None:
        text = ngettext(
            "Too many attempts. Try again in %(seconds)d second.",
            "Too many attempts. Try again in %(seconds)d seconds.",
            seconds,
        )
        super().__init__(text % {"seconds": seconds})
        self.seconds = seconds


def check_attempt(kind: str, request: HttpRequest, email: str) -> None:
    """Count an attempt, before anything is looked up. Raises TooManyAttempts."""
    address = client_address(request)
    if address is not None:
        _count(f"{kind}:address:{neighbourhood(address)}", settings.SIGN_IN_LIMIT_PER_MINUTE, MINUTE)
    # The address itself does not belong into Redis.
    digest = hashlib.sha256(email.strip().lower().encode()).hexdigest()
    _count(f"{kind}:email:{digest}", settings.SIGN_IN_LIMIT_PER_HOUR, HOUR)


def _count(name: str, limit: int, window_seconds: int) -> None:
    counted = cache().add_in_window(f"attempts:{name}", window_seconds=window_seconds)
    if counted is None:
        logger.warning("attempts_not_limited", kind=name.split(":")[0], cause="redis away")
    elif counted[0] > limit:
        logger.warning("attempt_refused", kind=name.split(":")[0], per=name.split(":")[1])
        raise TooManyAttempts(max(1, counted[1]))
