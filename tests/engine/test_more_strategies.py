"""macd, bollinger and confluence by hand."""

from typing import Any

import numpy as np
import pytest

from engine.indicators import bollinger, ema, macd, rsi, sma
from engine.market import Candles, candles_of
from engine.strategies import InvalidParams, Signals, params_dict, parse_params, strategy
from engine.strategies.confluence import votes


def signals_of(name: str, candles: Candles, **params: Any) -> Signals:
    return strategy(name).signals(candles, parse_params(name, params))


def closes(*values: int, volumes: tuple[int, ...] = ()) -> Candles:
    sizes = volumes or (1,) * len(values)
    return candles_of(
        (n * 60_000, v * 10**8, v * 10**8, v * 10**8, v * 10**8, size * 10**8)
        for n, (v, size) in enumerate(zip(values, sizes, strict=True))
    )


def at(flags: np.ndarray) -> list[int]:
    return list(map(int, np.flatnonzero(flags)))


def test_defaults() -> None:
    assert params_dict(parse_params("macd", {})) == {"macd_fast": 12, "macd_slow": 26, "macd_signal": 9}
    assert params_dict(parse_params("bollinger", {})) == {"bollinger_period": 20, "bollinger_deviations": "2"}
    assert params_dict(parse_params("confluence", {})) == {
        "votes_needed": 4,
        "ema_fast": 8,
        "ema_slow": 21,
        "rsi_period": 14,
        "rsi_band": 20,
        "macd_fast": 12,
        "macd_slow": 26,
        "bollinger_period": 20,
        "volume_period": 20,
        "volume_ratio": "1.5",
    }


@pytest.mark.parametrize(
    ("name", "given", "errors"),
    [
        ("macd", {"macd_fast": 26}, {"macd_fast": "Must be smaller than the slow average (26)."}),
        (
            "confluence",
            {"ema_fast": 21, "macd_slow": 5},
            {
                "ema_fast": "Must be smaller than the slow EMA (21).",
                "macd_fast": "Must be smaller than the slow average (5).",
            },
        ),
    ],
)
def test_averages_in_the_wrong_order_are_refused(
    name: str, given: dict[str, Any], errors: dict[str, str]
) -> None:
    with pytest.raises(InvalidParams) as refusal:
        parse_params(name, given)
    assert refusal.value.errors == errors


def test_macd_crosses_its_average() -> None:
    """Fast 1 is the close, slow 2 trails it: MACD is (close - average of 2), its average of 2 trails that.

    The slow one of two candles gives the newest two thirds: from candle 2 on it is 10, 12, 12 2/3, 10 2/9 …
    """
    candles = closes(10, 10, 10, 13, 13, 9, 9, 13)
    found = macd(candles.closes, 1, 2, 2)
    np.testing.assert_allclose(found.line[2:], [0, 1, 1 / 3, -11 / 9, -11 / 27, 97 / 81], atol=1e-12)
    np.testing.assert_allclose(found.signal[2:5], [0, 2 / 3, 4 / 9], atol=1e-12)
    signals = signals_of("macd", candles, macd_fast=1, macd_slow=2, macd_signal=2)
    assert at(signals.ready) == [3, 4, 5, 6, 7]
    assert at(signals.long_entry) == at(signals.short_exit) == [3, 6]
    assert at(signals.long_exit) == at(signals.short_entry) == [4]


def test_bollinger_enters_coming_back_from_below_and_leaves_coming_back_from_above() -> None:
    """Bands of 2 candles and half a deviation: mean of both closes, a quarter of their distance to each side.

    20 -> 16: lower 17, close below it; -> 18: lower 16.5, back inside. 18 -> 22: above 21; -> 21: upper 21.75, back.
    """
    candles = closes(20, 16, 18, 22, 21, 21)
    bands = bollinger(candles.closes, 2, 0.5)
    assert bands.lower[1:].tolist() == [17.0, 16.5, 19.0, 21.25, 21.0]
    assert bands.upper[1:].tolist() == [19.0, 17.5, 21.0, 21.75, 21.0]
    signals = signals_of("bollinger", candles, bollinger_period=2, bollinger_deviations="0.5")
    assert at(signals.ready) == [2, 3, 4, 5]
    assert at(signals.long_entry) == at(signals.short_exit) == [2]
    assert at(signals.long_exit) == at(signals.short_entry) == [4]


def test_votes_are_counted_for_each_candle() -> None:
    yes, no = np.array([True, True, False]), np.array([False, True, False])
    assert votes(yes, no, yes).tolist() == [2, 3, 0]


def told(candles: Candles, needed: int, volume_ratio: float) -> tuple[list[int], list[int]]:
    """The same vote by plain loops: candles at which a rise begins, and a fall."""
    close = candles.closes
    fast, slow, quick, calm = (ema(close, length) for length in (8, 21, 12, 26))
    strength, middle = rsi(close, 14), sma(close, 20)
    average = sma(candles.volumes, 20)
    sides: list[tuple[bool, bool]] = []
    for n in range(len(candles)):
        loud = bool(candles.volumes[n] / average[n] >= volume_ratio)
        rise = [fast[n] > slow[n], 50 < strength[n] <= 70, quick[n] > calm[n], close[n] > middle[n], loud]
        fall = [fast[n] < slow[n], 30 <= strength[n] < 50, quick[n] < calm[n], close[n] < middle[n], loud]
        up, down = sum(map(bool, rise)), sum(map(bool, fall))
        sides.append((up >= needed and up > down, down >= needed and down > up))
    known = [n for n in range(1, len(candles)) if calm[n - 1] == calm[n - 1]]
    begun = [[n for n in known if sides[n][side] and not sides[n - 1][side]] for side in (0, 1)]
    return begun[0], begun[1]


@pytest.mark.parametrize("needed", [1, 3, 4, 5])
def test_confluence_asks_its_five_witnesses(candles: Candles, needed: int) -> None:
    part = candles[:1_200]
    rise, fall = told(part, needed, 1.5)
    signals = signals_of("confluence", part, votes_needed=needed)
    assert (at(signals.long_entry), at(signals.long_exit)) == (rise, fall)
    assert (at(signals.short_entry), at(signals.short_exit)) == (fall, rise)
    assert len(rise) > 0


def test_confluence_never_speaks_for_both_sides(candles: Candles) -> None:
    for needed in (1, 2, 3):
        signals = signals_of("confluence", candles, votes_needed=needed, volume_ratio="0.1")
        assert not (signals.long_entry & signals.long_exit).any()
        assert signals.long_entry.any()


def test_much_volume_is_the_vote_that_was_missing() -> None:
    """A steady rise has four witnesses (its RSI band reaches to 100); the fifth is the volume of candle 40."""
    prices, sizes = range(100, 150), (*(1,) * 40, 10, *(1,) * 9)
    candles = closes(*prices, volumes=sizes)
    silent = signals_of("confluence", candles, votes_needed=5, rsi_band=50, volume_ratio="12")
    assert at(silent.long_entry) == []
    loud = signals_of("confluence", candles, votes_needed=5, rsi_band=50)
    assert at(loud.long_entry) == [40]
