"""Market streams over real sockets: the numbers of REST, every close once and in order, Binance's manners."""

import json
import time
from contextlib import contextmanager

import pytest
from websockets.exceptions import ConnectionClosed, InvalidStatus
from websockets.sync.client import connect

from exchange.sandbox.running import SandboxProcess
from exchange.sandbox.stream_requests import MarketSession

MINUTE_MS = 60_000
SOON_S = 5


@pytest.fixture(scope="module")
def one_sandbox(tmp_path_factory, noon_ms):
    with SandboxProcess(tmp_path_factory.mktemp("streams"), clock="step", start_ms=noon_ms) as running:
        yield running


@pytest.fixture
def moving(one_sandbox):
    """The sandbox of this module, whose market tests move; it stands when one begins."""
    one_sandbox.control.set_clock(mode="step")
    return one_sandbox


@pytest.fixture
def now_ms(moving):
    """Where its market stands."""
    return moving.control.clock()["market_ms"]


@contextmanager
def listening(sandbox, path):
    with connect(sandbox.url.replace("http", "ws") + path, proxy=None) as socket:
        yield socket


def hear(socket):
    return json.loads(socket.recv(timeout=SOON_S))


def hear_until(socket, is_wanted):
    """Everything up to and including the first message that `is_wanted`."""
    heard = [hear(socket)]
    while not is_wanted(heard[-1]):
        heard.append(hear(socket))
    return heard


def ask(socket, method, params=None, request_id=1):
    """The answer; events that come before it are passed over."""
    request = {"method": method, "id": request_id} | ({} if params is None else {"params": params})
    socket.send(json.dumps(request))
    return hear_until(socket, lambda message: "id" in message)[-1]


def closes(messages, interval="1m"):
    return [m["k"] for m in messages if m["e"] == "kline" and m["k"]["i"] == interval and m["k"]["x"]]


def as_row(candle):
    return [candle[key] for key in ("t", "o", "h", "l", "c", "v", "T", "q", "n", "V", "Q", "B")]


def test_released_candles_close_once_in_order_with_the_numbers_of_rest(moving, new_caller, now_ms):
    with listening(moving, "/ws/btcusdt@kline_1m/btcusdt@kline_5m") as socket:
        running = [hear(socket), hear(socket)]
        assert [(m["k"]["i"], m["k"]["x"], m["E"]) for m in running] == [
            ("1m", False, now_ms),
            ("5m", False, now_ms),
        ]
        moving.control.advance(7)
        end_ms = now_ms + 7 * MINUTE_MS
        heard = hear_until(socket, lambda m: m["k"]["i"] == "5m" and m["E"] == end_ms)
    caller = new_caller(moving)
    rows = caller.send(
        "GET", "/api/v3/klines", query=f"symbol=BTCUSDT&interval=1m&startTime={now_ms}&limit=7"
    ).json()
    assert [as_row(candle) for candle in closes(heard)] == rows
    five = caller.send(
        "GET", "/api/v3/klines", query=f"symbol=BTCUSDT&interval=5m&startTime={now_ms}&limit=1"
    ).json()
    assert [as_row(candle) for candle in closes(heard, "5m")] == five
    assert [m["E"] for m in heard] == sorted(m["E"] for m in heard)
    assert [m["E"] - m["k"]["T"] for m in heard if m["k"]["x"]] == [1] * 8


def test_fast_markets_lose_no_close(moving):
    with listening(moving, "/ws/ethusdt@kline_1m") as socket:
        moving.control.set_clock(mode="fast", speed=60_000)
        candles = []
        while len(candles) < 300:
            candles += closes([hear(socket)])
    opens = [candle["t"] for candle in candles]
    assert opens == list(range(opens[0], opens[0] + len(opens) * MINUTE_MS, MINUTE_MS))


