"""What other fees and slippage would do to a result: the same backtest, run again at multiples of its costs."""

from collections.abc import Callable, Iterable
from dataclasses import replace
from typing import Any, Final, NamedTuple, Protocol, cast

from engine.metrics.summary import Statistics

COST_PERCENTS: Final = (0, 50, 100, 150, 200, 300)


class CostRow(NamedTuple):
    """A run at `percent` of the setting's fees and slippage."""

    percent: int
    taker_e6: int
    maker_e6: int
    slippage_e6: int
    positions: int
    total_pnl_e8: int
    total_return: float | None
    profit_factor: float | None
    max_drawdown: float


class Costs(NamedTuple):
    """`break_even_percent`: at how many per cent of today's costs the result is nil, linear between the two rows around
    it; None where no row loses, or none earns."""

    rows: tuple[CostRow, ...]
    break_even_percent: float | None

    def at(self, percent: int) -> CostRow:
        return next(row for row in self.rows if row.percent == percent)


class CostlySetting(Protocol):
    """A dataclass with costs in 1e-6, as `engine.fold.Setting`."""

    @property
    def taker_e6(self) -> int: ...

    @property
    def maker_e6(self) -> int: ...

    @property
    def slippage_e6(self) -> int: ...


def cost_sensitivity[S: CostlySetting](
    setting: S, run: Callable[[S], Statistics], *, percents: Iterable[int] = COST_PERCENTS
) -> Costs:
    """Runs the same backtest at multiples of the setting's fees and slippage; `run` answers one setting."""
    rows = tuple(_cost_row(percent, with_costs(setting, percent), run) for percent in sorted(percents))
    return Costs(rows, _break_even(rows))


def with_costs[S: CostlySetting](setting: S, percent: int) -> S:
    """The same setting with fees and slippage at this percentage of theirs, rounded up to 1e-6."""
    changed: S = replace(
        cast(Any, setting),
        taker_e6=_scaled(setting.taker_e6, percent),
        maker_e6=_scaled(setting.maker_e6, percent),
        slippage_e6=_scaled(setting.slippage_e6, percent),
    )
    return changed


def _scaled(amount: int, percent: int) -> int:
    return -(-amount * percent // 100)


def _cost_row[S: CostlySetting](percent: int, setting: S, run: Callable[[S], Statistics]) -> CostRow:
    found = run(setting)
    return CostRow(
        percent=percent,
        taker_e6=setting.taker_e6,
        maker_e6=setting.maker_e6,
        slippage_e6=setting.slippage_e6,
        positions=found.positions,
        total_pnl_e8=found.total_pnl_e8,
        total_return=found.total_return,
        profit_factor=found.profit_factor,
        max_drawdown=found.max_drawdown,
    )


def _break_even(rows: tuple[CostRow, ...]) -> float | None:
    for lower, upper in zip(rows, rows[1:], strict=False):
        if lower.total_pnl_e8 > 0 >= upper.total_pnl_e8:
            fallen = lower.total_pnl_e8 / (lower.total_pnl_e8 - upper.total_pnl_e8)
            return lower.percent + fallen * (upper.percent - lower.percent)
    return None
