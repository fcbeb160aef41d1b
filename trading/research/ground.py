"""What a backtest stands on: the symbol's rules and real minutes, of futures its contract too. Missing minutes are
fetched from the market they come from, where this installation may ask it; none is invented.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import Final, Protocol

import numpy as np
from django.utils.translation import gettext as _

from engine.market import MINUTE_MS, Candles, interval_ms
from engine.rules import SymbolRules
from engine.strategies import parse_params, strategy
from exchange.candles import Gap, ensure, find_gaps, fingerprint, history
from exchange.instants import ms_of
from exchange.models import Market
from trading.models.research import Backtest, BacktestStep
from trading.research.futures import Contract, contract_over
from trading.research.supply import market_of, rules_of

# Of the whole work, as progress counts it.
CANDLES_PERCENT: Final = 50


class BacktestFailed(Exception):
    """It cannot be done; the text is for the owner."""


class Steps(Protocol):
    """Hears how the work moves on, in percent; may raise to end it."""

    def at(self, step: BacktestStep, percent: int) -> None: ...

    def within(self, step: BacktestStep, percent: int) -> None:
        """The same, of what moves quickly."""
        ...


@dataclass(frozen=True)
class Ground:
    """Minutes of the period, and before it as many as indicators need to warm up. `contract`: of futures only."""

    rules: SymbolRules
    rules_version: int
    minutes: Candles
    start_ms: int
    end_ms: int
    contract: Contract | None = None

    @cached_property
    def gaps(self) -> tuple[Gap, ...]:
        """Stretches of the period without a candle."""
        inside = self.minutes[int(np.searchsorted(self.minutes.open_ms, self.start_ms)) :]
        return tuple(find_gaps(inside, "1m", self.start_ms, self.end_ms - MINUTE_MS))

    @cached_property
    def fingerprint(self) -> str:
        """Of all that the market gave: minutes, of futures brackets and funding too."""
        of_minutes = fingerprint(self.minutes)
        return of_minutes if self.contract is None else self.contract.fingerprint(of_minutes)

    @property
    def missing_minutes(self) -> int:
        return sum((gap.last_ms - gap.first_ms) // MINUTE_MS + 1 for gap in self.gaps)


def lay_ground(backtest: Backtest, steps: Steps) -> Ground:
    """Raises BacktestFailed, UnknownSymbol, ExchangeError, and what `steps` raises. Outside a transaction."""
    rules, version = rules_of(backtest.market, backtest.symbol)
    start_ms, end_ms = ms_of(backtest.start_at), ms_of(backtest.end_at)
    warm_ms = start_ms - warm_up_ms(backtest)
    of = (backtest.source, backtest.market, backtest.symbol)
    minutes = history(*of, "1m", start_ms=warm_ms, end_ms=end_ms)
    if find_gaps(minutes, "1m", warm_ms, end_ms - MINUTE_MS):
        _fetch(backtest, steps, start_ms=warm_ms, end_ms=end_ms)
        minutes = history(*of, "1m", start_ms=warm_ms, end_ms=end_ms)
    if not len(minutes) or int(minutes.open_ms[-1]) < start_ms:
        names = {"symbol": backtest.symbol, "source": backtest.source}
        raise BacktestFailed(_("No candles of %(symbol)s (%(source)s) lie in this period.") % names)
    contract = None
    if backtest.market == Market.FUTURES:
        contract = contract_over(backtest.source, backtest.symbol, start_ms, end_ms)
    return Ground(rules, version, minutes, start_ms, end_ms, contract)


def warm_up_ms(backtest: Backtest) -> int:
    """As much history as a live run would look at: indicators then agree from the first candle on."""
    params = parse_params(backtest.strategy, backtest.strategy_params)
    return strategy(backtest.strategy).window(params) * interval_ms(backtest.timeframe)


def _fetch(backtest: Backtest, steps: Steps, *, start_ms: int, end_ms: int) -> None:
    venue = market_of(backtest.source, backtest.market)
    if venue is None:
        return

    def moved(done: int, wanted: int) -> None:
        steps.within(BacktestStep.CANDLES, CANDLES_PERCENT * done // max(wanted, 1))

    of = (backtest.source, backtest.market, backtest.symbol)
    ensure(venue, *of, start_ms=start_ms, end_ms=end_ms, progress=moved)