def test_a_close_leaves_at_its_boundary(moving):
    """At 600 times real speed a minute ends every 100 ms of wall time."""
    with listening(moving, "/ws/btcusdt@kline_1m") as socket:
        moving.control.set_clock(mode="fast", speed=600)
        clock = moving.control.clock()
        late_ms = []
        while len(late_ms) < 15:
            close = hear_until(socket, lambda m: m["k"]["x"])[-1]
            boundary_ms = clock["server_ms"] + (close["E"] - clock["market_ms"]) / 600
            late_ms.append(time.time() * 1000 - boundary_ms)
    assert min(late_ms) >= -3
    assert sorted(late_ms)[7] < 20  # the median: a busy machine may hold up a few


def test_at_the_end_of_the_recording_the_last_candle_closes_and_no_other(tmp_path, sandbox):
    end_ms = sandbox.control.clock()["recording_to"]
    with (
        SandboxProcess(tmp_path / "end", clock="step", start_ms=end_ms - 2 * MINUTE_MS) as ending,
        listening(ending, "/ws/btcusdt@kline_1m/btcusdt@kline_1h/btcusdt@miniTicker") as socket,
    ):
        ending.control.advance(120)
        heard = hear_until(socket, lambda m: m["e"] == "24hrMiniTicker" and m["E"] > end_ms)
    assert [candle["T"] + 1 for candle in closes(heard)] == [end_ms - MINUTE_MS, end_ms]
    assert [candle["t"] < end_ms for candle in closes(heard, "1h")] == [True]


def test_a_running_candle_and_tickers_are_told_while_the_market_runs(moving):
    moving.control.set_clock(mode="fast", speed=20)
    with listening(moving, "/ws/btcusdt@kline_1d/btcusdt@miniTicker") as socket:
        started = time.monotonic()
        heard = []
        while sum(m["e"] == "kline" for m in heard) < 3:
            heard.append(hear(socket))
        assert time.monotonic() - started > 3.5
    assert sum(m["e"] == "24hrMiniTicker" for m in heard) >= 3
    volumes = [float(m["k"]["v"]) for m in heard if m["e"] == "kline"]
    assert volumes == sorted(volumes)


def test_tickers_say_what_rest_says(sandbox, caller, noon_ms):
    day = caller.send("GET", "/api/v3/ticker/24hr", query="symbol=BTCUSDT").json()
    book = caller.send("GET", "/api/v3/ticker/bookTicker", query="symbol=BTCUSDT").json()
    with listening(sandbox, "/stream?streams=btcusdt@miniTicker/btcusdt@bookTicker/btcusdt@ticker") as socket:
        heard = {m["stream"]: m["data"] for m in [hear(socket), hear(socket), hear(socket)]}
    assert heard["btcusdt@miniTicker"] == {
        "e": "24hrMiniTicker", "E": noon_ms, "s": "BTCUSDT", "c": day["lastPrice"], "o": day["openPrice"],
        "h": day["highPrice"], "l": day["lowPrice"], "v": day["volume"], "q": day["quoteVolume"],
    }  # fmt: skip
    assert heard["btcusdt@bookTicker"] == {
        "u": noon_ms, "s": "BTCUSDT", "b": book["bidPrice"], "B": book["bidQty"], "a": book["askPrice"],
        "A": book["askQty"],
    }  # fmt: skip
    assert heard["btcusdt@ticker"]["P"] == day["priceChangePercent"]
    assert heard["btcusdt@ticker"]["C"] == day["closeTime"]


@pytest.mark.parametrize("name", ["!miniTicker@arr", "!miniTicker@arr@1000ms"])
def test_all_mini_tickers(sandbox, name):
    with listening(sandbox, f"/ws/{name}") as socket:
        assert [entry["s"] for entry in hear(socket)] == ["BTCUSDT", "ETHUSDT"]


def test_books_are_those_of_rest(sandbox, caller):
    rest = caller.send("GET", "/api/v3/depth", query="symbol=BTCUSDT&limit=5").json()
    with listening(sandbox, "/ws/btcusdt@depth5@100ms") as socket:
        assert hear(socket) == rest


