"""The port, asked of the real sandbox over HTTP through python-binance."""

from __future__ import annotations

import threading
from pathlib import Path
from typing import Any

import pytest

from engine.market import MINUTE_MS
from engine.orders import Side
from exchange import connect
from exchange.port import (
    Credentials,
    CredentialsRefused,
    Exchange,
    MarketOrder,
    OutcomeUnknown,
    Rejected,
    Stamp,
    Unavailable,
)
from exchange.sandbox.running import SandboxProcess

E8 = 100_000_000


def buy(client_order_id: str, quote: int = 100) -> MarketOrder:
    return MarketOrder("BTCUSDT", Side.BUY, client_order_id, quote_quantity_e8=quote * E8)


def stamp(exchange: Exchange) -> Stamp:
    return Stamp(exchange.signing_time_ms(), 5000)


def test_market_data_is_exact_and_ends_with_the_running_candle(exchange: Exchange) -> None:
    now_ms = exchange.market_time_ms("BTCUSDT")
    candles = exchange.candles("BTCUSDT", "1m", start_ms=None, end_ms=None, limit=1000)
    assert len(candles) == 1000
    assert int(candles.open_ms[-1]) == now_ms
    assert int(candles.open_ms[0]) == now_ms - 999 * MINUTE_MS
    assert int(candles.open[-1]) == exchange.price_e8("BTCUSDT")
    assert [info["symbol"] for info in exchange.symbol_infos()] == ["BTCUSDT", "ETHUSDT"]


def test_account_of_a_fresh_paper_key(exchange: Exchange) -> None:
    permissions = exchange.permissions()
    assert (permissions.can_read, permissions.can_trade_spot) == (True, True)
    assert exchange.balances()["USDT"].free_e8 == 10_000 * E8
    assert exchange.account_id() == exchange.account_id()
    assert exchange.last_trade_id("BTCUSDT") == 0
    assert exchange.fills_after("BTCUSDT", 0) == []


def test_an_order_its_query_and_its_trades_agree(exchange: Exchange) -> None:
    placed = exchange.place_market_order(buy("agree-1"), stamp(exchange))
    queried = exchange.find_order("BTCUSDT", client_order_id="agree-1")
    assert queried is not None
    assert placed.status == "FILLED"
    assert placed.fills is not None
    assert (queried.order_id, queried.executed_e8, queried.executed_quote_e8, queried.fills) == (
        placed.order_id,
        placed.executed_e8,
        placed.executed_quote_e8,
        None,
    )
    assert exchange.find_order("BTCUSDT", order_id=placed.order_id) == queried
    assert tuple(exchange.fills_of_order("BTCUSDT", placed.order_id)) == placed.fills
    assert exchange.last_trade_id("BTCUSDT") == placed.fills[-1].trade_id
    assert exchange.open_orders("BTCUSDT") == []
    sold = exchange.place_market_order(
        MarketOrder("BTCUSDT", Side.SELL, "agree-2", quantity_e8=50_000), stamp(exchange)
    )
    assert sold.executed_e8 == 50_000
    assert [fill.order_id for fill in exchange.fills_after("BTCUSDT", placed.fills[-1].trade_id)] == [
        sold.order_id
    ]


def test_no_such_order_is_none(exchange: Exchange) -> None:
    assert exchange.find_order("BTCUSDT", client_order_id="never-sent") is None


def test_an_order_is_signed_with_its_stored_stamp(exchange: Exchange) -> None:
    late = Stamp(exchange.signing_time_ms() - 8_000, 5_000)
    with pytest.raises(Rejected) as refused:
        exchange.place_market_order(buy("late-1"), late)
    assert refused.value.code == -1021
    assert exchange.find_order("BTCUSDT", client_order_id="late-1") is None
    wide = Stamp(exchange.signing_time_ms() - 8_000, 10_000)
    assert exchange.place_market_order(buy("late-2"), wide).status == "FILLED"


