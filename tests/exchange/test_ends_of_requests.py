"""Every way a request can end, and which of the port's words it must become (SPEC §7.3)."""

from __future__ import annotations

import traceback

import pytest

from engine.orders import Side
from exchange.binance.client import BinanceExchange
from exchange.port import (
    CredentialsRefused,
    DuplicateOrder,
    ExchangeError,
    MarketOrder,
    OutcomeUnknown,
    RateLimited,
    Rejected,
    Stamp,
    Unavailable,
)
from tests.exchange.edge import KEY, SECRET, Edge, Ending, closing, half, http, refusal, resetting

ORDER = MarketOrder("BTCUSDT", Side.BUY, "tb-7-entry-1", quote_quantity_e8=100 * 10**8)
STAMP = Stamp(1_700_000_000_123, 4_321)
FILLED = {
    "symbol": "BTCUSDT",
    "orderId": 28,
    "clientOrderId": "tb-7-entry-1",
    "transactTime": 1507725176595,
    "executedQty": "0.00100000",
    "cummulativeQuoteQty": "64.00000000",
    "status": "FILLED",
    "side": "BUY",
    "fills": [
        {
            "price": "64000.00",
            "qty": "0.001",
            "commission": "0.000001",
            "commissionAsset": "BTC",
            "tradeId": 5,
        }
    ],
}
HTML = "<html><body>503 Service Temporarily Unavailable</body></html>"


UNKNOWN: dict[str, Ending] = {
    "closed after the request": closing,
    "reset after the request": resetting,
    "half an answer": half,
    "no HTTP at all": lambda _: b"SSH-2.0-OpenSSH_9.6\r\n",
    "200 without JSON": http(200, "<html>ok</html>"),
    "200 with nothing": http(200, ""),
    "200 with another shape": http(200, {"orderId": 1}),
    "200 with a list": http(200, []),
    "200 with a float": http(200, {**FILLED, "executedQty": 0.001}),
    "200 with a bad number": http(200, {**FILLED, "executedQty": "much"}),
    "200 with an error in it": http(200, {"code": -1007, "msg": "Timeout"}),
    "302": http(302, "", Location="http://127.0.0.1:1/"),
    "307": http(307, "", Location="http://127.0.0.1:1/"),
    "400 without JSON": http(400, HTML),
    "400 with a JSON list": http(400, ["no"]),
    "400 without a code": http(400, {"msg": "no"}),
    "408": refusal(408, -1007, "Timeout waiting for response from backend server."),
    "408 with another code": refusal(408, -1102, "Mandatory parameter"),
    "409": refusal(409, -2021, "Order cancel-replace partially failed."),
    "-1000": refusal(400, -1000, "An unknown error occurred while processing the request."),
    "-1001": refusal(400, -1001, "Internal error; unable to process your request. Please try again."),
    "-1006": refusal(400, -1006, "An unexpected response was received from the message bus."),
    "-1007": refusal(400, -1007, "Timeout waiting for response from backend server."),
    "500": refusal(500, -1000, "An unknown error occurred while processing the request."),
    "502 html": http(502, HTML),
    "503 html": http(503, HTML),
    "503 with a definite code": refusal(503, -1008, "Server is currently overloaded with other requests."),
    "504": http(504, ""),
}
DEFINITE = {
    "-1013": (400, -1013, "Filter failure: NOTIONAL"),
    "-1021": (400, -1021, "Timestamp for this request is outside of the recvWindow."),
    "-1100": (
        400,
        -1100,
        "Illegal characters found in parameter 'quantity'; legal range is '^([0-9]{1,20})$'.",
    ),
    "-2010 money": (400, -2010, "Account has insufficient balance for requested action."),
    "-2010 closed": (400, -2010, "Market is closed."),
}
REFUSED_KEYS = {
    "-1022": (400, -1022, "Signature for this request is not valid."),
    "-2014": (401, -2014, "API-key format invalid."),
    "-2015": (401, -2015, "Invalid API-key, IP, or permissions for action."),
}


def place(client: BinanceExchange) -> ExchangeError:
    with pytest.raises(ExchangeError) as raised:
        client.place_market_order(ORDER, STAMP)
    return raised.value


