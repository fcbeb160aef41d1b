"""What all sets of an optimisation share: rules, candles with enough history for the slowest set, windows.

Minutes that are missing are fetched once, by whoever comes first.
"""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from decimal import Decimal
from typing import Any

from django.utils.translation import gettext as _

from engine.market import interval_ms
from engine.strategies import parse_params, strategy
from engine.walk_forward import Window
from exchange.instants import ms_of
from trading.models.optimization import Optimization
from trading.models.research import Backtest
from trading.research.futures import contract_over
from trading.research.ground import BacktestFailed, Ground, Steps, lay_ground
from trading.research.optimization_checking import walk_windows
from trading.research.optimization_space import PARAMS, Space, space_of
from trading.research.optimization_trying import Stand


def stand_of(row: Optimization, steps: Steps) -> tuple[Stand, Ground]:
    """Raises BacktestFailed, UnknownSymbol, ExchangeError, and what `steps` raises. Outside a transaction."""
    space, start_ms, end_ms = space_of(row), ms_of(row.start_at), ms_of(row.end_at)
    extra_ms = warm_up_candles(space) * interval_ms(row.timeframe)
    asked = Backtest(
        source=row.source,
        market=row.market,
        symbol=row.symbol,
        timeframe=row.timeframe,
        start_at=row.start_at - timedelta(milliseconds=extra_ms),
        end_at=row.end_at,
        strategy=row.strategy,
        strategy_params=row.strategy_params,
    )
    ground = lay_ground(asked, steps)
    if int(ground.minutes.open_ms[-1]) < start_ms:
        raise BacktestFailed(_("No candles of %(symbol)s lie in this period.") % {"symbol": row.symbol})
    split_ms = ms_of(row.split_at)
    stand = Stand(
        minutes=ground.minutes,
        rules=ground.rules,
        timeframe=row.timeframe,
        market=row.market,
        space=space,
        settings=row.settings,
        main=Window(1, start_ms, split_ms, end_ms),
        walk=walk_windows(start_ms, end_ms, timeframe=row.timeframe, count=row.windows),
        contract=ground.contract,
    )
    # Of gaps, shares and settlements, what the period itself has counts, not its warm-up.
    contract = ground.contract
    if contract is not None:
        contract = contract_over(row.source, row.symbol, start_ms, end_ms)
    return stand, replace(ground, start_ms=start_ms, contract=contract)


def warm_up_candles(space: Space) -> int:
    """As many as the set with the longest memory needs more than the one the search began from."""
    chosen = strategy(space.strategy)
    usual = parse_params(space.strategy, space.base)
    longest = {axis.name: _number(max(axis.values, key=Decimal)) for axis in space.axes if axis.of == PARAMS}
    # The largest values need not be allowed together: how far each looks back is asked, nothing else.
    return max(0, chosen.window(replace(usual, **longest)) - chosen.window(usual))


def _number(value: int | str) -> Any:
    return value if isinstance(value, int) else Decimal(value)
