"""Wake-up calls of this room. Each finds its work by state, so losing or repeating one changes nothing."""

from __future__ import annotations

from celery import shared_task
from django.utils import timezone

from accounts.audit_chain import seal_entries
from accounts.reset_mail import send_reset_mails


@shared_task(name="accounts.seal_audit_log", ignore_result=True, expires=10)
def seal_audit_log() -> str:
    """Every ten seconds: chain the audit entries committed since."""
    return f"{seal_entries()} entries sealed"


@shared_task(name="accounts.send_reset_mails", ignore_result=True, expires=60)
def send_reset_mails_task() -> str:
    """When somebody asked, and every minute: mail the links for new passwords."""
    return f"{send_reset_mails(timezone.now())} mails sent"
