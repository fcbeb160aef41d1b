import json
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from engine.market import Candles, candles_of
from engine.strategies import (
    InvalidParams,
    Signals,
    UnknownStrategy,
    all_strategies,
    params_dict,
    params_fields,
    parse_params,
    strategy,
)

FLAGS = ("long_entry", "long_exit", "short_entry", "short_exit", "ready")
# Every strategy with its defaults, and what else of it is worth checking against looking ahead.
PARAM_SETS: list[tuple[str, dict[str, Any]]] = [
    *((entry.name, {}) for entry in all_strategies()),
    ("ema", {"ema_fast": 2, "ema_slow": 5}),
    ("ema", {"ema_period": 50}),
    ("ema", {"rsi_period": 14, "rsi_oversold": 40, "rsi_overbought": 60}),
    ("rsi", {"rsi_period": 2, "rsi_oversold": 10, "rsi_overbought": 90}),
    ("rsi", {"rsi_period": 7, "rsi_oversold": 49, "rsi_overbought": 50}),
    ("macd", {"macd_fast": 3, "macd_slow": 10, "macd_signal": 16}),
    ("macd", {"macd_fast": 1, "macd_slow": 2, "macd_signal": 2}),
    ("bollinger", {"bollinger_period": 5, "bollinger_deviations": "0.75"}),
    ("confluence", {"votes_needed": 2, "volume_ratio": "1.25", "rsi_band": 10}),
]


def signals_of(candles: Candles, given_params: dict[str, Any], name: str = "ema") -> Signals:
    return strategy(name).signals(candles, parse_params(name, given_params))


def closes(*values: int) -> Candles:
    return candles_of(
        (n * 60_000, v * 10**8, v * 10**8, v * 10**8, v * 10**8, 1) for n, v in enumerate(values)
    )


def test_the_registry_knows_its_strategies_and_nothing_unknown() -> None:
    assert [entry.name for entry in all_strategies()] == ["ema", "rsi", "macd", "bollinger", "confluence"]
    with pytest.raises(UnknownStrategy, match="martingale"):
        strategy("martingale")


def test_defaults_and_their_description() -> None:
    assert params_dict(parse_params("ema", {})) == {
        "ema_fast": 8,
        "ema_slow": 21,
        "ema_period": None,
        "rsi_period": 7,
        "rsi_oversold": 35,
        "rsi_overbought": 65,
    }
    described = {field.name: (field.default, field.minimum, field.maximum) for field in params_fields("ema")}
    assert described == {
        "ema_fast": (8, 1, 200),
        "ema_slow": (21, 2, 400),
        "ema_period": (None, 2, 400),
        "rsi_period": (7, 2, 100),
        "rsi_oversold": (35, 0, 100),
        "rsi_overbought": (65, 0, 100),
    }
    assert [field.name for field in params_fields("ema") if field.is_optional] == ["ema_period"]
    assert all(field.label and field.help.endswith(".") for field in params_fields("ema"))


@pytest.mark.parametrize(("name", "given_params"), PARAM_SETS)
def test_params_survive_json(name: str, given_params: dict[str, Any]) -> None:
    params = parse_params(name, given_params)
    assert parse_params(name, json.loads(json.dumps(params_dict(params)))) == params


def test_forms_and_json_spell_whole_numbers_differently() -> None:
    params = parse_params("ema", {"ema_fast": " 5 ", "ema_slow": 10.0, "ema_period": ""})
    assert (params.ema_fast, params.ema_slow, params.ema_period) == (5, 10, None)


@pytest.mark.parametrize(
    ("given_params", "errors"),
    [
        ({"ema_fast": 0}, {"ema_fast": "Must be between 1 and 200."}),
        ({"ema_fast": 21}, {"ema_fast": "Must be smaller than the slow EMA (21)."}),
        ({"rsi_oversold": 65}, {"rsi_oversold": "Must be smaller than the overbought level (65)."}),
        ({"rsi_period": "many"}, {"rsi_period": "Must be a whole number."}),
        ({"rsi_period": True}, {"rsi_period": "Must be a whole number."}),
        ({"rsi_period": 7.5}, {"rsi_period": "Must be a whole number."}),
        ({"rsi_period": [7]}, {"rsi_period": "Must be a whole number."}),
        ({"rsi_period": float("nan")}, {"rsi_period": "Must be a whole number."}),
        ({"rsi_period": None}, {"rsi_period": "This parameter may not be empty."}),
        (
            {"ema_slow": 9_999, "leverage": 3},
            {"ema_slow": "Must be between 2 and 400.", "leverage": "This parameter is unknown."},
        ),
    ],
)
def test_every_bad_field_is_named(given_params: dict[str, Any], errors: dict[str, str]) -> None:
    with pytest.raises(InvalidParams) as refusal:
        parse_params("ema", given_params)
    assert refusal.value.errors == errors


