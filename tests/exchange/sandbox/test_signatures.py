"""Signatures are checked over the raw payload: as sent it passes, re-ordered or re-encoded it does not."""

import time

import pytest

from exchange.sandbox.signing import signed_payload

INVALID = {"code": -1022, "msg": "Signature for this request is not valid."}


def stamp() -> str:
    return f"timestamp={int(time.time() * 1000)}"


@pytest.fixture
def buy():
    return f"symbol=BTCUSDT&side=BUY&type=MARKET&quoteOrderQty=20&{stamp()}"


def sent(caller, *, query="", body="", method="POST", path="/api/v3/order"):
    return caller.send(method, path, query=query, body=body)


def test_all_in_the_query(caller, buy):
    assert sent(caller, query=f"{buy}&signature={caller.sign(buy)}").status_code == 200


def test_all_in_the_body(caller, buy):
    assert sent(caller, body=f"{buy}&signature={caller.sign(buy)}").status_code == 200


def test_mixed_query_and_body_are_joined_without_separator(caller):
    query, body = "symbol=BTCUSDT&side=BUY&type=MARKET", f"quoteOrderQty=20&{stamp()}"
    right, wrong = caller.sign(query + body), caller.sign(f"{query}&{body}")
    assert sent(caller, query=query, body=f"{body}&signature={right}").status_code == 200
    assert sent(caller, query=f"{query}&signature={right}", body=body).status_code == 200
    assert sent(caller, query=query, body=f"{body}&signature={wrong}").json() == INVALID


def test_the_query_wins_over_the_body(caller):
    query, body = "symbol=ETHUSDT", f"symbol=BTCUSDT&side=BUY&type=MARKET&quoteOrderQty=20&{stamp()}"
    response = sent(caller, query=query, body=f"{body}&signature={caller.sign(query + body)}")
    assert response.json()["symbol"] == "ETHUSDT"


def test_hex_digits_may_be_upper_case(caller, buy):
    assert sent(caller, query=f"{buy}&signature={caller.sign(buy).upper()}").status_code == 200


def test_another_order_of_parameters_is_another_payload(caller, buy):
    parts = buy.split("&")
    swapped = "&".join([parts[1], parts[0], *parts[2:]])
    assert sent(caller, query=f"{swapped}&signature={caller.sign(buy)}").json() == INVALID


def test_another_encoding_is_another_payload(caller):
    plain = f"symbol=BTCUSDT&side=BUY&type=MARKET&quoteOrderQty=20&newClientOrderId=a-b&{stamp()}"
    encoded = plain.replace("a-b", "a%2Db")
    assert sent(caller, body=f"{encoded}&signature={caller.sign(plain)}").json() == INVALID
    right = sent(caller, body=f"{encoded}&signature={caller.sign(encoded)}").json()
    assert right["clientOrderId"] == "a-b"


def test_another_value_is_another_payload(caller, buy):
    dearer = buy.replace("quoteOrderQty=20", "quoteOrderQty=21")
    assert sent(caller, query=f"{dearer}&signature={caller.sign(buy)}").json() == INVALID


@pytest.mark.parametrize("signature", ["00", "zz", "%C3%A9", "0" * 64])
def test_nonsense_is_no_signature(caller, buy, signature):
    assert sent(caller, query=f"{buy}&signature={signature}").json() == INVALID


@pytest.mark.parametrize(
    ("query", "body", "payload"),
    [
        (b"a=1&b=2&signature=x", b"", b"a=1&b=2"),
        (b"", b"a=1&signature=x", b"a=1"),
        (b"a=1", b"b=2&signature=x", b"a=1b=2"),
        (b"a=1&signature=x", b"b=2", b"a=1b=2"),
        (b"signature=x&a=1", b"", b"a=1"),
        (b"mysignature=1&a=1&signature=x", b"", b"mysignature=1&a=1"),
    ],
)
def test_the_payload_is_everything_but_the_signature(query, body, payload):
    assert signed_payload(query, body) == payload