def test_a_wrong_secret_is_credentials_refused(credentials: Credentials) -> None:
    impostor = connect.exchange_for("sandbox", Credentials(credentials.api_key, "0" * 64))
    with pytest.raises(CredentialsRefused) as refused:
        impostor.balances()
    assert refused.value.code == -1022


def test_too_little_money_is_a_definite_no(exchange: Exchange) -> None:
    with pytest.raises(Rejected) as refused:
        exchange.place_market_order(buy("rich-1", quote=50_000), stamp(exchange))
    assert refused.value.code == -2010


def test_an_unknown_symbol_is_a_definite_no(exchange: Exchange) -> None:
    with pytest.raises(Rejected) as refused:
        exchange.price_e8("NOPEUSDT")
    assert refused.value.code == -1121


@pytest.mark.parametrize(
    "order",
    [
        MarketOrder("BTCUSDT", Side.BUY, "bot:1/a", quote_quantity_e8=E8),
        MarketOrder("BTCUSDT", Side.BUY, "x" * 37, quote_quantity_e8=E8),
        MarketOrder("BTCUSDT", Side.BUY, "none"),
        MarketOrder("BTCUSDT", Side.BUY, "both", quantity_e8=1, quote_quantity_e8=1),
        MarketOrder("BTCUSDT", Side.BUY, "zero", quantity_e8=0),
    ],
)
def test_what_cannot_be_signed_or_meant_is_refused_here(exchange: Exchange, order: MarketOrder) -> None:
    with pytest.raises(Rejected):
        exchange.place_market_order(order, stamp(exchange))


def test_executed_then_dropped_is_unknown_and_the_query_finds_it(
    exchange: Exchange, sandbox: SandboxProcess, credentials: Credentials
) -> None:
    exchange.balances()
    fault = {
        "kind": "execute_then_drop",
        "method": "POST",
        "path": "/api/v3/order",
        "api_key": credentials.api_key,
    }
    sandbox.control.set_faults([fault])
    with pytest.raises(OutcomeUnknown):
        exchange.place_market_order(buy("dropped-1"), stamp(exchange))
    found = exchange.find_order("BTCUSDT", client_order_id="dropped-1")
    assert found is not None
    assert found.status == "FILLED"


def test_a_venue_that_is_not_there_was_sent_nothing(settings: Any, credentials: Credentials) -> None:
    from exchange.sandbox.running import free_port

    settings.SANDBOX_URL = f"http://127.0.0.1:{free_port()}"
    away = connect.exchange_for("sandbox", credentials)
    with pytest.raises(Unavailable):
        away.place_market_order(buy("nobody-1"), Stamp(1, 5000))
    with pytest.raises(Unavailable):
        away.signing_time_ms()


def test_connections_survive_a_restart_of_the_exchange(tmp_path: Path, settings: Any) -> None:
    with SandboxProcess(tmp_path, clock="step") as own:
        settings.SANDBOX_URL = own.url
        data = connect.market_data("sandbox")
        before = data.price_e8("BTCUSDT")
        own.kill()
        with pytest.raises(Unavailable):
            data.price_e8("BTCUSDT")
        own.start()
        assert data.price_e8("BTCUSDT") == before


def test_clients_are_kept_per_thread_and_credentials(credentials: Credentials) -> None:
    here = connect.exchange_for("sandbox", credentials)
    same = Credentials(credentials.api_key, credentials.secret_key)
    assert connect.exchange_for("sandbox", same) is here
    other = Credentials(credentials.api_key, "0" * 64)
    assert connect.exchange_for("sandbox", other) is not here
    elsewhere: list[Exchange] = []
    thread = threading.Thread(target=lambda: elsewhere.append(connect.exchange_for("sandbox", credentials)))
    thread.start()
    thread.join()
    assert elsewhere[0] is not here


@pytest.mark.parametrize("venue", ["live", "testnet", "", "SANDBOX"])
def test_other_venues_are_refused_by_name(venue: str) -> None:
    with pytest.raises(connect.VenueNotAvailable, match="paper market only"):
        connect.market_data(venue)