def test_an_order_goes_out_once_with_exactly_its_stamp(client: BinanceExchange, edge: Edge) -> None:
    edge.endings.append(http(200, FILLED))
    report = client.place_market_order(ORDER, STAMP)
    assert (report.executed_e8, report.executed_quote_e8, report.at_ms) == (
        100_000,
        6_400_000_000,
        1507725176595,
    )
    (request,) = edge.requests
    assert request.startswith("POST /api/v3/order HTTP/1.1\r\n")
    sent = dict(pair.split("=") for pair in request.rpartition("\r\n")[2].split("&"))
    assert len(sent.pop("signature")) == 64
    assert sent == {
        "symbol": "BTCUSDT",
        "side": "BUY",
        "type": "MARKET",
        "quoteOrderQty": "100",
        "newClientOrderId": "tb-7-entry-1",
        "newOrderRespType": "FULL",
        "selfTradePreventionMode": "EXPIRE_TAKER",
        "timestamp": "1700000000123",
        "recvWindow": "4321",
    }
    assert edge.time_asked == 0


@pytest.mark.parametrize("name", UNKNOWN)
def test_an_order_is_unknown_unless_its_end_is_certain(
    client: BinanceExchange, edge: Edge, name: str
) -> None:
    edge.endings.append(UNKNOWN[name])
    assert type(place(client)) is OutcomeUnknown
    assert len(edge.requests) == 1


def test_an_order_not_answered_in_time_is_unknown(client: BinanceExchange, edge: Edge) -> None:
    edge.endings.append(edge.never)
    assert type(place(client)) is OutcomeUnknown
    assert len(edge.requests) == 1


def test_an_order_on_a_connection_that_was_kept_and_then_cut_is_unknown(
    client: BinanceExchange, edge: Edge
) -> None:
    """The server keeps the connection after a read, reads the order from it and cuts: it may have executed."""

    def kept(connection) -> bytes:
        body = b'{"price": "64000.00"}'
        head = f"HTTP/1.1 200 OK\r\nContent-Length: {len(body)}\r\n\r\n".encode()
        connection.sendall(head + body)
        assert connection.recv(65536).startswith(b"POST /api/v3/order")
        return b""

    edge.endings.append(kept)
    assert client.price_e8("BTCUSDT") == 64_000 * 10**8
    assert type(place(client)) is OutcomeUnknown
    assert len(edge.requests) == 1


@pytest.mark.parametrize("name", DEFINITE)
def test_a_definite_no_is_rejected(client: BinanceExchange, edge: Edge, name: str) -> None:
    status, code, message = DEFINITE[name]
    edge.endings.append(refusal(status, code, message))
    refused = place(client)
    assert type(refused) is Rejected
    assert (refused.code, refused.message) == (code, message)


def test_the_firewall_is_a_definite_no(client: BinanceExchange, edge: Edge) -> None:
    edge.endings.append(http(403, "<html>blocked</html>"))
    assert type(place(client)) is Rejected


@pytest.mark.parametrize("name", REFUSED_KEYS)
def test_refused_keys_have_their_own_word(client: BinanceExchange, edge: Edge, name: str) -> None:
    status, code, message = REFUSED_KEYS[name]
    edge.endings.extend([refusal(status, code, message)] * 2)
    assert type(place(client)) is CredentialsRefused
    with pytest.raises(CredentialsRefused):
        client.balances()


@pytest.mark.parametrize(
    ("code", "message"), [(-2010, "Duplicate order sent."), (-4116, "ClientOrderId is duplicated.")]
)
def test_a_duplicate_proves_that_the_order_exists(
    client: BinanceExchange, edge: Edge, code: int, message: str
) -> None:
    edge.endings.append(refusal(400, code, message))
    duplicate = place(client)
    assert type(duplicate) is DuplicateOrder
    assert isinstance(duplicate, OutcomeUnknown)


@pytest.mark.parametrize(
    ("ending", "seconds"),
    [
        (refusal(429, -1003, "Too much request weight used", Retry_After="7"), 7),
        (refusal(429, -1015, "Too many new orders", Retry_After="soon"), 60),
        (refusal(418, -1003, "Way too much request weight used", Retry_After="130"), 130),
        (http(418, HTML), 120),
    ],
)
def test_limits_say_how_long(client: BinanceExchange, edge: Edge, ending: Ending, seconds: int) -> None:
    edge.endings.extend([ending, ending])
    limited = place(client)
    assert isinstance(limited, RateLimited)
    assert limited.retry_after_seconds == seconds
    with pytest.raises(RateLimited):
        client.balances()


