"""python-binance's own helpers, synchronous and asynchronous, each once around: they must not notice where they are."""

import asyncio

import pytest
from binance.exceptions import BinanceAPIException

from tests.contract.clients import async_client, sync_client
from tests.contract.venues import QUIET_MINUTE_MS, Trader

SYMBOL = "BTCUSDT"
OCO = {
    "symbol": SYMBOL, "side": "SELL", "quantity": "0.002", "aboveType": "LIMIT_MAKER", "belowType": "STOP_LOSS_LIMIT",
    "belowTimeInForce": "GTC",
}  # fmt: skip


@pytest.fixture(scope="module")
def client(venue):
    loop = asyncio.new_event_loop()  # The library asks for one even where it never uses it.
    asyncio.set_event_loop(loop)
    client = sync_client(venue)
    yield client
    client.close_connection()
    asyncio.set_event_loop(None)
    loop.close()


@pytest.fixture(scope="module")
def prices(venue):
    trader = Trader(venue)
    return {factor: trader.price(factor) for factor in ("0.89", "0.9", "1", "1.1", "1.2")}


def oco_prices(prices):
    return {"abovePrice": prices["1.1"], "belowStopPrice": prices["0.9"], "belowPrice": prices["0.89"]}


def test_the_market(client):
    assert client.ping() == {}
    assert client.get_server_time()["serverTime"] > 0
    assert SYMBOL in [entry["symbol"] for entry in client.get_exchange_info()["symbols"]]
    assert client.get_symbol_info(SYMBOL)["baseAsset"] == "BTC"
    assert client.get_symbol_ticker(symbol=SYMBOL)["symbol"] == SYMBOL
    assert SYMBOL in [row["symbol"] for row in client.get_all_tickers()]
    assert client.get_ticker(symbol=SYMBOL)["symbol"] == SYMBOL
    assert client.get_orderbook_ticker(symbol=SYMBOL)["symbol"] == SYMBOL
    assert SYMBOL in [row["symbol"] for row in client.get_orderbook_tickers()]
    assert len(client.get_order_book(symbol=SYMBOL, limit=20)["bids"]) == 20
    assert len(client.get_recent_trades(symbol=SYMBOL, limit=5)) == 5
    assert len(client.get_historical_trades(symbol=SYMBOL, limit=5)) == 5
    assert len(client.get_aggregate_trades(symbol=SYMBOL, limit=5)) == 5
    assert client.get_avg_price(symbol=SYMBOL)["mins"] == 5


def test_candles(client):
    assert len(client.get_klines(symbol=SYMBOL, interval="1m", limit=3)) == 3
    start = QUIET_MINUTE_MS - 1_500 * 60_000
    history = client.get_historical_klines(SYMBOL, "1m", start, QUIET_MINUTE_MS)  # two pages
    assert [row[0] for row in history] == list(range(start, QUIET_MINUTE_MS + 1, 60_000))


def test_the_account(client):
    assert client.get_account()["canTrade"] is True
    assert client.get_asset_balance(asset="USDT")["asset"] == "USDT"
    assert client.get_account_api_permissions()["enableWithdrawals"] is False
    assert [row["symbol"] for row in client.get_trade_fee(symbol=SYMBOL)] == [SYMBOL]
    assert client.v3_get_account_commission(symbol=SYMBOL)["symbol"] == SYMBOL
    assert {row["rateLimitType"] for row in client.get_current_order_count()} == {"ORDERS"}


