"""Makes the demo user with three paper keys and twelve running bots, once."""

from __future__ import annotations

from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError

from bots.configuration import ConfigurationRefused
from bots.lifecycle import LifecycleRefused
from exchange.port import ExchangeError
from tradebot.quickstart import lay_out


class Command(BaseCommand):
    help = "Make the demo user, paper keys and example bots (nothing that is already there is touched)."

    def handle(self, *args: Any, **options: Any) -> None:
        try:
            laid = lay_out(settings.DEMO_EMAIL, settings.DEMO_PASSWORD)
        except (PermissionError, ExchangeError, LifecycleRefused, ConfigurationRefused) as refusal:
            raise CommandError(str(refusal)) from None
        if laid.keys or laid.bots:
            self.stdout.write(
                f"Made {laid.keys} paper keys and started {laid.bots} bots for {laid.user.email}."
            )
        else:
            self.stdout.write(f"{laid.user.email} has its keys and bots.")