def test_trades_are_those_of_rest(moving, new_caller):
    with listening(moving, "/stream?streams=btcusdt@trade/btcusdt@aggTrade") as socket:
        ask(socket, "LIST_SUBSCRIPTIONS")
        moving.control.advance(1)
        heard = {"trade": [], "aggTrade": []}
        while min(map(len, heard.values())) < 60:
            event = hear(socket)["data"]
            heard[event["e"]].append(event)
    rest = new_caller(moving).send("GET", "/api/v3/trades", query="symbol=BTCUSDT&limit=60").json()
    rows = [
        {"id": e["t"], "price": e["p"], "qty": e["q"], "time": e["T"], "isBuyerMaker": e["m"]}
        for e in heard["trade"]
    ]
    assert rows == [{key: trade[key] for key in rows[0]} for trade in rest]
    assert [(e["a"], e["f"], e["l"], e["p"]) for e in heard["aggTrade"]] == [
        (e["t"], e["t"], e["t"], e["p"]) for e in heard["trade"]
    ]
    assert {e["E"] for e in heard["trade"]} == {heard["trade"][-1]["T"] + 1}


def test_a_book_kept_by_changes_equals_the_book_of_rest(moving, new_caller):
    """As Binance documents it: take the book, drop older events, apply the others in order."""
    caller = new_caller(moving)
    moving.control.set_clock(mode="fast", speed=30)
    with listening(moving, "/ws/ethusdt@depth@100ms") as socket:
        events = [hear(socket)]
        rest = caller.send("GET", "/api/v3/depth", query="symbol=ETHUSDT&limit=1000").json()
        sides = {"b": dict(map(tuple, rest["bids"])), "a": dict(map(tuple, rest["asks"]))}
        while len(events) < 20 or events[-1]["u"] <= rest["lastUpdateId"]:
            events.append(hear(socket))
        moving.control.set_clock(mode="step")
        moving.control.clock()
        socket.send(json.dumps({"method": "LIST_SUBSCRIPTIONS", "id": 1}))
        events += hear_until(socket, lambda message: "id" in message)[:-1]
    assert [event["U"] for event in events[1:]] == [event["u"] + 1 for event in events[:-1]]
    for event in events:
        if event["u"] > rest["lastUpdateId"]:
            for side in ("b", "a"):
                sides[side].update(map(tuple, event[side]))
    best = [
        choose((price for price, quantity in sides[side].items() if float(quantity)), key=float)
        for side, choose in (("b", max), ("a", min))
    ]
    now = caller.send("GET", "/api/v3/ticker/bookTicker", query="symbol=ETHUSDT").json()
    assert best == [now["bidPrice"], now["askPrice"]]


def test_subscriptions_change_on_a_living_connection(sandbox):
    with listening(sandbox, "/ws") as socket:
        assert ask(socket, "LIST_SUBSCRIPTIONS") == {"result": [], "id": 1}
        names = ["btcusdt@kline_1m", "ethusdt@miniTicker"]
        assert ask(socket, "SUBSCRIBE", names, "first") == {"result": None, "id": "first"}
        assert {hear(socket)["s"], hear(socket)["s"]} == {"BTCUSDT", "ETHUSDT"}
        assert ask(socket, "UNSUBSCRIBE", names[:1], 2) == {"result": None, "id": 2}
        assert ask(socket, "LIST_SUBSCRIPTIONS", None, 3) == {"result": names[1:], "id": 3}


def test_events_come_wrapped_where_combined(sandbox):
    with listening(sandbox, "/stream") as socket:
        assert ask(socket, "GET_PROPERTY", ["combined"]) == {"result": True, "id": 1}
        ask(socket, "SUBSCRIBE", ["btcusdt@kline_3m"], 2)
        message = hear(socket)
        assert (list(message), message["stream"]) == (["stream", "data"], "btcusdt@kline_3m")
        assert ask(socket, "SET_PROPERTY", ["combined", False], 3) == {"result": None, "id": 3}
        assert hear(socket)["e"] == "kline"


