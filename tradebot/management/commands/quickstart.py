"""Makes the demo user with three paper keys, twelve running bots and the recordings to test bots on, once."""

from __future__ import annotations

from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError

from bots.configuration import ConfigurationRefused
from bots.lifecycle import LifecycleRefused
from exchange.candles import CandlesDiffer
from exchange.candles.recordings import recordings, store_recording
from exchange.futures.funding import RatesDiffer
from exchange.futures.funding_files import store_recorded_rates
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
        self._store_recordings()

    def _store_recordings(self) -> None:
        """Something to try a bot on. Candles of one's own stay as they are, and a demo starts with them."""
        for recording in recordings():
            try:
                new = store_recording(recording)
            except CandlesDiffer as differ:
                self.stderr.write(f"The recording of {recording} is not stored: {differ}")
                continue
            if new:
                self.stdout.write(f"Stored {new:,} recorded candles of {recording} for backtests.")
        try:
            new = store_recorded_rates()
        except RatesDiffer as differ:
            self.stderr.write(f"The recorded funding rates are not stored: {differ}")
            return
        if new:
            self.stdout.write(f"Stored {new:,} recorded funding rates for backtests of futures.")
