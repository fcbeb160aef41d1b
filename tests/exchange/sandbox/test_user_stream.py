"""Listening to an account through the WebSocket API: what is told, to whom, in which order, and what is refused."""

import hashlib
import hmac
import json
import time
from contextlib import contextmanager

import pytest
from websockets.sync.client import connect

SOON_S = 5


class Line:
    """A connection to /ws-api/v3; answers and events apart, each in order."""

    def __init__(self, socket, caller):
        self._socket = socket
        self._caller = caller
        self._events = []
        self._answers = []

    def _hear(self):
        message = json.loads(self._socket.recv(timeout=SOON_S))
        (self._answers if "status" in message else self._events).append(message)

    def ask(self, method, request_id=1, **params):
        self.send(json.dumps({"id": request_id, "method": method, "params": params}))
        return self.answer()

    def send(self, text):
        self._socket.send(text)

    def answer(self):
        while not self._answers:
            self._hear()
        return self._answers.pop(0)

    def event(self):
        while not self._events:
            self._hear()
        return self._events.pop(0)

    def events(self, count):
        return [self.event()["event"] for _ in range(count)]

    def signed(self, **changed):
        params = {"apiKey": self._caller.api_key, "timestamp": int(time.time() * 1000)} | changed
        payload = "&".join(f"{name}={params[name]}" for name in sorted(params))
        signature = hmac.new(self._caller.secret.encode(), payload.encode(), hashlib.sha256).hexdigest()
        return params | {"signature": signature}

    def subscribe(self):
        answer = self.ask("userDataStream.subscribe.signature", **self.signed())
        assert answer["status"] == 200
        return answer["result"]["subscriptionId"]


@contextmanager
def line_to(sandbox, caller):
    with connect(sandbox.url.replace("http", "ws") + "/ws-api/v3", proxy=None) as socket:
        yield Line(socket, caller)


@pytest.fixture
def line(sandbox, caller):
    with line_to(sandbox, caller) as opened:
        yield opened


def brief(events):
    """Type and what distinguishes it."""
    return [
        (event["e"], event.get("x"), event.get("X")) if event["e"] == "executionReport" else (event["e"],)
        for event in events
    ]


def test_a_market_order_is_told_as_new_trade_and_balances(line, caller, noon_ms):
    line.subscribe()
    order = caller.order(side="BUY", quoteOrderQty="1000", newClientOrderId="entry-1").json()
    new, trade, position = line.events(3)
    assert brief([new, trade, position]) == [
        ("executionReport", "NEW", "NEW"),
        ("executionReport", "TRADE", "FILLED"),
        ("outboundAccountPosition",),
    ]
    fill = order["fills"][0]
    assert trade == new | {
        "x": "TRADE", "X": "FILLED", "w": False, "l": fill["qty"], "z": order["executedQty"], "L": fill["price"],
        "n": fill["commission"], "N": "BTC", "t": fill["tradeId"], "Z": order["cummulativeQuoteQty"],
        "Y": order["cummulativeQuoteQty"],
    }  # fmt: skip
    assert {key: new[key] for key in "EscSofqpPFgCxXrilzLnNTtwmMOZYQWV"} == {
        "E": noon_ms, "s": "BTCUSDT", "c": "entry-1", "S": "BUY", "o": "MARKET", "f": "GTC", "q": order["origQty"],
        "p": "0.00000000", "P": "0.00000000", "F": "0.00000000", "g": -1, "C": "", "x": "NEW", "X": "NEW",
        "r": "NONE", "i": order["orderId"], "l": "0.00000000", "z": "0.00000000", "L": "0.00000000", "n": "0",
        "N": None, "T": noon_ms, "t": -1, "w": True, "m": False, "M": False, "O": noon_ms, "Z": "0.00000000",
        "Y": "0.00000000", "Q": "1000.00000000", "W": noon_ms, "V": order["selfTradePreventionMode"],
    }  # fmt: skip
    free = {entry["a"]: (entry["f"], entry["l"]) for entry in position["B"]}
    assert free == {"BTC": (caller.free("BTC"), "0.00000000"), "USDT": (caller.free("USDT"), "0.00000000")}


