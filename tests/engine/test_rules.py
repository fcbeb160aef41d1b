from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.amounts import E8
from engine.rules import (
    BELOW_MIN_NOTIONAL,
    NO_FAULT,
    UNLIMITED,
    RuleViolation,
    SymbolRules,
    ceil_to_tick,
    check_market_order,
    floor_to_step,
    floor_to_tick,
    market_fault,
    notional_e8,
    rules_from_symbol_info,
    steps_for,
)

numbers = st.integers(0, 9)


def one_of(rules: list[SymbolRules], number: int) -> SymbolRules:
    return rules[number % len(rules)]


def test_a_real_entry_is_read_whole(btc_rules: SymbolRules) -> None:
    assert btc_rules == SymbolRules(
        symbol="BTCUSDT",
        status="TRADING",
        base_asset="BTC",
        quote_asset="USDT",
        base_precision=8,
        quote_precision=8,
        tick_e8=1_000_000,
        step_e8=1_000,
        min_price=1,
        max_price=100_000_000,
        min_quantity=1,
        max_quantity=900_000_000,
        market_min_quantity=0,
        market_max_quantity=12_984_957,  # 129.84957276 BTC
        min_notional_e8=500_000_000,
        max_notional_e8=900_000_000_000_000,
        apply_min_to_market=True,
        apply_max_to_market=False,
        order_types=("LIMIT", "LIMIT_MAKER", "MARKET", "STOP_LOSS_LIMIT", "TAKE_PROFIT_LIMIT"),
        quote_order_allowed=True,
        max_algo_orders=5,
        sell_price_down_e8=E8 // 5,
        sell_price_up_e8=5 * E8,
    )


def test_limits_of_a_market_order_are_the_tighter_of_both_filters(btc_rules: SymbolRules) -> None:
    limits = btc_rules.market_limits
    assert (limits.min_quantity, limits.max_quantity) == (1, 12_984_957)
    assert (limits.min_notional_e8, limits.max_notional_e8) == (500_000_000, UNLIMITED)
    assert (limits.cell_over, limits.cell_under) == (10, 1)  # 0.01 USDT x 0.00001 BTC = 10 e8


def test_symbols_of_every_scale_are_read(testnet_rules: dict[str, SymbolRules]) -> None:
    scales = {name: (rules.tick_e8, rules.step_e8) for name, rules in testnet_rules.items()}
    assert scales == {
        "ETHBTC": (1_000, 10_000),
        "BTCUSDT": (1_000_000, 1_000),
        "ETHUSDT": (1_000_000, 10_000),
        "BNBUSDT": (10_000_000, 100_000),
        "SHIBUSDT": (1, E8),
        "PEPEUSDT": (1, E8),
    }
    assert testnet_rules["PEPEUSDT"].max_quantity == 92_233_720_368  # 9.2e18 e8: just inside 64 bits


def test_old_filter_names_and_switched_off_bounds() -> None:
    info: dict[str, Any] = {
        "symbol": "AB", "status": "TRADING", "baseAsset": "A", "quoteAsset": "B", "baseAssetPrecision": 8,
        "quotePrecision": 2, "orderTypes": ["LIMIT"],
        "filters": [
            {"filterType": "PRICE_FILTER", "minPrice": "0", "maxPrice": "0", "tickSize": "0"},
            {"filterType": "LOT_SIZE", "minQty": "0.1", "maxQty": "0", "stepSize": "0.1"},
            {"filterType": "MARKET_LOT_SIZE", "minQty": "0.4", "maxQty": "9", "stepSize": "0.2"},
            {"filterType": "MIN_NOTIONAL", "minNotional": "10", "applyToMarket": False},
        ],
    }  # fmt: skip
    rules = rules_from_symbol_info(info)
    assert (rules.tick_e8, rules.max_price, rules.max_quantity) == (1, UNLIMITED, UNLIMITED)
    assert rules.step_e8 == 20_000_000
    assert (rules.min_notional_e8, rules.apply_min_to_market) == (10 * E8, False)
    assert not rules.quote_order_allowed
    limits = rules.market_limits
    assert (limits.min_quantity, limits.max_quantity) == (2, 45)
    assert limits.min_notional_e8 == 0
    assert limits.quote_unit_e8 == 1_000_000


