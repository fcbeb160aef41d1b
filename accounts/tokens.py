"""JSON web tokens: issued, checked, rotated, revoked.

A refresh token works once. Every token issued before its user's `tokens_valid_from` is worth nothing, and the
database keeps ids of spent tokens only, never a token.
"""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from django.db import transaction
from django.utils import timezone
from django.utils.translation import gettext_lazy as _
from rest_framework.exceptions import AuthenticationFailed
from rest_framework_simplejwt.authentication import JWTAuthentication
from rest_framework_simplejwt.exceptions import TokenError
from rest_framework_simplejwt.token_blacklist.models import BlacklistedToken, OutstandingToken
from rest_framework_simplejwt.tokens import AccessToken, RefreshToken, Token
from rest_framework_simplejwt.utils import datetime_from_epoch

from accounts.models import User

REFUSED = _("The token is not valid or has expired.")
# Milliseconds, because `iat` counts whole seconds: a password may change within the second a token was issued in.
ISSUED_AT = "issued_at_ms"
REMEMBERED = "remember_me"
# remember_me → how long access and refresh tokens live.
LIFETIMES = {
    False: (timedelta(days=7), timedelta(days=30)),
    True: (timedelta(days=30), timedelta(days=60)),
}


class TokenRefused(AuthenticationFailed):
    """Forged, expired, spent, revoked, or its user is gone: always the same answer."""

    default_detail = REFUSED
    default_code = "token_not_valid"


def issue_tokens(user: User, *, remember_me: bool) -> dict[str, str]:
    """A fresh pair for a user who has just proved who they are."""
    access_lifetime, refresh_lifetime = LIFETIMES[remember_me]
    refresh = _token(RefreshToken, user, refresh_lifetime)
    refresh[REMEMBERED] = remember_me
    return {"access_token": str(_token(AccessToken, user, access_lifetime)), "refresh_token": str(refresh)}


def _token(kind: type[Token], user: User, lifetime: timedelta) -> Token:
    # Not `for_user`: that would write the whole refresh token into the database.
    token = kind()
    token["user_id"] = str(user.pk)
    token[ISSUED_AT] = _milliseconds(timezone.now())
    token.set_exp(lifetime=lifetime)
    return token


def rotate(refresh_token: str) -> tuple[User, dict[str, str]]:
    """Spend a refresh token and issue the next pair. Raises TokenRefused; of two racing calls one wins."""
    with transaction.atomic():
        token, user = _opened(refresh_token)
        _spend(token, user)
        return user, issue_tokens(user, remember_me=bool(token.get(REMEMBERED)))


def revoke(refresh_token: str) -> User:
    """Spend a refresh token and issue nothing; whose it was. Raises TokenRefused."""
    with transaction.atomic():
        token, user = _opened(refresh_token)
        _spend(token, user)
    return user


def _opened(refresh_token: str) -> tuple[RefreshToken, User]:
    try:
        token = RefreshToken(refresh_token)  # type: ignore[arg-type]
    except TokenError:
        raise TokenRefused from None
    return token, user_of(token)


def _spend(token: RefreshToken, user: User) -> None:
    # Ids are kept until their token would have expired, which refuses it anyway; then they go.
    OutstandingToken.objects.filter(user=user, expires_at__lt=timezone.now()).delete()
    outstanding, _created = OutstandingToken.objects.get_or_create(
        jti=token["jti"],
        defaults={
            "user": user,
            "token": "",
            "created_at": timezone.now(),
            "expires_at": datetime_from_epoch(token["exp"]),
        },
    )
    _row, is_first = BlacklistedToken.objects.get_or_create(token=outstanding)
    if not is_first:
        raise TokenRefused


def user_of(token: Token) -> User:
    """The active user a verified token speaks for. Raises TokenRefused."""
    user = User.objects.filter(pk=token.get("user_id"), is_active=True).first()
    if user is None or token.get(ISSUED_AT, 0) < _milliseconds(user.tokens_valid_from):
        raise TokenRefused
    return user


def _milliseconds(at: Any) -> int:
    return int(at.timestamp() * 1000)


class TokenAuthentication(JWTAuthentication):
    """`Authorization: Bearer <access token>`."""

    def get_validated_token(self, raw_token: bytes) -> AccessToken:
        try:
            return AccessToken(raw_token)  # type: ignore[arg-type]
        except TokenError:
            raise TokenRefused from None

    def get_user(self, validated_token: Token) -> User:  # type: ignore[override]
        return user_of(validated_token)
