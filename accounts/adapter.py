"""Sign-up by page: as by API, the user and their first paper key come in one transaction."""

from __future__ import annotations

from typing import Any

from allauth.account.adapter import DefaultAccountAdapter
from django.db import transaction

from accounts.models import User
from accounts.registration import welcome


class AccountAdapter(DefaultAccountAdapter):  # type: ignore[misc]
    """Set as ACCOUNT_ADAPTER."""

    def save_user(self, request: Any, user: User, form: Any, commit: bool = True) -> User:
        with transaction.atomic():
            user.email = str(form.cleaned_data.get("email", "")).strip().lower()
            super().save_user(request, user, form, commit=commit)
            if commit:
                welcome(user)
        return user