@given(numbers, st.integers(0, 10**17))
def test_rounding_goes_down_or_up_by_less_than_a_unit(
    every_rules: list[SymbolRules], number: int, value: int
) -> None:
    rules = one_of(every_rules, number)
    assert 0 <= value - floor_to_step(value, rules) < rules.step_e8
    assert floor_to_step(value, rules) == rules.quantity_e8(rules.steps(value))
    assert 0 <= value - floor_to_tick(value, rules) < rules.tick_e8
    assert 0 <= ceil_to_tick(value, rules) - value < rules.tick_e8
    assert rules.price_e8(rules.ticks(floor_to_tick(value, rules))) == floor_to_tick(value, rules)


@given(numbers, st.integers(1, 10**9), st.integers(1, 10**9))
def test_notional_is_the_exact_floor(
    every_rules: list[SymbolRules], number: int, ticks: int, steps: int
) -> None:
    rules = one_of(every_rules, number)
    exact = rules.price_e8(ticks) * rules.quantity_e8(steps) // E8
    assert notional_e8(ticks, steps, rules.market_limits) == exact


@given(numbers, st.integers(1, 10**9), st.integers(0, 10**15))
def test_a_quote_amount_buys_as_much_as_it_pays_for(
    every_rules: list[SymbolRules], number: int, ticks: int, quote: int
) -> None:
    rules = one_of(every_rules, number)
    steps = steps_for(quote, ticks, rules.market_limits)
    price = rules.price_e8(ticks)
    assert rules.quantity_e8(steps) * price <= quote * E8 < rules.quantity_e8(steps + 1) * price


@given(numbers, st.integers(1, 10**9), st.integers(0, 10**12))
def test_the_check_that_raises_is_the_check_of_the_step(
    every_rules: list[SymbolRules], number: int, ticks: int, steps: int
) -> None:
    rules = one_of(every_rules, number)
    fault = market_fault(ticks, steps, rules.market_limits)
    quantity, price = rules.quantity_e8(steps), rules.price_e8(ticks)
    if fault == NO_FAULT:
        check_market_order(rules, quantity_e8=quantity, price_e8=price)
    else:
        with pytest.raises(RuleViolation):
            check_market_order(rules, quantity_e8=quantity, price_e8=price)


@pytest.mark.parametrize(
    ("quantity_e8", "filter_name", "message"),
    [
        (0, "LOT_SIZE", "0 BTC is below the minimum quantity 0.00001 BTC"),
        (1_500, "LOT_SIZE", "quantity 0.000015 is no multiple of 0.00001 BTC"),
        (13_000_000_000, "MARKET_LOT_SIZE", "130 BTC is above the maximum quantity 129.84957 BTC"),
        (900_001_000_000, "LOT_SIZE", "9000.01 BTC is above the maximum quantity 129.84957 BTC"),
        (7_000, "NOTIONAL", "0.00007 BTC is worth 4.2 USDT, below the minimum of 5 USDT"),
    ],
)
def test_refusals_name_the_filter_and_the_numbers(
    btc_rules: SymbolRules, quantity_e8: int, filter_name: str, message: str
) -> None:
    with pytest.raises(RuleViolation) as refusal:
        check_market_order(btc_rules, quantity_e8=quantity_e8, price_e8=60_000 * E8)
    assert (refusal.value.filter_name, refusal.value.message) == (filter_name, message)


def test_the_maximum_notional_counts_where_it_applies_to_market_orders(btc_rules: SymbolRules) -> None:
    rules = replace(btc_rules, apply_max_to_market=True, max_notional_e8=100 * E8)
    with pytest.raises(RuleViolation, match="above the maximum of 100 USDT"):
        check_market_order(rules, quantity_e8=E8, price_e8=101 * E8)


@pytest.mark.parametrize(
    ("change", "filter_name"), [({"status": "BREAK"}, "STATUS"), ({"order_types": ("LIMIT",)}, "ORDER_TYPE")]
)
def test_what_does_not_trade_takes_no_order(
    btc_rules: SymbolRules, change: dict[str, Any], filter_name: str
) -> None:
    with pytest.raises(RuleViolation) as refusal:
        check_market_order(replace(btc_rules, **change), quantity_e8=E8, price_e8=60_000 * E8)
    assert refusal.value.filter_name == filter_name


def test_a_minimum_that_spares_market_orders_is_not_asked_of_them(btc_rules: SymbolRules) -> None:
    spared = replace(btc_rules, apply_min_to_market=False)
    assert market_fault(6_000_000, 7, btc_rules.market_limits) == BELOW_MIN_NOTIONAL
    assert market_fault(6_000_000, 7, spared.market_limits) == NO_FAULT


def test_a_price_between_two_ticks_is_refused(btc_rules: SymbolRules) -> None:
    with pytest.raises(RuleViolation, match=r"60000\.005 is no multiple of 0\.01"):
        btc_rules.ticks(60_000 * E8 + 500_000)