def test_a_cancel_swaps_the_ids(line, caller):
    caller.order(side="BUY", quoteOrderQty="1000")
    line.subscribe()
    caller.order(
        type="LIMIT", side="SELL", timeInForce="GTC", quantity="0.005", price="200000", newClientOrderId="o1"
    )
    caller.signed(
        "DELETE", "/api/v3/order", symbol="BTCUSDT", origClientOrderId="o1", newClientOrderId="cancel-1"
    )
    new, locked, cancelled, freed = line.events(4)
    assert (new["c"], new["C"], new["x"], new["w"]) == ("o1", "", "NEW", True)
    assert [entry["l"] for entry in locked["B"]] == ["0.00500000"]
    assert (cancelled["c"], cancelled["C"], cancelled["x"], cancelled["X"]) == (
        "cancel-1", "o1", "CANCELED", "CANCELED",
    )  # fmt: skip
    assert [entry["l"] for entry in freed["B"]] == ["0.00000000"]


def test_a_list_tells_its_beginning_its_end_and_the_leg_that_expired(own_sandbox, new_caller, noon_ms):
    caller = new_caller(own_sandbox)
    caller.order(side="BUY", quoteOrderQty="1000")
    with line_to(own_sandbox, caller) as line:
        line.subscribe()
        caller.signed(
            "POST", "/api/v3/orderList/oco", symbol="BTCUSDT", side="SELL", quantity="0.005", listClientOrderId="pair",
            aboveType="LIMIT_MAKER", abovePrice="106100", aboveClientOrderId="target", belowType="STOP_LOSS_LIMIT",
            belowStopPrice="105000", belowPrice="104900", belowTimeInForce="GTC", belowClientOrderId="stop",
        )  # fmt: skip
        started, *placed, locked = line.events(4)
        own_sandbox.control.advance(60)  # nobody asks: the venue's own tick finds the fill
        trade, expired, done, settled = line.events(4)
    assert (started["c"], started["l"], started["L"], started["C"]) == (
        "OCO",
        "EXEC_STARTED",
        "EXECUTING",
        "pair",
    )
    assert {leg["c"] for leg in started["O"]} == {"stop", "target"}
    assert [(leg["c"], leg["x"], leg["w"], leg.get("W")) for leg in placed] == [
        ("stop", "NEW", False, None),
        ("target", "NEW", True, noon_ms),
    ]
    assert [(entry["a"], entry["l"]) for entry in locked["B"]] == [("BTC", "0.00500000")]
    assert (trade["c"], trade["x"], trade["L"], trade["m"]) == ("target", "TRADE", "106100.00000000", True)
    assert (expired["c"], expired["x"], expired["eR"]) == ("stop", "EXPIRED", "OCO_TRIGGER")
    assert (done["l"], done["L"]) == ("ALL_DONE", "ALL_DONE")
    assert {entry["a"]: entry["l"] for entry in settled["B"]} == {"BTC": "0.00000000", "USDT": "0.00000000"}
    assert noon_ms < trade["T"] == expired["T"] == done["T"] < noon_ms + 3_600_000


def test_a_triggered_stop_is_new_once_more_and_then_trades(own_sandbox, new_caller):
    caller = new_caller(own_sandbox)
    caller.order(side="BUY", quoteOrderQty="1000")
    with line_to(own_sandbox, caller) as line:
        line.subscribe()
        caller.order(
            type="TAKE_PROFIT_LIMIT",
            side="SELL",
            timeInForce="GTC",
            quantity="0.005",
            price="106050",
            stopPrice="106000",
        )
        own_sandbox.control.advance(60)
        heard = line.events(5)
    assert brief(heard) == [
        ("executionReport", "NEW", "NEW"),
        ("outboundAccountPosition",),
        ("executionReport", "NEW", "NEW"),
        ("executionReport", "TRADE", "FILLED"),
        ("outboundAccountPosition",),
    ]
    assert [event["w"] for event in heard if event.get("x") == "NEW"] == [False, True]


