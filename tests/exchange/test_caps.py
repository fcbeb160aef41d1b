"""Caps of live money, tried with the sandbox behind them: the live venue itself is not available."""

from __future__ import annotations

import pytest
from requests.adapters import HTTPAdapter

from engine.orders import OrderType, Side
from exchange.binance.client import BinanceExchange
from exchange.binance.clock import ServerClock
from exchange.caps import CapExceeded, CappedExchange, Caps, caps_from_settings
from exchange.connect import client_class
from exchange.port import Credentials, MarketOrder, RestingOrder, Stamp
from exchange.sandbox.running import SandboxProcess

E8 = 100_000_000


@pytest.fixture
def capped(sandbox: SandboxProcess, credentials: Credentials) -> CappedExchange:
    caps = Caps(order_e8=500 * E8, account_e8=800 * E8)
    return CappedExchange(sandbox.url, HTTPAdapter(), ServerClock(), credentials=credentials, caps=caps)


def stamp(exchange: CappedExchange) -> Stamp:
    return Stamp(exchange.signing_time_ms(), 5_000)


def buy(exchange: CappedExchange, name: str, quote: int) -> str:
    order = MarketOrder("BTCUSDT", Side.BUY, name, quote_quantity_e8=quote * E8)
    return exchange.place_market_order(order, stamp(exchange)).status


def test_an_order_above_the_cap_is_refused_here(capped: CappedExchange) -> None:
    assert buy(capped, "cap-1", 500) == "FILLED"
    with pytest.raises(CapExceeded, match="500 USDT .MAX_ORDER_NOTIONAL") as refused:
        buy(capped, "cap-2", 501)
    assert refused.value.code == 0
    assert capped.find_order("BTCUSDT", client_order_id="cap-2") is None


def test_a_quantity_is_worth_what_the_market_says(capped: CappedExchange) -> None:
    quantity_e8 = 501 * E8 * E8 // capped.price_e8("BTCUSDT")
    with pytest.raises(CapExceeded):
        capped.place_market_order(
            MarketOrder("BTCUSDT", Side.BUY, "cap-3", quantity_e8=quantity_e8), stamp(capped)
        )


def test_an_account_stays_within_its_exposure(capped: CappedExchange) -> None:
    buy(capped, "cap-4", 400)
    buy(capped, "cap-5", 390)
    with pytest.raises(CapExceeded, match="800 USDT .MAX_ACCOUNT_EXPOSURE"):
        buy(capped, "cap-6", 100)


def test_a_waiting_purchase_counts_at_its_price(capped: CappedExchange) -> None:
    waiting = RestingOrder("BTCUSDT", Side.BUY, OrderType.LIMIT, "cap-7", E8 // 100, 60_000 * E8)
    with pytest.raises(CapExceeded, match="order of 600 USDT"):
        capped.place_resting_order(waiting, stamp(capped))


def test_what_sells_is_never_capped(capped: CappedExchange) -> None:
    buy(capped, "cap-8", 400)
    buy(capped, "cap-9", 390)
    held_e8 = capped.balances()["BTC"].free_e8
    sale = MarketOrder("BTCUSDT", Side.SELL, "cap-10", quantity_e8=held_e8 // 1000 * 1000)
    tight = CappedExchange.__new__(CappedExchange)
    tight.__dict__.update(capped.__dict__, _caps=Caps(order_e8=1, account_e8=1))
    assert tight.place_market_order(sale, stamp(capped)).status == "FILLED"


def test_caps_come_from_the_settings() -> None:
    assert caps_from_settings() == Caps(order_e8=500 * E8, account_e8=5_000 * E8)


def test_the_venue_decides_who_is_capped() -> None:
    assert client_class("live") is CappedExchange
    assert client_class("sandbox") is BinanceExchange
