"""The statistics written out plainly, loop by loop, with `statistics`, `fractions` and dates of the standard library.

The independent oracle of `engine.metrics`: it shares no code with it, and no numpy.
"""

import math
import statistics
from datetime import UTC, datetime, timedelta
from fractions import Fraction
from typing import Any

from engine.market import Candles
from engine.results import EXIT_REASONS, Folded
from tests.engine.folds import Plain

DAY = timedelta(days=1)


def at(ms: int) -> datetime:
    return datetime(1970, 1, 1, tzinfo=UTC) + timedelta(milliseconds=ms)


def points(folded: Folded, bars: Candles, setting: Plain) -> list[tuple[datetime, int]]:
    start = int(bars.open_ms[folded.first_bar])
    curve = [(at(start), setting.initial_capital_e8)]
    curve += [
        (at(ms), equity)
        for ms, equity in zip(folded.equity_ms.tolist(), folded.equity_e8.tolist(), strict=True)
    ]
    curve[-1] = (curve[-1][0], folded.balance_e8 + folded.dust_cost_e8)
    return curve


def by_day(curve: list[tuple[datetime, int]]) -> dict[str, int]:
    """Date -> equity at its end."""
    first, last = curve[0][0], curve[-1][0]
    midnight, days = first.replace(hour=0, minute=0, second=0, microsecond=0), {}
    while midnight < last:
        days[midnight.date().isoformat()] = [value for when, value in curve if when <= midnight + DAY][-1]
        midnight += DAY
    return days


def changes(initial: int, values: list[int]) -> list[Fraction] | None:
    before = [initial, *values[:-1]]
    if any(value <= 0 for value in before):
        return None
    return [Fraction(value - last, last) for value, last in zip(values, before, strict=True)]


def drawdown(curve: list[tuple[datetime, int]]) -> tuple[int, Fraction, int]:
    """(largest amount, largest ratio, longest ms): every point against every point before it."""
    amount, ratio, longest = 0, Fraction(0), timedelta(0)
    peak, peak_at, is_below = curve[0][1], curve[0][0], False
    for when, value in curve:
        if value >= peak:
            longest = max(longest, when - peak_at) if is_below else longest
            peak, peak_at, is_below = value, when, False
            continue
        is_below = True
        longest = max(longest, when - peak_at)
        amount, ratio = max(amount, peak - value), max(ratio, Fraction(peak - value, peak))
    return amount, ratio, longest // timedelta(milliseconds=1)


def ratios(daily: list[Fraction] | None) -> dict[str, float | None]:
    found: dict[str, float | None] = {"volatility": None, "sharpe": None, "sortino": None}
    if daily is None or len(daily) < 2:
        return found
    mean = statistics.fmean(daily)
    found["volatility"] = math.sqrt(365) * statistics.stdev(daily)
    if max(daily) > min(daily):
        found["sharpe"] = math.sqrt(365) * mean / statistics.stdev(daily)
    downside = math.sqrt(math.fsum(float(change) ** 2 for change in daily if change < 0) / len(daily))
    if downside > 0:
        found["sortino"] = math.sqrt(365) * mean / downside
    return found


def growth(initial: int, final: int, days: Fraction) -> float | None:
    if days < 1:
        return None
    if final <= 0:
        return -1.0
    try:
        return (final / initial) ** float(365 / days) - 1
    except OverflowError:
        return None


def streak(results: list[int], sign: int) -> int:
    longest = now = 0
    for result in results:
        now = now + 1 if result * sign > 0 else 0
        longest = max(longest, now)
    return longest


def mean(values: list[int]) -> int | None:
    return math.floor(Fraction(sum(values), len(values)) + Fraction(1, 2)) if values else None


def excursion(folded: Folded) -> tuple[list[Fraction], list[Fraction]]:
    against, towards = [], []
    held = folded.positions
    for row in range(len(held)):
        entry = int(held.entry_price_e8[row])
        low = Fraction(entry - int(held.lowest_e8[row]), entry)
        high = Fraction(int(held.highest_e8[row]) - entry, entry)
        pair = (low, high) if held.side[row] == 1 else (high, low)
        against.append(max(pair[0], Fraction(0)))
        towards.append(max(pair[1], Fraction(0)))
    return against, towards


