"""What cannot be served is refused before it is queued, naming the field; what can becomes a row."""

from __future__ import annotations

import datetime
from decimal import Decimal
from typing import Any

import pytest

from bots.validation import ConfigurationRefused
from trading.models import Backtest
from trading.research.backtests import request_backtest

pytestmark = pytest.mark.django_db


def refused(user: Any, values: dict[str, Any]) -> dict[str, list[str]]:
    with pytest.raises(ConfigurationRefused) as caught:
        request_backtest(user, values)
    assert Backtest.objects.count() == 0
    return caught.value.errors


def at(text: str) -> datetime.datetime:
    return datetime.datetime.fromisoformat(text)


def test_what_is_asked_becomes_a_row(alice: Any, minutes: Any, asked: Any) -> None:
    row = request_backtest(alice, asked(stop_loss_perc="1.50", taker_fee_perc="0.075"))
    row.refresh_from_db()
    assert (row.user, row.bot_config, row.name, row.source, row.market) == (
        alice, None, "EMA crossing BTCUSDT 1m", "binance", "spot",
    )  # fmt: skip
    assert (row.symbol, row.base_asset, row.quote_asset, row.timeframe) == ("BTCUSDT", "BTC", "USDT", "1m")
    assert (row.start_at, row.end_at) == (at("2025-06-17T00:00Z"), at("2025-06-19T00:00Z"))
    assert (row.strategy, row.strategy_params) == (
        "ema",
        {"ema_fast": 2, "ema_slow": 5, "ema_period": None, "rsi_period": 7, "rsi_oversold": 1, "rsi_overbought": 99},
    )  # fmt: skip
    assert row.settings == {
        "initial_capital": "2000",
        "position_size_perc": None,
        "position_size_fixed": None,
        "stop_loss_perc": "1.5",
        "take_profit_perc": None,
        "trailing_stop_perc": None,
        "stop_limit_offset_perc": None,
        "max_daily_trades": None,
        "max_daily_loss_perc": None,
        "daily_target_perc": None,
        "cooldown_candles": 0,
        "max_slippage_perc": None,
        "direction": "long",
        "leverage": 1,
        "taker_fee_perc": "0.075",
        "maker_fee_perc": "0.1",
        "slippage_perc": "0",
    }
    assert (row.status, row.step, row.progress, row.attempts) == ("queued", "waiting", 0, 0)


