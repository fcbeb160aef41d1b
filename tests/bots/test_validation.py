"""Bad input: one message on the very field, nothing saved, nothing bent into shape."""

from __future__ import annotations

import json
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from accounts.models import ApiKey
from bots.configuration import create_bot
from bots.models import BotConfig, BotState, BotVersion
from bots.scope import NOT_YET
from bots.validation import FIELDS, ConfigurationRefused, check_configuration
from exchange.models import SymbolInfo

pytestmark = pytest.mark.django_db


def errors_of(user: Any, values: dict[str, Any], **more: Any) -> dict[str, list[str]]:
    with pytest.raises(ConfigurationRefused) as caught:
        check_configuration(user, values, **more)
    return caught.value.errors


BAD = [
    ("name", "ab"), ("name", "x" * 81), ("name", "  a  "), ("name", None), ("name", 7), ("name", ["abc"]),
    ("name", "line\nbreak"), ("name", "null\x00byte"),
    ("api_key", None), ("api_key", ""), ("api_key", "abc"), ("api_key", True), ("api_key", {}), ("api_key", 2**63),
    ("api_key", -1), ("api_key", 1.5),
    ("symbol", ""), ("symbol", "NOPEUSDT"), ("symbol", 5), ("symbol", "BTC\x00USDT"), ("symbol", "X" * 5000),
    ("position_type", "margin"), ("position_type", 1),
    ("direction", "sideways"),
    ("timeframe", "2m"), ("timeframe", ""), ("timeframe", None), ("timeframe", 5),
    ("strategy", "astrology"), ("strategy", ""), ("strategy", []),
    ("strategy_params", "fast"), ("strategy_params", [1]), ("strategy_params", {1: 2}),
    ("strategy_params", {"ema_fast": "x"}), ("strategy_params", {"nope": 1}),
    ("ema_fast", 0), ("ema_fast", 201), ("ema_fast", "x"), ("ema_fast", None), ("ema_fast", 1.5), ("ema_fast", 30),
    ("initial_capital", None), ("initial_capital", ""), ("initial_capital", "0"), ("initial_capital", -1),
    ("initial_capital", "abc"), ("initial_capital", "NaN"), ("initial_capital", "Infinity"),
    ("initial_capital", "1e400"), ("initial_capital", 1e300), ("initial_capital", float("nan")),
    ("initial_capital", "0.000000001"), ("initial_capital", "1_000"), ("initial_capital", "1000000001"),
    ("initial_capital", True), ("initial_capital", "4.99"), ("initial_capital", "9" * 5000),
    ("position_size_perc", "0"), ("position_size_perc", "100.1"), ("position_size_perc", "-5"),
    ("position_size_perc", "0.00001"), ("position_size_perc", "0.4"),
    ("position_size_fixed", "0"), ("position_size_fixed", "1000.01"), ("position_size_fixed", "4.99"),
    ("position_size_fixed", "-1"),
    ("stop_loss_perc", "0.04"), ("stop_loss_perc", "90.1"), ("stop_loss_perc", "-1"), ("stop_loss_perc", "1.00001"),
    ("stop_loss_perc", "85"), ("take_profit_perc", "0"), ("take_profit_perc", 91), ("trailing_stop_perc", "0.01"),
    ("stop_limit_offset_perc", "0.05"), ("stop_limit_offset_perc", 21), ("max_daily_trades", 0),
    ("max_daily_trades", 1.5), ("max_daily_loss_perc", "0"), ("max_daily_loss_perc", 101),
    ("daily_target_perc", -3), ("max_slippage_perc", "0"), ("cooldown_candles", -1), ("cooldown_candles", 10_001),
    ("leverage", "many"), ("cooldown_candles", 1.5), ("auto_transfer_funds", "maybe"), ("stop_loss_perc", "x"),
    ("is_active", True), ("version", 3), ("state", {}), ("id", 1), ("no_such_field", 1), ("base_asset", "DOGE"),
]  # fmt: skip


@pytest.mark.parametrize(("field", "value"), BAD, ids=lambda value: repr(value)[:30])
def test_bad_input_is_refused_on_its_own_field(alice: Any, wanted: Any, field: str, value: Any) -> None:
    errors = errors_of(alice, {**wanted, field: value})
    assert (list(errors), [len(texts) for texts in errors.values()]) == ([field], [1])


ASKED_TOO_EARLY = [
    ("position_type", "futures"), ("direction", "short"), ("direction", "both"), ("leverage", 2), ("leverage", "2"),
    ("auto_transfer_funds", True), ("auto_transfer_funds", "on"),
    ("transfer_amount", "10"),
]  # fmt: skip


@pytest.mark.parametrize(("field", "value"), ASKED_TOO_EARLY)
def test_what_is_not_built_yet_is_refused_by_name(alice: Any, wanted: Any, field: str, value: Any) -> None:
    assert errors_of(alice, {**wanted, field: value})[field] == [str(NOT_YET[field][1])]
    assert {name for name, _value in ASKED_TOO_EARLY} == set(NOT_YET)


def test_empty_and_default_values_of_those_fields_are_accepted(alice: Any, wanted: Any) -> None:
    harmless = {"leverage": "1", "cooldown_candles": "", "stop_loss_perc": "", "max_daily_trades": None,
                "auto_transfer_funds": "false", "direction": "long", "position_type": "spot"}  # fmt: skip
    checked = check_configuration(alice, {**wanted, **harmless})
    assert (checked["leverage"], checked["stop_loss_perc"], checked["auto_transfer_funds"]) == (
        1,
        None,
        False,
    )


