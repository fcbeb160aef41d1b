"""Compares the paper market's own fills and balances with ours. Exit code 1 unless every difference is 0."""

from __future__ import annotations

import json
import sys
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError, CommandParser

from exchange.sandbox.control import ControlClient, ControlRefused
from trading.audit import audit_fills


class Command(BaseCommand):
    help = "Compare the sandbox's own fills and balances with the database."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--json", action="store_true", help="print one JSON object")

    def handle(self, *args: Any, **options: Any) -> None:
        try:
            report = audit_fills(ControlClient(settings.SANDBOX_URL, settings.SANDBOX_TOKEN))
        except (ControlRefused, OSError) as error:
            raise CommandError(f"The sandbox at {settings.SANDBOX_URL} does not answer: {error}") from None
        for line in report.details:
            self.stderr.write(line)
        if options["json"]:
            self.stdout.write(json.dumps(report.as_json()))
        else:
            verdict = "Everything agrees." if report.is_clean else "They differ; see above."
            self.stdout.write(
                f"{report.fills} fills at the sandbox; {report.missing} missing here, {report.extra} extra, "
                f"{report.different} different, {report.balance_differences} balances differ. {verdict}"
            )
        if not report.is_clean:
            sys.exit(1)
