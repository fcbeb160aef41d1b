"""Where in the recording a new sandbox begins: the whole-week shift under which the quickstart presets trade soonest.

Counted are entries of the `ema` strategy at closes a user's first minutes will see. The averages are written out
here because the catalogue of indicators is far too heavy for this process; a test holds them equal to the engine.
"""

from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

import numpy as np
import numpy.typing as npt

from exchange.sandbox.market import WEEK_MS
from exchange.sandbox.tape import MINUTE_MS, Tape

BEHIND_MS = 2 * WEEK_MS
AHEAD_MS = 4 * WEEK_MS
PRESETS = ((2, 5), (2, 4), (3, 6), (3, 8), (1, 3))
SOON_MS = (45_000, 170_000)
LATER_MS = 3_600_000
WARM_UP_MINUTES = 300

FloatArray = npt.NDArray[np.float64]
BoolArray = npt.NDArray[np.bool_]


@dataclass(frozen=True)
class Placement:
    """The chosen shift and why: entries soon, entries in the following hour, and the first signals expected."""

    weeks: int
    recorded_ms: int
    soon: int
    later: int
    first_signals: list[dict[str, Any]] = field(default_factory=list)

    def as_dict(self) -> dict[str, Any]:
        recorded = datetime.fromtimestamp(self.recorded_ms / 1000, tz=UTC)
        return {
            "shift_weeks": self.weeks,
            "recorded_at": recorded.isoformat(timespec="seconds"),
            "entries_soon": self.soon,
            "entries_next_hour": self.later,
            "first_signals": self.first_signals,
        }


class RecordingTooShort(ValueError):
    """No whole-week shift leaves enough recording behind and ahead."""


def admissible_weeks(tapes: dict[str, Tape], now_ms: int) -> range:
    """Shifts with at least two weeks of every tape behind `now_ms` and four ahead."""
    first_ms = max(tape.first_open_ms for tape in tapes.values())
    end_ms = min(tape.end_ms for tape in tapes.values())
    least = -(-(now_ms + AHEAD_MS - end_ms) // WEEK_MS)
    most = (now_ms - BEHIND_MS - first_ms) // WEEK_MS
    return range(least, most + 1)


def choose_shift(tapes: dict[str, Tape], now_ms: int) -> Placement:
    """The admissible shift with the most entries soon; ties by the following hour, then the smaller shift."""
    placements = [_placement(tapes, now_ms, weeks) for weeks in admissible_weeks(tapes, now_ms)]
    if not placements:
        raise RecordingTooShort("the recording is too short for two weeks behind and four ahead")
    return max(placements, key=lambda placement: (placement.soon, placement.later, -placement.weeks))


def _placement(tapes: dict[str, Tape], now_ms: int, weeks: int) -> Placement:
    recorded_ms = now_ms - weeks * WEEK_MS
    soon, later, signals = 0, 0, []
    for tape in tapes.values():
        for fast, slow in PRESETS:
            for after_ms in entries_after(tape, recorded_ms, fast=fast, slow=slow):
                if SOON_MS[0] <= after_ms < SOON_MS[1]:
                    soon += 1
                    signals.append(
                        {"symbol": tape.symbol, "ema": f"{fast}/{slow}", "seconds": after_ms // 1000}
                    )
                elif SOON_MS[1] <= after_ms < SOON_MS[1] + LATER_MS:
                    later += 1
    signals.sort(key=lambda signal: (signal["seconds"], signal["symbol"], signal["ema"]))
    return Placement(weeks=weeks, recorded_ms=recorded_ms, soon=soon, later=later, first_signals=signals)


def entries_after(tape: Tape, recorded_ms: int, *, fast: int, slow: int) -> list[int]:
    """How long after `recorded_ms` (ms) closes fall at which the fast average has crossed above the slow."""
    running = (recorded_ms - tape.first_open_ms) // MINUTE_MS
    first = max(0, running - WARM_UP_MINUTES)
    last = min(len(tape), running + (SOON_MS[1] + LATER_MS) // MINUTE_MS + 1)
    closes = tape.close[first:last].astype(np.float64) * (tape.tick_e8 / 1e8)
    crossed = crosses_above(ema(closes, fast), ema(closes, slow))
    close_ms = tape.first_open_ms + (first + np.flatnonzero(crossed) + 1) * MINUTE_MS
    return [int(at - recorded_ms) for at in close_ms if at >= recorded_ms]


def ema(values: FloatArray, length: int) -> FloatArray:
    """Exponential average seeded with the simple one over the first `length` values (TA-Lib); NaN before."""
    result = np.full(len(values), np.nan)
    if len(values) < length:
        return result
    weight = 2 / (length + 1)
    average = float(values[:length].mean())
    result[length - 1] = average
    for index in range(length, len(values)):
        average += weight * (float(values[index]) - average)
        result[index] = average
    return result


def crosses_above(fast: FloatArray, slow: FloatArray) -> BoolArray:
    above = fast > slow
    crossed = np.zeros(len(fast), dtype=bool)
    crossed[1:] = above[1:] & (fast[:-1] <= slow[:-1])
    return crossed
