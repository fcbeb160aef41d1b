"""How a running backtest moves on: every step is a conditional update of its row, and tells the owner's pages.

A row that is no longer running, or that its owner has called off, does not move: the work then ends.
"""

from __future__ import annotations

import time
from typing import Final

from django.db.models.functions import Now

from trading.models.research import Backtest, BacktestStep, ResearchStatus
from trading.research.backtests import tell

TELL_EVERY_SECONDS: Final = 0.25


class Abandoned(Exception):
    """Cancelled by its owner, deleted, or no longer ours: whatever was being done is wanted by nobody."""


class Progress:
    """Of one run. `at` raises Abandoned where it may not go on."""

    def __init__(self, backtest: Backtest) -> None:
        self.key, self.user_id = backtest.pk, backtest.user_id
        self.percent = 0
        self.told_at = 0.0

    def at(self, step: BacktestStep, percent: int) -> None:
        self.percent = percent
        mine = Backtest.objects.filter(
            pk=self.key, status=ResearchStatus.RUNNING, cancel_wanted_at__isnull=True
        )
        if mine.update(step=step, progress=percent, updated_at=Now()) != 1:
            raise Abandoned
        self.told_at = time.monotonic()
        tell(self.user_id, self.key)

    def within(self, step: BacktestStep, percent: int) -> None:
        """The same for what moves quickly: asks and tells no more often than somebody could read it."""
        if time.monotonic() - self.told_at >= TELL_EVERY_SECONDS:
            self.at(step, max(percent, self.percent))