@pytest.mark.parametrize(
    ("text", "code", "said"),
    [
        ("{nonsense", 3, "Invalid JSON: expected value at line 1 column 2"),
        ('{"id": 1}', 2, "Invalid request: missing field `method`"),
        ('{"method": "SUBSCRIBE", "id": -1}', 2, "Invalid request: request ID must be an unsigned integer"),
        ('{"method": "SUBSCRIBE", "params": ["x@trade"], "id": 1}', 2, "Invalid request: unknown stream `x@trade`"),
        ('{"method": "SUBSCRIBE", "id": 1}', 2, "Invalid request: params must be a list of stream names"),
        ('{"method": "SET_PROPERTY", "params": ["combined"], "id": 1}', 2, "Invalid request: not enough parameters"),
        ('{"method": "GET_PROPERTY", "params": ["combined", 1], "id": 1}', 2, "Invalid request: too many parameters"),
        ('{"method": "GET_PROPERTY", "params": [7], "id": 1}', 2, "Invalid request: property name must be a string"),
        ('{"method": "GET_PROPERTY", "params": ["colour"], "id": 1}', 0, "Unknown property"),
        ('{"method": "SET_PROPERTY", "params": ["combined", 1], "id": 1}', 1, "Invalid value type: expected Boolean"),
        (
            '{"method": "LISTEN", "id": 1}', 2,
            "Invalid request: unknown variant `LISTEN`, expected one of `SUBSCRIBE`, `UNSUBSCRIBE`, "
            "`LIST_SUBSCRIPTIONS`, `SET_PROPERTY`, `GET_PROPERTY`",
        ),
    ],
)  # fmt: skip
def test_what_is_not_understood_is_said(sandbox, text, code, said):
    with listening(sandbox, "/ws") as socket:
        socket.send(text)
        assert hear(socket)["error"] == {"code": code, "msg": said}


def test_an_address_with_an_unknown_name_still_serves_the_others(sandbox):
    with listening(sandbox, "/ws/btcusdt@nothing/btcusdt@kline_1m") as socket:
        said = {"code": 2, "msg": "Invalid request: unknown stream `btcusdt@nothing`"}
        assert hear(socket) == {"error": said, "id": None}
        assert hear(socket)["e"] == "kline"


def test_at_most_1024_streams_and_each_counts_once():
    """Without a network: no venue has that many names."""

    class Everything:
        def __contains__(self, symbol):
            return True

    class Nobody:
        said: list[str] = []

        def say(self, text):
            self.said.append(text)

    class Nowhere:
        def subscribe(self, peer, stream):
            pass

    session = MarketSession(Nobody(), Nowhere(), Everything())
    names = [f"s{number}@kline_1m" for number in range(1024)]
    session.hear(json.dumps({"method": "SUBSCRIBE", "params": names + names, "id": 1}), 0.0)
    session.hear(json.dumps({"method": "SUBSCRIBE", "params": ["one@trade"], "id": 2}), 1.0)
    first, second = map(json.loads, Nobody.said)
    assert first == {"result": None, "id": 1}
    assert second == {"error": {"code": 2, "msg": "Invalid request: more than 1024 streams"}, "id": 2}


def test_too_many_requests_end_the_connection(sandbox):
    with listening(sandbox, "/ws") as socket:
        for number in range(6):
            socket.send(json.dumps({"method": "LIST_SUBSCRIPTIONS", "id": number}))
        answers = [hear(socket)["id"] for _ in range(5)]
        with pytest.raises(ConnectionClosed) as ended:
            hear(socket)
    assert answers == [0, 1, 2, 3, 4]
    assert (ended.value.rcvd.code, ended.value.rcvd.reason) == (1008, "Too many requests")


@pytest.mark.parametrize("path", ["/market/ws/btcusdt@kline_1m", "/ws/btcusdt@trade?timeUnit=MICROSECOND"])
def test_what_is_not_served_is_refused(sandbox, path):
    with pytest.raises(InvalidStatus, match="HTTP 403"), listening(sandbox, path):
        pass


def test_http_goes_on_beside_streams(sandbox, caller):
    with listening(sandbox, "/ws/!miniTicker@arr") as socket:
        hear(socket)
        assert caller.send("GET", "/api/v3/ping").json() == {}
        assert caller.order(side="BUY", quoteOrderQty="20").json()["status"] == "FILLED"
