"""Follows the market's streams and wakes bots at the close of their candles; of several, one elected leader does."""

from __future__ import annotations

import asyncio
import signal
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand

from exchange.feed.leadership import lead
from exchange.models import Venue
from trading.feeding import Feeding


class Command(BaseCommand):
    # The start of an instance waits for this process; ./run check and the tests have the system checks.
    requires_system_checks = ()
    help = "Follow the market's streams until told to stop; a second one waits to take over."

    def handle(self, *args: Any, **options: Any) -> None:
        asyncio.run(_follow())


async def _follow() -> None:
    loop, this = asyncio.get_running_loop(), asyncio.current_task()
    assert this is not None
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, this.cancel)
    try:
        await lead(settings.DATABASES["default"], lambda: Feeding(Venue.SANDBOX).work())
    except asyncio.CancelledError:
        return
