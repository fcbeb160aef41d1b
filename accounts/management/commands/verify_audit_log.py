"""`manage.py verify_audit_log`: seal what waits, then walk the chain; name the first broken row and exit 1."""

from __future__ import annotations

from typing import Any

from django.core.management.base import BaseCommand, CommandError

from accounts.audit_chain import seal_entries, verify_chain


class Command(BaseCommand):
    help = "Verify the audit log's hash chain; the first broken row is named, and the exit code is 1."

    def handle(self, *args: Any, **options: Any) -> None:
        seal_entries()
        verdict = verify_chain()
        if verdict.broken_id is not None:
            raise CommandError(
                f"The audit log is broken at row {verdict.broken_id}: {verdict.why}. "
                f"{verdict.sealed} entries before it hold."
            )
        self.stdout.write(
            f"{verdict.sealed} sealed entries hold, {verdict.waiting} wait for the sealer. "
            f"Last hash: {verdict.last_hash}"
        )