def test_exits_limits_and_rests_are_read_as_they_are_written(alice: Any, wanted: Any) -> None:
    careful = {
        "stop_loss_perc": "1.5", "take_profit_perc": 3, "trailing_stop_perc": 0.05, "stop_limit_offset_perc": "0.1",
        "max_daily_trades": "20", "max_daily_loss_perc": "5", "daily_target_perc": 2.5, "cooldown_candles": "3",
        "max_slippage_perc": "0.3",
    }  # fmt: skip
    checked = check_configuration(alice, {**wanted, **careful})
    assert {name: str(checked[name]) for name in careful} == {
        name: str(value) for name, value in careful.items()
    }


def test_everything_wrong_is_named_at_once_and_nothing_is_saved(alice: Any, wanted: Any) -> None:
    bad = {
        **wanted,
        "name": "x",
        "symbol": "NOPE",
        "initial_capital": "-3",
        "leverage": 3,
        "hat": 1,
        "ema_slow": 1,
    }
    with pytest.raises(ConfigurationRefused) as caught:
        create_bot(alice, bad, by=alice)
    assert set(caught.value.errors) == {"name", "symbol", "initial_capital", "leverage", "hat", "ema_slow"}
    assert (BotConfig.objects.count(), BotState.objects.count(), BotVersion.objects.count()) == (0, 0, 0)


def test_a_body_of_nothing_names_what_is_needed(alice: Any, symbols: None) -> None:
    assert set(errors_of(alice, {})) == {"name", "api_key", "symbol", "initial_capital"}


@pytest.mark.parametrize("venue", ["testnet", "live"])
def test_other_venues_are_refused_by_name(alice: Any, wanted: Any, venue: str) -> None:
    ApiKey.objects.update(venue=venue)
    assert list(errors_of(alice, wanted)) == ["api_key"]


def test_an_invalid_key_makes_no_bot_but_an_old_bot_may_still_be_edited(alice: Any, wanted: Any) -> None:
    bot = create_bot(alice, wanted, by=alice)
    ApiKey.objects.update(is_valid=False)
    assert list(errors_of(alice, {**wanted, "name": "Another"})) == ["api_key"]
    bot = BotConfig.objects.select_related("api_key").get(pk=bot.pk)
    assert check_configuration(alice, {"timeframe": "1h"}, bot=bot)["timeframe"] == "1h"


def test_a_symbol_at_rest_takes_no_new_bot(alice: Any, wanted: Any) -> None:
    row = SymbolInfo.objects.get(symbol="BTCUSDT")
    row.info["status"] = row.status = "BREAK"
    row.save()
    assert errors_of(alice, wanted) == {"symbol": ["BTCUSDT is not trading now (BREAK)."]}


def test_with_the_exchange_away_and_no_stored_rules_nothing_is_saved(
    alice: Any, wanted: Any, settings: Any
) -> None:
    from exchange.connect import forget_clients

    SymbolInfo.objects.all().delete()
    settings.SANDBOX_URL = "http://127.0.0.1:9"
    forget_clients()
    errors = errors_of(alice, wanted)
    assert errors == {
        "symbol": ["The exchange does not answer, so this symbol cannot be checked. Try again soon."]
    }
    forget_clients()


def test_the_message_about_a_small_order_has_the_numbers(alice: Any, wanted: Any) -> None:
    small = {**wanted, "initial_capital": "100", "position_size_perc": "2.5"}
    assert errors_of(alice, small) == {
        "position_size_perc": ["A position would be 2.50 USDT; BTCUSDT takes orders from 5.00 USDT."]
    }


def test_numbers_and_text_mean_the_same(alice: Any, wanted: Any) -> None:
    as_json = {
        **wanted,
        "initial_capital": 1000.5,
        "position_size_perc": 12.5,
        "ema_fast": 5,
        "symbol": " btcusdt ",
    }
    as_form = {**wanted, "initial_capital": "1000.5", "position_size_perc": "12.5", "ema_fast": "5",
               "api_key": str(wanted["api_key"])}  # fmt: skip
    assert check_configuration(alice, as_json) == check_configuration(alice, as_form)
    assert check_configuration(alice, as_json)["initial_capital"] == Decimal("1000.5")


def test_flat_names_and_nested_ones_meet_in_strategy_params(alice: Any, wanted: Any) -> None:
    checked = check_configuration(alice, {**wanted, "strategy_params": {"ema_slow": 30}, "ema_fast": 6})
    assert checked["strategy_params"] == {
        "ema_fast": 6, "ema_slow": 30, "ema_period": None, "rsi_period": 7, "rsi_oversold": 35, "rsi_overbought": 65,
    }  # fmt: skip
    nested = errors_of(alice, {**wanted, "strategy_params": {"ema_fast": 0, "hat": 1}})["strategy_params"]
    assert sorted(text.split(":")[0] for text in nested) == ["ema_fast", "hat"]


anything = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=30),
    lambda children: (
        st.lists(children, max_size=3) | st.dictionaries(st.text(max_size=10), children, max_size=3)
    ),
    max_leaves=5,
)


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    values=st.dictionaries(st.sampled_from([*FIELDS, "ema_fast", "rsi_period", "hat"]), anything, max_size=6)
)
def test_no_body_breaks_the_validation(alice: Any, wanted: Any, values: dict[str, Any]) -> None:
    """Whatever arrives is accepted whole, as JSON a version can store, or refused with texts on fields."""
    try:
        checked = check_configuration(alice, {**wanted, **values})
    except ConfigurationRefused as refused:
        errors = refused.errors
    else:
        errors = {"": ["accepted"]}
        json.dumps(checked["strategy_params"], allow_nan=False)
        assert 3 <= len(checked["name"]) <= 80
        assert checked["initial_capital"] > 0
    assert errors
    assert all(texts and all(text.strip() for text in texts) for texts in errors.values())
