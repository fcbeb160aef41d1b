"""All statistics of one backtest, each with its formula: money exact, ratios as floats, None where undefined.

Every number comes from the positions and the equity of the fold; nothing is estimated.
"""

from dataclasses import dataclass
from typing import Any

from engine.amounts import E6
from engine.market import DAY_MS, Candles, FloatArray
from engine.metrics import returns
from engine.metrics.curve import Curve, Terms, curve_of, market_curve, worst_drawdown
from engine.metrics.outcomes import (
    Outcomes,
    exact_sum,
    excursions,
    exits_by_reason,
    mean_e8,
    outcomes_of,
    position_returns,
    results_by_reason,
)
from engine.metrics.periods import month_ends
from engine.results import Folded, Positions


@dataclass(frozen=True, kw_only=True)
class Statistics:
    """`_e8`: money in 1e-8 of the quote asset, exact; averages of money to the nearest 1e-8. `_ms`: milliseconds.
    Ratios are plain numbers (0.01 = 1 %). `duration` is that of the run: first opening to last close.

    - `final_balance_e8` money at the end (what was open is closed) plus dust at cost; `total_pnl_e8` that less the
      initial balance = sum of the results of all positions; `total_return` = total pnl / initial balance
    - `cagr`, `sharpe`, `sortino`, `calmar`, `volatility`: formulas and sources in `engine.metrics.returns`; daily
      returns of equity at UTC midnight, a year of 365 days, riskless rate 0
    - `win_rate` wins / positions; `profit_factor` gross profit / -gross loss, None without a loss;
      `expectancy_e8` total result / positions; `payoff_ratio` average win / -average loss
    - `average_return` mean over positions of result / cost (futures: result / worth at the entry and its fee)
    - `max_drawdown_e8`, `max_drawdown` (ratio), `max_drawdown_ms` and from/to: see `engine.metrics.curve.Drawdown`
    - `exposure` time in a position / duration; `turnover` money traded / initial balance
    - `trades_a_day` positions / days of the duration; `average_duration_ms` mean time in a position, rounded down
    - `average_mae`, `average_mfe`, `worst_mae`, `best_mfe`: see `engine.metrics.outcomes.excursions`
    - `buy_and_hold_return` of all capital at the first opening, sold at the last close, taker fee paid twice:
      close / open × (1 - fee)² - 1; `buy_and_hold_pnl_e8` the same of the initial balance, rounded down;
      `market_change` close / open - 1, `market_drawdown` the largest ratio a fall of its closes had
    - `best_day` … `worst_month`: ratios; `losing_months` of `months`
    """

    start_ms: int
    end_ms: int
    bars: int
    initial_balance_e8: int
    final_balance_e8: int
    total_pnl_e8: int
    total_return: float | None
    cagr: float | None
    volatility: float | None
    sharpe: float | None
    sortino: float | None
    calmar: float | None
    max_drawdown_e8: int
    max_drawdown: float
    max_drawdown_ms: int
    max_drawdown_from_ms: int
    max_drawdown_to_ms: int
    exposure: float | None
    turnover: float | None
    fees_e8: int
    funding_e8: int
    dust_cost_e8: int
    positions: int
    trades: int
    wins: int
    losses: int
    win_rate: float | None
    profit_factor: float | None
    payoff_ratio: float | None
    gross_profit_e8: int
    gross_loss_e8: int
    expectancy_e8: int | None
    average_return: float | None
    average_win_e8: int | None
    average_loss_e8: int | None
    largest_win_e8: int
    largest_loss_e8: int
    longest_winning_streak: int
    longest_losing_streak: int
    average_duration_ms: int | None
    trades_a_day: float | None
    average_mae: float | None
    average_mfe: float | None
    worst_mae: float | None
    best_mfe: float | None
    exits: dict[str, int]
    exit_results_e8: dict[str, int]
    best_day: float | None
    worst_day: float | None
    best_month: float | None
    worst_month: float | None
    months: int
    losing_months: int
    market_change: float | None
    market_drawdown: float | None
    buy_and_hold_return: float | None
    buy_and_hold_pnl_e8: int | None


def statistics(folded: Folded, bars: Candles, *, setting: Terms) -> Statistics:
    """`bars` are those the fold walked. One pass over the equity, the rest over positions and days."""
    curve = curve_of(folded, bars, setting)
    initial, final = curve.initial_e8, curve.final_e8
    return Statistics(
        start_ms=curve.start_ms,
        end_ms=curve.end_ms,
        bars=len(folded.equity_ms),
        initial_balance_e8=initial,
        final_balance_e8=final,
        total_pnl_e8=final - initial,
        total_return=_ratio(final - initial, initial),
        dust_cost_e8=folded.dust_cost_e8,
        trades=len(folded.trades),
        turnover=_ratio(exact_sum(folded.trades.quote_e8), initial),
        **_risk(curve),
        **_results(folded.positions),
        **_times(folded.positions, curve.end_ms - curve.start_ms),
        **_excursions(folded.positions),
        **_market(folded, bars, setting),
    )