def test_orders_from_first_to_last(client, prices):
    bought = client.order_market_buy(symbol=SYMBOL, quoteOrderQty="1000")
    assert bought["status"] == "FILLED"
    assert client.create_test_order(symbol=SYMBOL, side="BUY", type="MARKET", quoteOrderQty="50") == {}
    resting = client.order_limit_sell(symbol=SYMBOL, quantity="0.002", price=prices["1.1"])
    assert resting["status"] == "NEW"
    assert client.get_order(symbol=SYMBOL, orderId=resting["orderId"])["status"] == "NEW"
    assert [order["orderId"] for order in client.get_open_orders(symbol=SYMBOL)] == [resting["orderId"]]
    replaced = client.cancel_replace_order(
        symbol=SYMBOL, side="SELL", type="LIMIT", timeInForce="GTC", quantity="0.002", price=prices["1.2"],
        cancelReplaceMode="STOP_ON_FAILURE", cancelOrderId=resting["orderId"],
    )  # fmt: skip
    newer = replaced["newOrderResponse"]["orderId"]
    assert client.cancel_order(symbol=SYMBOL, orderId=newer)["status"] == "CANCELED"
    client.order_limit_sell(symbol=SYMBOL, quantity="0.002", price=prices["1.1"])
    assert [order["status"] for order in client.cancel_all_open_orders(symbol=SYMBOL)] == ["CANCELED"]
    statuses = [order["status"] for order in client.get_all_orders(symbol=SYMBOL)]
    assert statuses == ["FILLED", "CANCELED", "CANCELED", "CANCELED"]
    assert [trade["orderId"] for trade in client.get_my_trades(symbol=SYMBOL)] == [bought["orderId"]]
    client.order_market_sell(symbol=SYMBOL, quantity="0.002")


def test_lists(client, prices):
    client.order_market_buy(symbol=SYMBOL, quoteOrderQty="500")
    placed = client.create_oco_order(**OCO, **oco_prices(prices))
    list_id = placed["orderListId"]
    assert client.v3_get_order_list(orderListId=list_id)["listOrderStatus"] == "EXECUTING"
    assert [entry["orderListId"] for entry in client.get_open_oco_orders()] == [list_id]
    assert list_id in [entry["orderListId"] for entry in client.v3_get_all_order_list()]
    cancelled = client.v3_delete_order_list(symbol=SYMBOL, orderListId=list_id)
    assert [report["status"] for report in cancelled["orderReports"]] == ["CANCELED", "CANCELED"]


def test_a_refusal_is_the_librarys_exception(client):
    with pytest.raises(BinanceAPIException) as refused:
        client.order_market_buy(symbol=SYMBOL, quoteOrderQty="3")
    assert (refused.value.code, refused.value.status_code) == (-1013, 400)
    assert refused.value.message == "Filter failure: NOTIONAL"


def test_floats_are_refused_as_binance_refuses_them(client):
    """The library turns 0.00001 into 1e-05."""
    with pytest.raises(BinanceAPIException, match="Illegal characters found in parameter 'quantity'"):
        client.order_market_sell(symbol=SYMBOL, quantity=0.00001)


def test_a_client_id_with_reserved_characters_never_verifies(client):
    """The library signs the value before it encodes it; Binance has refused that since January 2026."""
    with pytest.raises(BinanceAPIException) as refused:
        client.order_market_buy(symbol=SYMBOL, quoteOrderQty="50", newClientOrderId="bot:1/a")
    assert refused.value.code == -1022


def test_the_asynchronous_client(venue, prices):
    async def trade():
        client = await async_client(venue)
        try:
            bought = await client.order_market_buy(symbol=SYMBOL, quoteOrderQty="1000")
            placed = await client.create_oco_order(**OCO, **oco_prices(prices))
            legs = [leg["orderId"] for leg in placed["orders"]]
            await client.cancel_order(symbol=SYMBOL, orderId=legs[0])
            orders = await client.get_all_orders(symbol=SYMBOL)
            klines = await client.get_historical_klines(
                SYMBOL, "5m", QUIET_MINUTE_MS - 3_000_000, QUIET_MINUTE_MS
            )
            account = await client.get_account()
            return bought, orders, klines, account
        finally:
            await client.close_connection()

    bought, orders, klines, account = asyncio.run(trade())
    assert bought["status"] == "FILLED"
    assert [order["status"] for order in orders] == ["FILLED", "CANCELED", "CANCELED"]
    assert len(klines) == 11
    assert {row["locked"] for row in account["balances"]} == {"0.00000000"}
