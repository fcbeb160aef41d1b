"""`manage.py rotate_encryption_keys`: seal every stored key again with the newest of FERNET_KEYS.

Afterwards the older keys can be taken out of FERNET_KEYS. One row at a time: stopping in the middle loses nothing.
"""

from __future__ import annotations

from typing import Any

from django.core.management.base import BaseCommand, CommandError
from django.db import transaction

from accounts.models import ApiKey
from accounts.vault import VaultError, reseal


class Command(BaseCommand):
    help = "Seal every stored exchange key again with the newest of FERNET_KEYS."

    def handle(self, *args: Any, **options: Any) -> None:
        unreadable = [
            pk for pk in ApiKey.objects.order_by("pk").values_list("pk", flat=True) if not self.rotate(pk)
        ]
        total = ApiKey.objects.count()
        self.stdout.write(
            f"{total - len(unreadable)} of {total} keys are sealed with the newest encryption key."
        )
        if unreadable:
            raise CommandError(
                f"Not readable with the present FERNET_KEYS, left as they are: keys {unreadable}."
            )

    def rotate(self, pk: int) -> bool:
        with transaction.atomic():
            key = ApiKey.objects.select_for_update(no_key=True).get(pk=pk)
            try:
                key.encrypted_api_key = reseal(key.encrypted_api_key)
                key.encrypted_secret_key = reseal(key.encrypted_secret_key)
            except VaultError:
                return False
            key.save(update_fields=["encrypted_api_key", "encrypted_secret_key", "updated_at"])
        return True
