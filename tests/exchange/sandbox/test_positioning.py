"""A new sandbox begins where the presets trade soonest, among whole weeks with room behind and ahead."""

import numpy as np
import pytest

from engine.market import Candles
from engine.strategies import strategy
from exchange.sandbox.market import WEEK_MS
from exchange.sandbox.positioning import (
    PRESETS,
    RecordingTooShort,
    admissible_weeks,
    choose_shift,
    crosses_above,
    ema,
    entries_after,
)
from exchange.sandbox.tape import Tape, load_tapes

TAPES = load_tapes()
NOW_MS = 1_795_165_641_762
DAY_MS = 86_400_000


def test_every_admissible_week_leaves_room_behind_and_ahead():
    tape = TAPES["BTCUSDT"]
    weeks = admissible_weeks(TAPES, NOW_MS)
    assert len(weeks) in (6, 7)
    for edge in (weeks[0], weeks[-1]):
        recorded = NOW_MS - edge * WEEK_MS
        assert recorded - tape.first_open_ms >= 14 * DAY_MS
        assert tape.end_ms - recorded >= 28 * DAY_MS
    for outside in (weeks[0] - 1, weeks[-1] + 1):
        recorded = NOW_MS - outside * WEEK_MS
        assert min(recorded - tape.first_open_ms - 14 * DAY_MS, tape.end_ms - recorded - 28 * DAY_MS) < 0


def test_no_other_admissible_week_is_livelier():
    chosen = choose_shift(TAPES, NOW_MS)

    def liveliness(weeks: int) -> tuple[int, int]:
        soon = later = 0
        for tape in TAPES.values():
            for fast, slow in PRESETS:
                found = np.array(entries_after(tape, NOW_MS - weeks * WEEK_MS, fast=fast, slow=slow))
                soon += int(((found >= 45_000) & (found < 170_000)).sum())
                later += int(((found >= 170_000) & (found < 3_770_000)).sum())
        return soon, later

    assert (chosen.soon, chosen.later) == max(liveliness(weeks) for weeks in admissible_weeks(TAPES, NOW_MS))
    assert chosen.soon == len(chosen.first_signals)


@pytest.mark.parametrize(("fast", "slow"), PRESETS)
def test_its_averages_are_the_engines(fast, slow):
    tape = TAPES["ETHUSDT"]
    part = slice(50_000, 50_600)
    columns = [getattr(tape, name)[part] * tape.tick_e8 for name in ("open", "high", "low", "close")]
    opens = tape.first_open_ms + np.arange(50_000, 50_600, dtype=np.int64) * 60_000
    ema_strategy = strategy("ema")
    params = ema_strategy.Params(ema_fast=fast, ema_slow=slow, rsi_oversold=0, rsi_overbought=100)
    theirs = ema_strategy.signals(Candles(opens, *columns, tape.volume[part]), params).long_entry
    closes = tape.close[part] / 100
    ours = crosses_above(ema(closes, fast), ema(closes, slow))
    assert theirs.sum() > 20
    assert np.flatnonzero(theirs)[1:].tolist() == np.flatnonzero(ours)[-(theirs.sum() - 1) :].tolist()


def test_a_short_recording_is_refused():
    tape = TAPES["BTCUSDT"]
    short = Tape(
        "X", tape.first_open_ms, tape.tick_e8, *(np.ones(60 * 24 * 40, dtype=np.int64) for _ in range(5))
    )
    with pytest.raises(RecordingTooShort):
        choose_shift({"X": short}, NOW_MS)
