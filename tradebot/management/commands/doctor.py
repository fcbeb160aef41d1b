"""Says what is wrong with this installation, and what to do; exit 1 when anything is."""

from __future__ import annotations

from typing import Any

from django.core.management.base import BaseCommand, CommandError

from tradebot.doctor import examine


class Command(BaseCommand):
    help = "Check settings, database, Redis, workers, exchange, clock and keys; say what to do."
    # A missing migration is a finding, not a reason not to look.
    requires_system_checks: list[str] = []

    def handle(self, *args: Any, **options: Any) -> None:
        sick = 0
        for finding in examine():
            mark = "    " if not finding.advice else "BAD "
            self.stdout.write(f"{mark}{finding.subject:<12}{finding.detail}")
            if finding.advice:
                sick += 1
                self.stdout.write(f"    {'':<12}→ {finding.advice}")
        if sick:
            raise CommandError(f"{sick} to look at.")
        self.stdout.write("All well.")
