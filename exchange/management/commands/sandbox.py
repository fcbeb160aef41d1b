"""`manage.py sandbox`: the sandbox exchange with this installation's settings; the server itself knows no Django."""

import os
from typing import Any
from urllib.parse import urlsplit

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError

from exchange.sandbox.journal import JournalInUse, OtherRecording
from exchange.sandbox.options import OptionsError, options_from

SETTING_NAMES = ("DATA_DIR", "SANDBOX_TOKEN", "SANDBOX_KEY_SECRET")


class Command(BaseCommand):
    help = "Runs the Binance-compatible sandbox exchange until it is interrupted."
    requires_system_checks = ()

    def handle(self, *args: Any, **options: Any) -> None:
        from exchange.sandbox.server import serve

        known = {"SANDBOX_PORT": str(urlsplit(settings.SANDBOX_URL).port or 80)}
        known |= {name: str(getattr(settings, name)) for name in SETTING_NAMES}
        try:
            serve(options_from(known | dict(os.environ)))
        except (OptionsError, JournalInUse, OtherRecording) as refusal:
            raise CommandError(str(refusal)) from refusal