def test_nobody_hears_of_another_account(line, sandbox, caller, new_caller):
    line.subscribe()
    new_caller(sandbox).order(side="BUY", quoteOrderQty="100")
    caller.order(side="BUY", quoteOrderQty="50", newClientOrderId="mine")
    assert [event["c"] for event in line.events(3)[:2]] == ["mine", "mine"]


def test_nothing_follows_an_answer_within_100_ms(line, caller):
    line.subscribe()
    answered = time.monotonic()
    caller.order(side="BUY", quoteOrderQty="50", newClientOrderId="early")
    assert line.event()["event"]["c"] == "early"
    assert time.monotonic() - answered >= 0.09


def test_unsubscribing_ends_the_stream_with_a_last_word(line, caller):
    number = line.subscribe()
    assert line.ask("userDataStream.subscribe.signature", **line.signed())["error"]["code"] == -2035
    assert line.ask("session.subscriptions")["result"] == [{"subscriptionId": number}]
    assert line.ask("userDataStream.unsubscribe", subscriptionId=number)["result"] == {}
    last = line.event()
    assert (last["subscriptionId"], last["event"]["e"]) == (number, "eventStreamTerminated")
    caller.order(side="BUY", quoteOrderQty="50")
    assert line.ask("session.subscriptions")["result"] == []
    assert line.ask("userDataStream.unsubscribe", subscriptionId=number)["error"]["code"] == -2036
    assert line.subscribe() == number + 1


def test_a_revoked_key_hears_no_more(line, sandbox, caller):
    line.subscribe()
    sandbox.control.revoke_key(caller.api_key)
    assert line.events(1)[0]["e"] == "eventStreamTerminated"
    assert line.ask("userDataStream.subscribe.signature", **line.signed())["error"]["code"] == -2015


def test_the_envelope(line):
    assert line.ask("ping", "a-1") == {
        "id": "a-1", "status": 200, "result": {}, "rateLimits": [
            {"rateLimitType": "REQUEST_WEIGHT", "interval": "MINUTE", "intervalNum": 1, "limit": 600_000}
            | {"count": line.ask("ping")["rateLimits"][0]["count"] - 1}
        ],
    }  # fmt: skip
    assert abs(line.ask("time")["result"]["serverTime"] - time.time() * 1000) < 5_000
    assert line.ask("time", returnRateLimits=False).keys() == {"id", "status", "result"}
    assert line.ask("session.status")["result"]["userDataStream"] is False


@pytest.mark.parametrize(
    ("method", "status", "code"),
    [
        ("order.place", 400, -1020),
        ("userDataStream.start", 400, -1020),
        ("session.logon", 400, -4056),
        ("userDataStream.subscribe", 401, -1002),
    ],
)
def test_what_this_venue_does_over_http_only_is_refused_by_name(line, method, status, code):
    answer = line.ask(method, 7)
    assert (answer["id"], answer["status"], answer["error"]["code"]) == (7, status, code)


@pytest.mark.parametrize(
    ("changed", "code"),
    [
        ({"apiKey": "short"}, -2014),
        ({"timestamp": 1_500_000_000_000}, -1021),
        ({"timestamp": "soon"}, -1100),
    ],
)
def test_a_subscription_is_signed_like_everything_else(line, changed, code):
    answer = line.ask("userDataStream.subscribe.signature", **line.signed(**changed))
    assert answer["error"]["code"] == code


def test_the_signature_covers_every_parameter(line):
    params = line.signed() | {"recvWindow": 6000}
    assert line.ask("userDataStream.subscribe.signature", **params)["error"]["code"] == -1022
    unsigned = {name: value for name, value in line.signed().items() if name != "signature"}
    assert line.ask("userDataStream.subscribe.signature", **unsigned)["error"]["code"] == -1102


@pytest.mark.parametrize(
    "text",
    ["{", "[]", '{"id": 1.5, "method": "ping"}', '{"id": 1}', '{"id": 1, "method": "ping", "params": []}'],
)
def test_what_is_no_request_is_refused_and_the_line_stays(line, text):
    line.send(text)
    refusal = line.answer()
    assert (refusal["status"], refusal["error"]["code"]) == (400, -1135)
    assert line.ask("ping")["result"] == {}
