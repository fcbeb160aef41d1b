"""What the run itself says: its result, its length, its falls, its rivals. One finding from each question.

Every threshold is a constant here and a row in docs/reading-a-backtest.md.
"""

from typing import Final

from engine.market import DAY_MS
from engine.results import EXIT_REASONS, LIQUIDATION
from engine.verdict.levels import Evidence, Level, Reason

FEWEST_POSITIONS: Final = 10
FEW_POSITIONS: Final = 30
MANY_POSITIONS: Final = 100
THIN_EDGE: Final = 1.1
WIDE_EDGE: Final = 1.3
SHORT_DAYS: Final = 30
LONG_DAYS: Final = 180
DEEP_DRAWDOWN: Final = 0.5
GOOD_RETURN_TO_DRAWDOWN: Final = 2.0
ONE_POSITION: Final = 0.5
LARGE_POSITION: Final = 0.25
ONE_MONTH: Final = 0.8
LARGE_MONTH: Final = 0.5
MONTHS_TO_COMPARE: Final = 3


def percent(ratio: float | None) -> str:
    """0.1234 → "12.3 %", -0.05 → "−5.0 %" with a real minus; what rounds to nothing has no sign."""
    text = f"{abs(ratio or 0.0) * 100:.1f}"
    return f"{'−' if (ratio or 0.0) < 0 and text.strip('0.') else ''}{text} %"


def positions(evidence: Evidence) -> Reason:
    count = evidence.statistics.positions
    values = {"positions": str(count)}
    if count < FEWEST_POSITIONS:
        return Reason("too_few_positions", Level.UNFIT, values)
    if count < FEW_POSITIONS:
        return Reason("few_positions", Level.DOUBTFUL, values)
    if count < MANY_POSITIONS:
        return Reason("some_positions", Level.PROMISING, values)
    return Reason("many_positions", Level.CONVINCING, values)


def result(evidence: Evidence) -> Reason:
    values = {"total_return": percent(evidence.statistics.total_return)}
    if evidence.statistics.total_pnl_e8 <= 0:
        return Reason("lost", Level.UNFIT, values)
    return Reason("earned", Level.CONVINCING, values)


def edge(evidence: Evidence) -> Reason:
    factor = evidence.statistics.profit_factor
    if factor is None:
        return Reason("never_lost", Level.PROMISING, {})
    values = {"profit_factor": f"{factor:.2f}"}
    if factor < THIN_EDGE:
        return Reason("thin_edge", Level.DOUBTFUL, values)
    if factor < WIDE_EDGE:
        return Reason("some_edge", Level.PROMISING, values)
    return Reason("wide_edge", Level.CONVINCING, values)


def length(evidence: Evidence) -> Reason:
    days = (evidence.statistics.end_ms - evidence.statistics.start_ms) / DAY_MS
    values = {"days": f"{days:.0f}"}
    if days < SHORT_DAYS:
        return Reason("short_period", Level.DOUBTFUL, values)
    if days < LONG_DAYS:
        return Reason("some_period", Level.PROMISING, values)
    return Reason("long_period", Level.CONVINCING, values)


def drawdown(evidence: Evidence) -> Reason:
    fall, earned = evidence.statistics.max_drawdown, evidence.statistics.total_return or 0.0
    values = {"drawdown": percent(fall), "total_return": percent(earned)}
    if fall >= DEEP_DRAWDOWN:
        return Reason("deep_drawdown", Level.DOUBTFUL, values)
    if earned < fall:
        return Reason("drawdown_above_return", Level.DOUBTFUL, values)
    if earned < GOOD_RETURN_TO_DRAWDOWN * fall:
        return Reason("drawdown_near_return", Level.PROMISING, values)
    return Reason("small_drawdown", Level.CONVINCING, values)


def liquidations(evidence: Evidence) -> Reason | None:
    """A liquidation loses all of a margin at once: what came through some was near its end."""
    count = evidence.statistics.exits[EXIT_REASONS[LIQUIDATION]]
    return Reason("liquidated", Level.DOUBTFUL, {"liquidations": str(count)}) if count else None


def holding(evidence: Evidence) -> Reason | None:
    """Less return than the market had is no shame where each per cent of it was bought with a smaller fall."""
    found = evidence.statistics
    hold, earned = found.buy_and_hold_return, found.total_return
    if hold is None or earned is None:
        return None
    market_fall = found.market_drawdown or 0.0
    values = {
        "hold": percent(hold),
        "market_drawdown": percent(market_fall),
        "drawdown": percent(found.max_drawdown),
    }
    if earned >= hold:
        return Reason("beats_holding", Level.CONVINCING, values)
    if earned * market_fall > hold * found.max_drawdown:
        return Reason("calmer_than_holding", Level.PROMISING, values)
    return Reason("holding_better", Level.DOUBTFUL, values)


def concentration(evidence: Evidence) -> Reason | None:
    found = evidence.concentration
    if found is None:
        return None
    by_month = found.best_month if found.months >= MONTHS_TO_COMPARE else 0.0
    month = {"share": percent(by_month), "months": str(found.months)}
    position = {"share": percent(found.best_position)}
    if found.best_position > ONE_POSITION:
        return Reason("one_position", Level.DOUBTFUL, position)
    if by_month > ONE_MONTH:
        return Reason("one_month", Level.DOUBTFUL, month)
    if found.best_position > LARGE_POSITION:
        return Reason("large_position", Level.PROMISING, position)
    if by_month > LARGE_MONTH:
        return Reason("large_month", Level.PROMISING, month)
    return Reason("spread_out", Level.CONVINCING, {})
