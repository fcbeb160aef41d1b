"""What was tried on the run afterwards: the look-ahead check, luck, costs, unseen candles; and what it stood on."""

from datetime import UTC, datetime
from typing import Final

from engine.verdict.findings import FEW_POSITIONS, percent
from engine.verdict.levels import Evidence, Level, Reason

LARGE_CHANCE_OF_LOSS: Final = 0.25
SMALL_CHANCE_OF_LOSS: Final = 0.05
DEEP_ORDERS: Final = 0.5
FATAL_COSTS_PERCENT: Final = 150
HEAVY_COSTS_PERCENT: Final = 200
EVEN_WINDOWS: Final = 2 / 3
MISSING_SHARE: Final = 0.01


def look_ahead(evidence: Evidence) -> Reason:
    if evidence.looks_ahead is None:
        return Reason("look_ahead_unchecked", Level.PROMISING, {})
    if evidence.looks_ahead:
        return Reason("looks_ahead", Level.UNFIT, {})
    return Reason("no_look_ahead", Level.CONVINCING, {})


def luck(evidence: Evidence) -> Reason:
    found = evidence.luck
    if found is None:
        return Reason("luck_untried", Level.PROMISING, {})
    values = {"loss": percent(found.chance_of_loss), "runs": str(found.runs)}
    if found.chance_of_loss > LARGE_CHANCE_OF_LOSS:
        return Reason("luck_large", Level.DOUBTFUL, values)
    if found.chance_of_loss > SMALL_CHANCE_OF_LOSS:
        return Reason("luck_some", Level.PROMISING, values)
    return Reason("luck_small", Level.CONVINCING, values)


def orders(evidence: Evidence) -> Reason | None:
    """Only where another order of the same positions would have been ruinous."""
    found = evidence.luck
    if found is None or found.drawdowns.p95 < DEEP_ORDERS:
        return None
    return Reason("orders_deep", Level.DOUBTFUL, {"drawdown": percent(found.drawdowns.p95)})


def costs(evidence: Evidence) -> Reason:
    found = evidence.costs
    if found is None:
        return Reason("costs_untried", Level.PROMISING, {})
    if found.at(FATAL_COSTS_PERCENT).total_pnl_e8 <= 0:
        return Reason("costs_fatal", Level.DOUBTFUL, {})
    doubled = found.at(HEAVY_COSTS_PERCENT)
    if doubled.total_pnl_e8 <= 0:
        even = found.break_even_percent
        return Reason("costs_heavy", Level.DOUBTFUL, {"break_even": f"{even or 0.0:.0f} %"})
    return Reason("costs_borne", Level.CONVINCING, {"total_return": percent(doubled.total_return)})


def outside(evidence: Evidence) -> Reason:
    found = evidence.walk
    if found is None:
        return Reason("never_outside", Level.PROMISING, {})
    values = {
        "outside": percent(found.outside_return),
        "profitable": str(found.profitable_windows),
        "windows": str(found.windows),
        "efficiency": percent(found.efficiency),
        "positions": str(found.outside_positions),
    }
    if found.outside_return <= 0.0:
        is_worse = 2 * found.profitable_windows < found.windows
        return (
            Reason("lost_outside", Level.UNFIT, values)
            if is_worse
            else Reason("weak_outside", Level.DOUBTFUL, values)
        )
    if found.parts_ways:
        return Reason("parts_ways", Level.DOUBTFUL, values)
    if found.profitable_windows < EVEN_WINDOWS * found.windows:
        return Reason("uneven_outside", Level.PROMISING, values)
    if found.outside_positions < FEW_POSITIONS:
        return Reason("few_outside", Level.PROMISING, values)
    return Reason("held_outside", Level.CONVINCING, values)


def coarse(evidence: Evidence) -> Reason | None:
    return Reason("coarse", Level.PROMISING, {}) if evidence.is_coarse else None


def missing(evidence: Evidence) -> Reason | None:
    if evidence.missing_share <= MISSING_SHARE:
        return None
    return Reason("missing_candles", Level.PROMISING, {"share": percent(evidence.missing_share)})


def paused(evidence: Evidence) -> Reason | None:
    if not evidence.paused_ms:
        return None
    when = datetime.fromtimestamp(evidence.paused_ms / 1_000, UTC)
    return Reason("circuit_breaker", Level.DOUBTFUL, {"when": f"{when:%Y-%m-%d %H:%M}"})
