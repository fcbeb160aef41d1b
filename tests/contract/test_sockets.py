"""python-binance's socket manager on the venue's streams, and its user socket through the WebSocket API."""

import asyncio

import pytest

from tests.contract.clients import async_client, socket_manager

SYMBOL = "BTCUSDT"
WAIT_S = 10


def with_sockets(venue, use):
    """Runs `use(client, manager)` with python-binance's own clients."""

    async def run():
        client = await async_client(venue)
        hasty(client.ws_api, 2)
        try:
            return await use(client, socket_manager(venue, client))
        finally:
            await client.close_connection()

    return asyncio.run(run())


def hasty(socket, seconds=0.5):
    """The library waits for one more message before it closes, ten seconds by default."""
    socket.TIMEOUT = seconds
    return socket


async def first_of(socket):
    async with hasty(socket) as opened:
        return await asyncio.wait_for(opened.recv(), WAIT_S)


SINGLE = [
    ("kline", lambda m: m.kline_socket(SYMBOL, interval="5m"), {"e": "kline", "s": SYMBOL}),
    ("mini ticker", lambda m: m.symbol_miniticker_socket(SYMBOL), {"e": "24hrMiniTicker", "s": SYMBOL}),
    ("ticker", lambda m: m.symbol_ticker_socket(SYMBOL), {"e": "24hrTicker", "s": SYMBOL}),
    ("book ticker", lambda m: m.symbol_book_ticker_socket(SYMBOL), {"s": SYMBOL}),
]


@pytest.mark.parametrize(("name", "socket", "said"), SINGLE, ids=[row[0] for row in SINGLE])
def test_streams_of_one_symbol(venue, name, socket, said):
    heard = with_sockets(venue, lambda client, manager: first_of(socket(manager)))
    assert {key: heard[key] for key in said} == said


def test_all_mini_tickers(venue):
    heard = with_sockets(venue, lambda client, manager: first_of(manager.miniticker_socket()))
    assert SYMBOL in [entry["s"] for entry in heard]


@pytest.mark.parametrize("levels", ["5", "10", "20"])
def test_partial_books(venue, levels):
    heard = with_sockets(
        venue, lambda client, manager: first_of(manager.depth_socket(SYMBOL, depth=levels, interval=100))
    )
    assert (len(heard["bids"]), len(heard["asks"])) == (int(levels), int(levels))


def test_many_streams_on_one_connection(venue):
    names = ["btcusdt@kline_1m", "ethusdt@kline_1m", "btcusdt@miniTicker", "ethusdt@bookTicker"]

    async def listen(client, manager):
        heard = set()
        async with manager.multiplex_socket(names) as socket:
            while len(heard) < len(names):
                heard.add((await asyncio.wait_for(socket.recv(), WAIT_S))["stream"])
        return heard

    assert with_sockets(venue, listen) == set(names)


def test_events_follow_the_market(own_venue):
    async def listen(client, manager):
        names = ["btcusdt@trade", "btcusdt@aggTrade", "btcusdt@depth"]
        async with hasty(manager.multiplex_socket(names)) as socket:
            await asyncio.to_thread(own_venue.pass_minutes, 1)
            heard = {}
            while len(heard) < 3:
                event = (await asyncio.wait_for(socket.recv(), WAIT_S))["data"]
                heard.setdefault(event["e"], event)
            return heard

    heard = with_sockets(own_venue, listen)
    assert heard.keys() == {"trade", "aggTrade", "depthUpdate"}


def test_a_candle_closes_once_and_in_order(own_venue):
    async def listen(client, manager):
        async with manager.kline_socket(SYMBOL) as socket:
            await asyncio.wait_for(socket.recv(), WAIT_S)
            await asyncio.to_thread(own_venue.pass_minutes, 5)
            closed = []
            while len(closed) < 5:
                candle = (await asyncio.wait_for(socket.recv(), WAIT_S))["k"]
                closed += [candle["t"]] if candle["x"] else []
            return closed, await client.get_klines(symbol=SYMBOL, interval="1m", limit=6)

    closed, rows = with_sockets(own_venue, listen)
    assert closed == [row[0] for row in rows[:-1]]


def test_the_user_socket(venue):
    async def listen(client, manager):
        async with manager.user_socket() as socket:
            await client.order_market_buy(symbol=SYMBOL, quoteOrderQty="100", newClientOrderId="exam-1")
            return [await asyncio.wait_for(socket.recv(), WAIT_S) for _ in range(3)]

    new, trade, position = with_sockets(venue, listen)
    assert [(event["x"], event["X"], event["c"]) for event in (new, trade)] == [
        ("NEW", "NEW", "exam-1"),
        ("TRADE", "FILLED", "exam-1"),
    ]
    assert position["e"] == "outboundAccountPosition"
    assert [entry["a"] for entry in position["B"]] == ["BTC", "USDT"]