@pytest.mark.parametrize(
    ("changes", "fields"),
    [
        ({"symbol": None}, {"symbol"}),
        ({"symbol": "NOPEUSDT"}, {"symbol"}),
        ({"symbol": "ETHUSDT"}, {"symbol"}),  # known, but no candles of it are stored
        ({"start_time": None}, {"start_time"}),
        ({"start_time": "yesterday"}, {"start_time"}),
        ({"start_time": "2025-06-31"}, {"start_time"}),
        ({"start_time": True}, {"start_time"}),
        ({"start_time": "0001-01-01"}, {"start_time"}),
        ({"start_time": "2025-06-19", "end_time": "2025-06-17T00:00Z"}, {"end_time"}),
        ({"start_time": "2025-06-17T10:00Z", "end_time": "2025-06-17T10:00Z"}, {"end_time"}),
        ({"start_time": "2025-06-17T10:00:10Z", "end_time": "2025-06-17T10:01:50Z"}, {"end_time"}),
        ({"start_time": "2010-01-01"}, {"end_time"}),  # longer than anybody needs
        ({"start_time": "2150-01-01", "end_time": "2150-02-01"}, {"start_time"}),
        ({"end_time": "2035-01-01"}, {"end_time"}),
        ({"start_time": "2025-06-01"}, {"start_time"}),
        ({"end_time": "2025-07-01"}, {"end_time"}),
        ({"timeframe": "7m"}, {"timeframe"}),
        ({"strategy": "oracle"}, {"strategy"}),
        ({"strategy_params": {"ema_fast": 0}}, {"strategy_params"}),
        ({"strategy_params": {"ema_fast": 21, "ema_slow": 8}}, {"strategy_params"}),
        ({"strategy_params": {"nonsense": 1}}, {"strategy_params"}),
        ({"strategy_params": None, "ema_fast": 5000}, {"ema_fast"}),
        ({"initial_capital": None}, {"initial_capital"}),
        ({"initial_capital": "1"}, {"initial_capital"}),
        ({"initial_capital": "1e3x"}, {"initial_capital"}),
        ({"position_size_perc": "101"}, {"position_size_perc"}),
        ({"position_size_perc": "10", "position_size_fixed": "10"}, {"position_size_fixed"}),
        ({"stop_loss_perc": "0.01"}, {"stop_loss_perc"}),
        ({"take_profit_perc": "91"}, {"take_profit_perc"}),
        ({"trailing_stop_perc": "-1"}, {"trailing_stop_perc"}),
        ({"cooldown_candles": 10_001}, {"cooldown_candles"}),
        ({"max_slippage_perc": "11"}, {"max_slippage_perc"}),
        ({"taker_fee_perc": "5.1"}, {"taker_fee_perc"}),
        ({"maker_fee_perc": "-0.1"}, {"maker_fee_perc"}),
        ({"slippage_perc": "0.00001"}, {"slippage_perc"}),
        ({"source": "kraken"}, {"source"}),
        ({"position_type": "margin"}, {"position_type"}),
        ({"market": "futures"}, {"stop_loss_perc"}),
        ({"market": "futures", "stop_loss_perc": "1"}, {"symbol"}),  # no candles of it are stored
        ({"direction": "short"}, {"direction"}),
        ({"direction": "both", "leverage": 2}, {"direction", "leverage"}),
        ({"name": "x" * 81}, {"name"}),
        ({"bot_config": 999_999}, {"bot_config"}),
        ({"api_key": 1}, {"api_key"}),
        ({"bogus": 1}, {"bogus"}),
        ({"is_active": True}, {"is_active"}),
        ({"start_time": "never", "stop_loss_perc": "x", "strategy": "y"}, {"start_time", "stop_loss_perc", "strategy"}),
    ],
)  # fmt: skip
def test_what_cannot_be_served_names_its_field(
    alice: Any, minutes: Any, asked: Any, changes: Any, fields: Any
) -> None:
    errors = refused(alice, asked(**changes))
    assert set(errors) == fields
    assert all(len(messages) == 1 and messages[0] for messages in errors.values())


def test_the_reach_of_the_candles_is_told(alice: Any, minutes: Any, asked: Any) -> None:
    assert refused(alice, asked(end_time="2025-07-01")) == {
        "end_time": ["Candles of BTCUSDT (binance) reach from 2025-06-16 18:40 to 2025-06-20 06:00 UTC."]
    }


def test_minutes_that_nobody_can_fetch_are_named(alice: Any, minutes: Any, asked: Any) -> None:
    from exchange.candles.blocks import add
    from exchange.candles.store import Series
    from tests.engine.conftest import recorded

    eth = recorded("ETHUSDT")
    of = Series("binance", "spot", "ETHUSDT", "1m")
    add(of, eth[:1000])
    add(of, eth[2000:])
    errors = refused(alice, asked(symbol="ETHUSDT"))
    assert list(errors) == ["start_time"]
    assert errors["start_time"][0].startswith(
        "1000 minutes of this period are not stored, the first from 2025-06-17 11:20 to 2025-06-18 04:00 UTC."
    )