@pytest.mark.parametrize(("name", "given_params"), PARAM_SETS)
@settings(max_examples=25, deadline=None)
@given(end=st.integers(0, 1_500))
def test_nothing_looks_ahead(candles: Candles, name: str, given_params: dict[str, Any], end: int) -> None:
    whole = signals_of(candles[:1_500], given_params, name)
    prefix = signals_of(candles[:end], given_params, name)
    for flag in FLAGS:
        assert getattr(prefix, flag).tolist() == getattr(whole, flag)[:end].tolist()


@pytest.mark.parametrize(("name", "given_params"), PARAM_SETS)
def test_a_window_says_what_the_whole_history_says(
    candles: Candles, name: str, given_params: dict[str, Any]
) -> None:
    """Asked at every crossing and at the quiet candle before it: enough to catch a window too short."""
    needed = strategy(name).window(parse_params(name, given_params))
    whole = signals_of(candles, given_params, name)
    crossings = np.flatnonzero(whole.long_entry | whole.long_exit)
    asked = [n for at in crossings if at > needed for n in (int(at) - 1, int(at))]
    assert len(asked) >= 20
    for at in asked:
        window = signals_of(candles[at + 1 - needed : at + 1], given_params, name)
        for flag in FLAGS:
            assert getattr(window, flag)[-1] == getattr(whole, flag)[at], (flag, at)


def test_no_signal_before_warm_up(candles: Candles) -> None:
    signals = signals_of(candles, {"ema_period": 100})
    assert not signals.ready[:100].any()
    assert signals.ready[100:].all()
    for flag in FLAGS[:4]:
        assert not getattr(signals, flag)[:100].any()
        assert getattr(signals, flag)[100:].any()


@pytest.mark.parametrize("count", [0, 1, 2, 20])
def test_few_candles_give_no_signals(candles: Candles, count: int) -> None:
    signals = signals_of(candles[:count], {})
    assert len(signals) == count
    assert not signals.ready.any()


# EMA 1 is the close, EMA 2 trails it: the crossing is where the close turns around.
TURNING = {"ema_fast": 1, "ema_slow": 2, "rsi_period": 2, "rsi_oversold": 0, "rsi_overbought": 100}


def test_crossings_by_hand() -> None:
    candles = closes(20, 18, 16, 14, 16, 18, 20, 16, 13)
    signals = signals_of(candles, TURNING)
    assert np.flatnonzero(signals.long_entry).tolist() == [4]
    assert np.flatnonzero(signals.long_exit).tolist() == [7]
    assert np.flatnonzero(signals.short_entry).tolist() == [7]
    assert np.flatnonzero(signals.short_exit).tolist() == [4]


def test_rsi_holds_back_what_has_run_too_far() -> None:
    candles = closes(20, 18, 16, 14, 16, 18, 20, 16, 13)
    # RSI(2) is 50 at candle 4 (gain 1, loss 1) and 29.17 at candle 7 (gain 0.875, loss 2.125).
    signals = signals_of(candles, {**TURNING, "rsi_oversold": 30, "rsi_overbought": 51})
    assert np.flatnonzero(signals.long_entry).tolist() == [4]
    assert np.flatnonzero(signals.long_exit).tolist() == []
    held = signals_of(candles, {**TURNING, "rsi_oversold": 29, "rsi_overbought": 50})
    assert np.flatnonzero(held.long_entry).tolist() == []
    assert np.flatnonzero(held.long_exit).tolist() == [7]


def test_the_trend_filter_keeps_entries_on_its_side_and_exits_free() -> None:
    candles = closes(40, 36, 32, 28, 24, 27, 24, 20, 30, 45, 38, 46, 30)
    free, filtered = signals_of(candles, TURNING), signals_of(candles, {**TURNING, "ema_period": 4})
    assert np.flatnonzero(free.long_entry).tolist() == [5, 8, 11]
    assert np.flatnonzero(filtered.long_entry).tolist() == [8, 11]
    assert (
        np.flatnonzero(free.long_exit).tolist() == np.flatnonzero(filtered.long_exit).tolist() == [6, 10, 12]
    )
    assert np.flatnonzero(filtered.short_entry).tolist() == [6, 12]