@pytest.mark.parametrize("name", UNKNOWN)
def test_a_question_without_an_answer_is_unavailable(client: BinanceExchange, edge: Edge, name: str) -> None:
    edge.endings.append(UNKNOWN[name])
    with pytest.raises(Unavailable):
        client.price_e8("BTCUSDT")


def test_a_question_not_answered_in_time_is_unavailable(client: BinanceExchange, edge: Edge) -> None:
    edge.endings.append(edge.never)
    with pytest.raises(Unavailable, match="in time"):
        client.find_order("BTCUSDT", client_order_id="tb-7-entry-1")


def test_nobody_listening_is_certain(edge: Edge, client: BinanceExchange) -> None:
    edge.shutdown()
    edge.server_close()
    failure = place(client)
    assert type(failure) is Unavailable
    assert str(failure) == "No connection to the exchange could be made."


def test_a_refused_timestamp_sets_the_clock_anew(client: BinanceExchange, edge: Edge) -> None:
    edge.ahead_ms = 60_000
    first = client.signing_time_ms()
    edge.ahead_ms = 90_000
    assert client.signing_time_ms() - first < 1_000
    edge.endings.append(refusal(400, -1021, "Timestamp for this request is outside of the recvWindow."))
    assert type(place(client)) is Rejected
    assert 29_000 < client.signing_time_ms() - first < 31_000
    assert edge.time_asked == 2
    assert 89_000 < client.clock_offset_ms() < 91_000
    assert edge.time_asked == 3  # so wrong a clock is measured twice before it is believed


def test_a_signed_question_is_asked_again_with_the_right_time(client: BinanceExchange, edge: Edge) -> None:
    outside = refusal(400, -1021, "Timestamp for this request is outside of the recvWindow.")
    edge.endings.extend([outside, http(200, [])])
    assert client.open_orders("BTCUSDT") == []
    assert (len(edge.requests), edge.time_asked) == (2, 2)


def test_all_pages_of_trades(client: BinanceExchange, edge: Edge) -> None:
    def trade(number: int) -> dict[str, object]:
        amounts = {
            "price": "1.0",
            "qty": "2.0",
            "quoteQty": "2.0",
            "commission": "0.002",
            "commissionAsset": "BTC",
        }
        return {"id": number, "orderId": 9, **amounts, "isMaker": False, "time": 5}

    edge.endings.extend([http(200, [trade(n) for n in range(1, 1001)]), http(200, [trade(1001)])])
    assert [fill.trade_id for fill in client.fills_of_order("BTCUSDT", 9)] == list(range(1, 1002))
    assert "fromId=1001&" in edge.requests[1]
    assert "orderId=9&" in edge.requests[1]


SIGNATURE_ECHO = f"Cannot POST /api/v3/order?apikey={KEY}&signature={'a1' * 32}"
SPILLS: dict[str, Ending] = {
    **UNKNOWN,
    "echo in the message": refusal(400, -1102, SIGNATURE_ECHO),
    "echo in html": http(503, SIGNATURE_ECHO),
    "echo as JSON": http(200, SIGNATURE_ECHO),
}


@pytest.mark.parametrize("name", SPILLS)
def test_no_exception_holds_a_secret(client: BinanceExchange, edge: Edge, name: str) -> None:
    """Neither in its text nor in anything that hangs on it, nor in what a log would print of it."""
    edge.endings.extend([SPILLS[name]] * 2)
    failures = [place(client)]
    try:
        client.last_trade_id("BTCUSDT")
    except ExchangeError as error:
        failures.append(error)
    for failure in failures:
        assert failure.__cause__ is None
        assert failure.__context__ is None
        texts = [repr(failure), str(vars(failure)), "".join(traceback.format_exception(failure))]
        for secret in (KEY, SECRET, "a1" * 32, "signature=", "tb-7-entry-1", "quoteOrderQty=", "timestamp="):
            assert [text for text in texts if secret in text] == []
