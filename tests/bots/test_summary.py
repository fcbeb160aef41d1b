"""Presets and the plain-language summary, held against the recording and the strategy."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import numpy as np
import pytest

from bots.presets import PRESETS, UnknownPreset, preset, preset_of
from bots.summary import DEFAULT_ON_MINUTES, summarize
from bots.wording import money
from engine.market import Candles, resample
from engine.strategies import all_strategies, params_dict, parse_params, strategy
from exchange.sandbox.positioning import PRESETS as LOOKED_FOR
from exchange.sandbox.tape import MINUTE_MS, load_tapes

VALUES: dict[str, Any] = {
    "symbol": "BTCUSDT", "timeframe": "1m", "strategy": "ema", "strategy_params": DEFAULT_ON_MINUTES,
    "quote_asset": "USDT", "initial_capital": Decimal(2000), "position_size_perc": None, "position_size_fixed": None,
    "stop_loss_perc": None, "take_profit_perc": None, "trailing_stop_perc": None,
}  # fmt: skip
NO_STOP = "It has no stop: only the strategy's own signal ends a losing position."


@pytest.fixture(scope="module")
def recorded() -> dict[str, Candles]:
    candles = {}
    for symbol, tape in load_tapes().items():
        opens = tape.first_open_ms + MINUTE_MS * np.arange(len(tape), dtype=np.int64)
        prices = [column * tape.tick_e8 for column in (tape.open, tape.high, tape.low, tape.close)]
        candles[symbol] = Candles(opens, *prices, tape.volume)
    return candles


@pytest.mark.parametrize("chosen", PRESETS, ids=lambda chosen: chosen.name)
def test_a_preset_is_as_busy_on_the_recording_as_it_says(recorded: Any, chosen: Any) -> None:
    params = parse_params("ema", chosen.values["strategy_params"])
    assert params_dict(params) == chosen.values["strategy_params"]
    rates = []
    for minutes in recorded.values():
        candles = (
            minutes if chosen.values["timeframe"] == "1m" else resample(minutes, chosen.values["timeframe"])
        )
        signals = strategy("ema").signals(candles, params)
        rates.append(entries(signals.long_entry, signals.long_exit) / (len(minutes) / 1440))
    assert sum(rates) / len(rates) == pytest.approx(chosen.entries_per_day, rel=0.1)


def entries(long_entry: Any, long_exit: Any) -> int:
    """How often a bot that enters when flat and leaves on the exit signal would enter."""
    count, is_in = 0, False
    for enter, leave in zip(long_entry.tolist(), long_exit.tolist(), strict=True):
        is_in = is_in and not leave
        if enter and not is_in:
            count, is_in = count + 1, True
    return count


def test_the_sandbox_begins_where_presets_trade_soon() -> None:
    """The pairs of averages it looks for are those of the presets on one-minute candles."""
    minutes = [found.values for found in PRESETS if found.values["timeframe"] == "1m"]
    pairs = [
        (values["strategy_params"]["ema_fast"], values["strategy_params"]["ema_slow"]) for values in minutes
    ]
    assert sorted(pairs) == sorted(LOOKED_FOR)


def test_a_preset_is_found_by_name_and_by_what_it_does() -> None:
    steady = preset("steady")
    assert preset_of("5m", "ema", steady.values["strategy_params"]) is steady
    assert preset_of("15m", "ema", {**steady.values["strategy_params"], "ema_fast": 9}) is None
    with pytest.raises(UnknownPreset):
        preset("no such preset")


def test_the_summary_says_what_the_bot_will_do() -> None:
    summary = summarize({**VALUES, "position_size_perc": Decimal(25)})
    assert summary.sentences == (
        "At the close of every candle (1 minute) it looks at BTCUSDT.",
        "It buys when the average of 8 candles crosses above that of 21 while RSI (7) is below 65.",
        "It sells when it crosses back below while RSI is above 35.",
        "Each entry stakes 25 % of its capital, at first 500.00 USDT.",
        "Such a bot enters about 17 times a day.",
    )
    assert summary.warnings == (NO_STOP, "Fees alone cost about 3 % of what it stakes every day.")


def test_the_summary_of_a_fixed_stake_with_a_trend_filter_claims_no_frequency() -> None:
    params = {**DEFAULT_ON_MINUTES, "ema_period": 200}
    summary = summarize({**VALUES, "strategy_params": params, "position_size_fixed": Decimal("1234.5")})
    assert summary.sentences[2] == "It buys only above the average of 200 candles."
    assert summary.sentences[4] == "Each entry stakes 1,234.50 USDT of its 2,000.00 USDT."
    assert (len(summary.sentences), summary.warnings) == (5, (NO_STOP,))


def test_the_summary_says_when_it_lets_go_and_what_that_is_in_money() -> None:
    exits = {name: Decimal(value) for name, value in
             (("stop_loss_perc", "2"), ("take_profit_perc", "4"), ("trailing_stop_perc", "3"))}  # fmt: skip
    summary = summarize({**VALUES, "timeframe": "3m", "position_size_perc": Decimal(50), **exits})
    assert summary.sentences[4:] == (
        "If the price falls 2 % below the entry it sells: a loss of about 22.00 USDT with fees.",
        "If it rises 4 % above the entry it sells: a gain of about 38.00 USDT after fees.",
        "A stop follows the highest price 3 % below it, and never goes down again.",
        "These orders lie on the exchange: they hold while TradeBot is switched off.",
    )
    assert summary.warnings == ()
    closer = summarize({**VALUES, "timeframe": "3m", **exits, "trailing_stop_perc": Decimal(2)})
    assert closer.warnings == (
        "The trailing stop is always closer than the stop loss, so that the stop loss never acts.",
    )


def test_the_summary_says_when_it_rests() -> None:
    limits = {
        "max_daily_trades": 1, "max_daily_loss_perc": Decimal(5), "daily_target_perc": Decimal("2.5"),
        "cooldown_candles": 3, "max_slippage_perc": Decimal("0.2"),
    }  # fmt: skip
    summary = summarize({**VALUES, "timeframe": "3m", **limits})
    assert summary.sentences[4:] == (
        "After 1 entry in a day it rests until midnight UTC.",
        "After losing 5 % (100.00 USDT) in a day it rests until midnight UTC.",
        "After gaining 2.5 % (50.00 USDT) in a day it rests until midnight UTC.",
        "After an exit it waits 3 candles before it may buy again.",
        "It drops an entry that would cost 0.2 % more than the price of its signal.",
    )


def test_every_strategy_is_described() -> None:
    for entry in all_strategies():
        params = params_dict(parse_params(entry.name, {}))
        summary = summarize({**VALUES, "strategy": entry.name, "strategy_params": params})
        assert summary.sentences[1].startswith("It buys when")


def test_a_target_that_fees_eat_is_warned_of() -> None:
    rare = {**VALUES, "timeframe": "3m", "stop_loss_perc": Decimal(1)}
    narrow = summarize({**rare, "take_profit_perc": Decimal("0.59")})
    wide = summarize({**rare, "take_profit_perc": Decimal("0.6")})
    assert narrow.warnings == ("The target is less than three times the fees of a round trip (0.2 %).",)
    assert wide.warnings == ()


@pytest.mark.parametrize(
    ("amount", "text"),
    [("0", "0.00 USDT"), ("5000", "5,000.00 USDT"), ("1234567.5", "1,234,567.50 USDT"),
     ("0.00000001", "0.00000001 USDT"),
     ("-0.5", "-0.50 USDT"), ("-1234", "-1,234.00 USDT"), ("1E+3", "1,000.00 USDT"), ("7.100000", "7.10 USDT")],
)  # fmt: skip
def test_money_as_people_read_it(amount: str, text: str) -> None:
    assert money(Decimal(amount), "USDT") == text
