"""Mails with a link for a new password, sent by a worker to whoever has an account here.

A request is taken by a conditional update and deleted once its mail is out; one whose sender died is taken again.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from pathlib import Path
from smtplib import SMTPException

import structlog
from django.conf import settings
from django.core.mail import send_mail
from django.db import transaction
from django.urls import reverse
from django.utils.translation import gettext as _

from accounts.audit import acting, record
from accounts.models import AuditEvent, PasswordResetRequest
from accounts.password_change import TOKEN_LIVES, new_reset_token
from accounts.registration import user_by_email

logger = structlog.get_logger(__name__)

TRY_AGAIN_AFTER = timedelta(minutes=2)
CONSOLE = "django.core.mail.backends.console.EmailBackend"
BATCH = 50


def send_reset_mails(now: datetime) -> int:
    """Answer the requests that wait; how many mails went out."""
    waiting = PasswordResetRequest.objects.filter(next_attempt_at__lte=now).order_by("pk")[:BATCH]
    return sum(_answer(request, now) for request in waiting)


def _answer(request: PasswordResetRequest, now: datetime) -> bool:
    mine = PasswordResetRequest.objects.filter(pk=request.pk, next_attempt_at=request.next_attempt_at)
    if mine.update(next_attempt_at=now + TRY_AGAIN_AFTER, updated_at=now) != 1:
        return False
    user = user_by_email(request.email)
    is_known = user is not None and user.is_active
    if user is not None and is_known and request.created_at > now - TOKEN_LIVES:
        with transaction.atomic(), acting(None, request.address):
            token = new_reset_token(user, now)
            record(AuditEvent.PASSWORD_RESET_ASKED, user)
        try:
            send_mail(_("A new password for TradeBot"), _letter(token), None, [user.email])
        except (SMTPException, OSError) as error:
            # The row stays: it is tried again, with a new token.
            logger.error("reset_mail_not_sent", user_id=user.pk, cause=type(error).__name__)
            return False
    request.delete()
    return is_known


def _letter(token: str) -> str:
    link = f"{settings.SITE_URL}{reverse('password-reset-open', args=[token])}"
    return _(
        "Somebody, probably you, asked for a new password for your TradeBot account.\n\n"
        "Choose one here, within the hour:\n%(link)s\n\n"
        "The link works once. If it was not you, do nothing:\n"
        "your password stays as it is.\n"
    ) % {"link": link}


def where_mail_goes() -> str:
    """For the page, on an installation that sends no mail: the log in which the letter is found. Else empty."""
    if settings.IN_PRODUCTION or settings.EMAIL_BACKEND != CONSOLE:
        return ""
    return str(Path("logs") / "worker.log")
