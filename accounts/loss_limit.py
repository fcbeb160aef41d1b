"""The most an exchange account may lose in a day: set by its owner, kept by `trading.limits`, and written down."""

from __future__ import annotations

from decimal import Decimal

from django.db import transaction

from accounts.audit import record
from accounts.models import AuditEvent, ExchangeAccount


def set_loss_limit(account: ExchangeAccount, percent: Decimal | None) -> None:
    """`percent` of the capital of the account's bots; None: no limit. Set twice, it is the same."""
    with transaction.atomic():
        held = ExchangeAccount.objects.select_for_update().get(pk=account.pk)
        if held.account_max_daily_loss_perc == percent:
            return
        before, held.account_max_daily_loss_perc = held.account_max_daily_loss_perc, percent
        held.save(update_fields=["account_max_daily_loss_perc", "updated_at"])
        name = "account_max_daily_loss_perc"
        record(AuditEvent.ACCOUNT_LIMIT_CHANGED, held, before={name: before}, after={name: percent})