def test_days_instants_and_milliseconds_are_read(alice: Any, minutes: Any, asked: Any) -> None:
    for start, end in (
        ("2025-06-17", "2025-06-17"),
        ("2025-06-17T00:00", "2025-06-18T00:00:00Z"),
        ("2025-06-17T02:00+02:00", 1_750_204_800_000),
        (datetime.date(2025, 6, 17), "1750204800000"),
        ("2025-06-16T23:59:30Z", "2025-06-18T00:00:59Z"),
    ):
        row = request_backtest(alice, asked(start_time=start, end_time=end))
        assert (row.start_at, row.end_at) == (at("2025-06-17T00:00Z"), at("2025-06-18T00:00Z"))
        row.delete()
    row = request_backtest(
        alice, asked(start_time=None, end_time=None, **{"from": "2025-06-17", "to": "2025-06-17"})
    )
    assert (row.start_at, row.end_at) == (at("2025-06-17T00:00Z"), at("2025-06-18T00:00Z"))


def test_a_candle_counts_where_it_lies_inside_whole(alice: Any, minutes: Any, asked: Any) -> None:
    values = asked(timeframe="1h", start_time="2025-06-17T10:01Z", end_time="2025-06-17T13:59Z")
    row = request_backtest(alice, values)
    assert (row.start_at, row.end_at) == (at("2025-06-17T11:00Z"), at("2025-06-17T13:00Z"))


def test_a_bot_says_what_the_request_does_not(alice: Any, minutes: Any, make_bot: Any) -> None:
    bot = make_bot(
        name="Runner",
        timeframe="5m",
        strategy_params={"ema_fast": 3, "ema_slow": 9},
        initial_capital=Decimal(1500),
        position_size_perc=Decimal(25),
        stop_loss_perc=Decimal("2.5"),
    )
    period = {"start_time": "2025-06-17", "end_time": "2025-06-18", "source": "binance"}
    row = request_backtest(alice, {"bot_config": bot.pk, **period})
    assert (row.bot_config, row.timeframe, row.strategy_params["ema_slow"]) == (bot, "5m", 9)
    assert (row.settings["initial_capital"], row.settings["stop_loss_perc"]) == ("1500", "2.5")
    assert (row.settings["position_size_perc"], row.settings["position_size_fixed"]) == ("25", None)

    other = {
        "bot_config": bot.pk,
        **period,
        "position_size_fixed": "100",
        "strategy": "rsi",
        "stop_loss_perc": None,
    }
    row = request_backtest(alice, other)
    assert (row.settings["position_size_perc"], row.settings["position_size_fixed"]) == (None, "100")
    assert (row.strategy, set(row.strategy_params)) == (
        "rsi",
        {"rsi_period", "rsi_oversold", "rsi_overbought"},
    )
    assert row.settings["stop_loss_perc"] is None


def test_somebody_elses_bot_is_a_missing_one(charlie: Any, minutes: Any, make_bot: Any, asked: Any) -> None:
    theirs, nobodys = make_bot().pk, 999_999
    assert refused(charlie, asked(bot_config=theirs)) == refused(charlie, asked(bot_config=nobodys))


HOSTILE = (
    {}, [], {"a": [1]}, True, -1, 1.5, 10**30, 10**400, "1e999", "NaN", "\x00", "x" * 5000, "٣", " ", float("inf"),
)  # fmt: skip


@pytest.mark.parametrize(
    "field", [
        "name", "bot_config", "source", "position_type", "symbol", "timeframe", "start_time", "end_time", "strategy",
        "strategy_params", "initial_capital", "position_size_perc", "stop_loss_perc", "max_daily_trades",
        "cooldown_candles", "taker_fee_perc", "slippage_perc", "ema_fast", "direction", "leverage",
    ],
)  # fmt: skip
def test_nonsense_is_an_answer_never_an_error(alice: Any, minutes: Any, asked: Any, field: str) -> None:
    """Whatever stands in a field is either refused in words or read as what it says."""
    answers = {repr(value)[:20]: answer_to(alice, asked(**{field: value})) for value in HOSTILE}
    assert [value for value, answer in answers.items() if not answer] == []


def answer_to(user: Any, values: dict[str, Any]) -> Any:
    try:
        return request_backtest(user, values).delete()
    except ConfigurationRefused as refused:
        return refused.errors