def _ratio(over: float, under: float) -> float | None:
    return over / under if under > 0 else None


def _risk(curve: Curve) -> dict[str, Any]:
    initial, final = curve.initial_e8, curve.final_e8
    closes = returns.daily_closes(curve)
    daily = returns.changes(initial, closes.equity_e8)
    monthly = returns.changes(initial, closes.equity_e8[month_ends(closes.day)])
    fall = worst_drawdown(curve)
    growth = returns.annual_growth(initial, final, curve.end_ms - curve.start_ms)
    return {
        "cagr": growth,
        "volatility": returns.volatility(daily),
        "sharpe": returns.sharpe_ratio(daily),
        "sortino": returns.sortino_ratio(daily),
        "calmar": returns.calmar_ratio(growth, fall.ratio),
        "max_drawdown_e8": fall.amount_e8,
        "max_drawdown": fall.ratio,
        "max_drawdown_ms": fall.duration_ms,
        "max_drawdown_from_ms": fall.from_ms,
        "max_drawdown_to_ms": fall.to_ms,
        **_extremes("day", daily),
        **_extremes("month", monthly),
        "months": 0 if monthly is None else len(monthly),
        "losing_months": 0 if monthly is None else int((monthly < 0).sum()),
    }


def _extremes(name: str, changes: FloatArray | None) -> dict[str, float | None]:
    if changes is None or not len(changes):
        return {f"best_{name}": None, f"worst_{name}": None}
    return {f"best_{name}": float(changes.max()), f"worst_{name}": float(changes.min())}


def _results(positions: Positions) -> dict[str, Any]:
    count, found = len(positions), outcomes_of(positions.pnl_e8)
    average_win = mean_e8(found.gross_profit_e8, found.wins)
    average_loss = mean_e8(found.gross_loss_e8, found.losses)
    return {
        "positions": count,
        "fees_e8": exact_sum(positions.fees_e8),
        "funding_e8": exact_sum(positions.funding_e8),
        "wins": found.wins,
        "losses": found.losses,
        "win_rate": _ratio(found.wins, count),
        "profit_factor": _ratio(found.gross_profit_e8, -found.gross_loss_e8),
        "payoff_ratio": _payoff(found),
        "gross_profit_e8": found.gross_profit_e8,
        "gross_loss_e8": found.gross_loss_e8,
        "expectancy_e8": mean_e8(found.gross_profit_e8 + found.gross_loss_e8, count),
        "average_return": float(position_returns(positions).mean()) if count else None,
        "average_win_e8": average_win,
        "average_loss_e8": average_loss,
        "largest_win_e8": found.largest_win_e8,
        "largest_loss_e8": found.largest_loss_e8,
        "longest_winning_streak": found.streaks[0],
        "longest_losing_streak": found.streaks[1],
        "exits": exits_by_reason(positions),
        "exit_results_e8": results_by_reason(positions),
    }


def _payoff(found: Outcomes) -> float | None:
    if not found.wins:
        return None
    return _ratio(found.gross_profit_e8 * found.losses, -found.gross_loss_e8 * found.wins)


def _times(positions: Positions, duration_ms: int) -> dict[str, Any]:
    count = len(positions)
    held_ms = exact_sum(positions.closed_ms - positions.opened_ms)
    return {
        "exposure": _ratio(held_ms, duration_ms),
        "average_duration_ms": held_ms // count if count else None,
        "trades_a_day": _ratio(count * DAY_MS, duration_ms),
    }


def _excursions(positions: Positions) -> dict[str, Any]:
    if not len(positions):
        return dict.fromkeys(("average_mae", "average_mfe", "worst_mae", "best_mfe"))
    found = excursions(positions)
    return {
        "average_mae": float(found.adverse.mean()),
        "average_mfe": float(found.favourable.mean()),
        "worst_mae": float(found.adverse.max()),
        "best_mfe": float(found.favourable.max()),
    }


def _market(folded: Folded, bars: Candles, setting: Terms) -> dict[str, Any]:
    """The first evaluated bar's opening to the last one's close."""
    if not len(folded.equity_ms):
        names = ("market_change", "market_drawdown", "buy_and_hold_return", "buy_and_hold_pnl_e8")
        return dict.fromkeys(names)
    first, last = int(bars.open[folded.first_bar]), int(bars.close[folded.last_bar])
    over, under = last * (E6 - setting.taker_e6) ** 2, first * E6**2
    return {
        "market_change": last / first - 1,
        "market_drawdown": worst_drawdown(market_curve(folded, bars)).ratio,
        "buy_and_hold_return": over / under - 1,
        "buy_and_hold_pnl_e8": setting.initial_capital_e8 * over // under - setting.initial_capital_e8,
    }
