"""Rules and brackets of perpetuals: Binance's own entries, as they were served, without asking anybody."""

from __future__ import annotations

import hashlib
import json

import pytest

from engine.amounts import E8
from engine.rules import UNLIMITED
from exchange.futures import contracts
from exchange.sandbox.tape import FUTURES_RECORDINGS, load_exchange_info, recorded_entries
from exchange.symbols import UnknownSymbol


def test_a_contract_is_read_whole() -> None:
    rules = contracts.rules_of_contract("BTCUSDT")
    assert (rules.base_asset, rules.quote_asset, rules.status) == ("BTC", "USDT", "TRADING")
    assert (rules.tick_e8, rules.step_e8) == (E8 // 10, E8 // 10_000)
    assert (rules.market_limits.min_quantity, rules.market_limits.max_quantity) == (1, 1_200_000)
    assert rules.market_limits.min_notional_e8 == 100 * E8
    assert "STOP_MARKET" in rules.order_types
    # Stops and targets of futures are market orders: how far a limit may lie says nothing about them.
    assert (rules.sell_price_down_e8, rules.sell_price_up_e8) == (0, UNLIMITED)
    assert contracts.rules_of_contract("ETHUSDT").market_limits.min_notional_e8 == 20 * E8


def test_brackets_follow_one_another_and_add_up() -> None:
    """BINANCE.md: cum_n = cum_(n-1) + floor_n x (mmr_n - mmr_(n-1))."""
    for symbol in contracts.contract_symbols():
        brackets = contracts.brackets_of(symbol)
        assert (brackets[0].floor_e8, brackets[0].cum_e8) == (0, 0)
        for before, after in zip(brackets, brackets[1:], strict=False):
            assert before.cap_e8 == after.floor_e8
            assert before.max_leverage > after.max_leverage
            step = after.floor_e8 * (after.mmr_e6 - before.mmr_e6)
            assert abs((after.cum_e8 - before.cum_e8) * 10**6 - step) <= E8 * 10**6 // 100


def test_numbers_of_a_bracket_are_exact() -> None:
    first, second, third = contracts.brackets_of("BTCUSDT")[:3]
    assert first == (0, 50_000 * E8, 4_000, 0, 125)
    assert second == (50_000 * E8, 600_000 * E8, 5_000, 50 * E8, 100)
    assert third == (600_000 * E8, 3_000_000 * E8, 6_500, 950 * E8, 75)
    assert contracts.most_leverage("BTCUSDT") == 125


def test_what_is_not_known_is_said() -> None:
    for ask in (contracts.rules_of_contract, contracts.brackets_of, contracts.most_leverage):
        with pytest.raises(UnknownSymbol):
            ask("NOSUCHUSDT")


def test_both_carry_their_dates() -> None:
    assert contracts.recorded_in(contracts.RULES_FILE) == "2026-03-31"
    assert contracts.recorded_in(contracts.BRACKETS_FILE) == "2024-10"
    assert contracts.rules_version() == 20260331


def test_files_are_those_of_the_list() -> None:
    facts = json.loads((FUTURES_RECORDINGS / "facts.json").read_text())
    for entry in facts:
        found = hashlib.sha256((FUTURES_RECORDINGS / entry["file"]).read_bytes()).hexdigest()
        assert found == entry["file_sha256"]
    named = {entry["file"] for entry in [*facts, *recorded_entries(FUTURES_RECORDINGS)]}
    there = {path.name for path in FUTURES_RECORDINGS.iterdir()}
    assert there == named | {"facts.json", "manifest.json"}


def test_symbols_with_candles_have_rules_and_the_paper_market_lists_none_of_this() -> None:
    with_candles = {entry["symbol"] for entry in recorded_entries(FUTURES_RECORDINGS)}
    assert with_candles <= set(contracts.contract_symbols())
    assert [entry["symbol"] for entry in load_exchange_info()["symbols"]] == ["BTCUSDT", "ETHUSDT"]
    assert all("contractType" not in entry for entry in load_exchange_info()["symbols"])