def naive_statistics(folded: Folded, bars: Candles, setting: Plain) -> dict[str, Any]:
    curve = points(folded, bars, setting)
    days = by_day(curve)
    months: dict[str, int] = {}
    for date, equity in days.items():
        months[date[:7]] = equity
    initial, final = setting.initial_capital_e8, curve[-1][1]
    daily, monthly = changes(initial, list(days.values())), changes(initial, list(months.values()))
    length = curve[-1][0] - curve[0][0]
    length_days = Fraction(length // timedelta(milliseconds=1), 86_400_000)
    amount, ratio, longest = drawdown(curve)
    cagr = growth(initial, final, length_days)
    market = [(curve[0][0], int(bars.open[folded.first_bar]))]
    market += [(market[0][0], int(close)) for close in bars.close[folded.first_bar :].tolist()]
    kept = Fraction(10**6 - setting.taker_e6, 10**6) ** 2 * Fraction(market[-1][1], market[0][1])
    return {
        "initial_balance_e8": initial,
        "final_balance_e8": final,
        "total_pnl_e8": sum(folded.positions.pnl_e8.tolist()),
        "total_return": Fraction(final - initial, initial),
        "bars": len(curve) - 1,
        "cagr": cagr,
        **ratios(daily),
        "calmar": None if cagr is None or not ratio else cagr / float(ratio),
        "max_drawdown_e8": amount,
        "max_drawdown": ratio,
        "max_drawdown_ms": longest,
        "best_day": max(daily) if daily else None,
        "worst_day": min(daily) if daily else None,
        "best_month": max(monthly) if monthly else None,
        "worst_month": min(monthly) if monthly else None,
        "months": len(monthly or []),
        "losing_months": sum(change < 0 for change in monthly or []),
        "market_change": Fraction(market[-1][1], market[0][1]) - 1,
        "market_drawdown": drawdown(market)[1],
        "buy_and_hold_return": kept - 1,
        "buy_and_hold_pnl_e8": math.floor(initial * kept) - initial,
        **naive_results(folded, initial, length_days),
    }


def naive_results(folded: Folded, initial: int, days: Fraction) -> dict[str, Any]:
    held = folded.positions
    results = held.pnl_e8.tolist()
    won, lost = [pnl for pnl in results if pnl > 0], [pnl for pnl in results if pnl < 0]
    times = [
        closed - opened
        for opened, closed in zip(held.opened_ms.tolist(), held.closed_ms.tolist(), strict=True)
    ]
    shares = [
        Fraction(pnl, cost) if cost else Fraction(0)
        for pnl, cost in zip(results, held.cost_e8.tolist(), strict=True)
    ]
    count = len(results)
    return {
        "positions": count,
        "trades": 2 * count,
        "wins": len(won),
        "losses": len(lost),
        "win_rate": Fraction(len(won), count) if count else None,
        "gross_profit_e8": sum(won),
        "gross_loss_e8": sum(lost),
        "profit_factor": Fraction(sum(won), -sum(lost)) if lost else None,
        "payoff_ratio": (
            Fraction(sum(won), len(won)) / Fraction(-sum(lost), len(lost)) if won and lost else None
        ),
        "expectancy_e8": mean(results),
        "average_return": sum(shares) / count if count else None,
        "average_win_e8": mean(won),
        "average_loss_e8": mean(lost),
        "largest_win_e8": max(won, default=0),
        "largest_loss_e8": min(lost, default=0),
        "longest_winning_streak": streak(results, 1),
        "longest_losing_streak": streak(results, -1),
        "fees_e8": sum(held.fees_e8.tolist()),
        "funding_e8": sum(held.funding_e8.tolist()),
        "exposure": Fraction(sum(times), 86_400_000) / days,
        "turnover": Fraction(sum(folded.trades.quote_e8.tolist()), initial),
        "average_duration_ms": sum(times) // count if count else None,
        "trades_a_day": count / days,
        **naive_exits(folded, results),
    }


def naive_exits(folded: Folded, results: list[int]) -> dict[str, Any]:
    against, towards = excursion(folded)
    reasons = [EXIT_REASONS[code] for code in folded.positions.exit_reason.tolist()]
    count = len(results)
    return {
        "average_mae": sum(against) / count if count else None,
        "average_mfe": sum(towards) / count if count else None,
        "worst_mae": max(against) if count else None,
        "best_mfe": max(towards) if count else None,
        "exits": {word: reasons.count(word) for word in EXIT_REASONS if word},
        "exit_results_e8": {
            word: sum(pnl for pnl, reason in zip(results, reasons, strict=True) if reason == word)
            for word in EXIT_REASONS
            if word
        },
    }
