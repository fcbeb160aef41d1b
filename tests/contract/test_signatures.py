"""Signatures cover the raw payload, exactly as sent; timestamps and keys are refused in Binance's words."""

import time

import pytest

from tests.contract.venues import SYMBOL, refusal

INVALID = (400, -1022, "Signature for this request is not valid.")


def stamp(offset_ms=0):
    return f"timestamp={int(time.time() * 1000) + offset_ms}"


@pytest.fixture
def buying():
    return f"symbol={SYMBOL}&side=BUY&type=MARKET&quoteOrderQty=20&{stamp()}"


def post(trader, *, query="", body=""):
    return trader.send("POST", "/api/v3/order", query=query, body=body)


def test_query_or_body(trader, buying):
    signed = f"{buying}&signature={trader.sign(buying)}"
    assert post(trader, query=signed).status_code == 200
    assert post(trader, body=signed).status_code == 200


def test_query_and_body_are_joined_without_a_separator(trader):
    query, body = f"symbol={SYMBOL}&side=BUY&type=MARKET", f"quoteOrderQty=20&{stamp()}"
    signature = trader.sign(query + body)
    assert post(trader, query=query, body=f"{body}&signature={signature}").status_code == 200
    assert post(trader, query=f"{query}&signature={signature}", body=body).status_code == 200
    separated = trader.sign(f"{query}&{body}")
    assert refusal(post(trader, query=query, body=f"{body}&signature={separated}")) == INVALID


@pytest.mark.parametrize("place", ["query", "body"])
def test_a_delete_may_carry_its_parameters_in_either(holder, place):
    placed = holder.sell_limit(holder.price("1.1")).json()
    payload = f"symbol={SYMBOL}&orderId={placed['orderId']}&{stamp()}"
    signed = {place: f"{payload}&signature={holder.sign(payload)}"}
    assert holder.send("DELETE", "/api/v3/order", **signed).json()["status"] == "CANCELED"


def test_hexadecimal_digits_of_either_case(trader, buying):
    signature = trader.sign(buying)
    assert post(trader, query=f"{buying}&signature={signature.upper()}").status_code == 200
    assert post(trader, query=f"{buying}&signature={signature.lower()}").status_code == 200


def test_another_order_or_encoding_is_another_payload(trader, buying):
    first, second, *others = buying.split("&")
    swapped = "&".join([second, first, *others])
    assert refusal(post(trader, query=f"{swapped}&signature={trader.sign(buying)}")) == INVALID
    plain = f"{buying}&newClientOrderId=a-b"
    encoded = plain.replace("a-b", "a%2Db")
    assert refusal(post(trader, body=f"{encoded}&signature={trader.sign(plain)}")) == INVALID
    accepted = post(trader, body=f"{encoded}&signature={trader.sign(encoded)}").json()
    assert accepted["clientOrderId"] == "a-b"


def test_another_secret(trader, buying):
    wrong = trader.sign(buying)[::-1]
    assert refusal(post(trader, query=f"{buying}&signature={wrong}")) == INVALID


def ask_account(trader, payload, key=""):
    return trader.send("GET", "/api/v3/account", query=f"{payload}&signature={trader.sign(payload)}", key=key)


def test_too_old_and_too_new(trader):
    old = (400, -1021, "Timestamp for this request is outside of the recvWindow.")
    ahead = (400, -1021, "Timestamp for this request was 1000ms ahead of the server's time.")
    assert refusal(ask_account(trader, stamp(-6_000))) == old
    assert refusal(ask_account(trader, stamp(+3_000))) == ahead
    assert ask_account(trader, f"recvWindow=60000&{stamp(-30_000)}").status_code == 200
    assert refusal(ask_account(trader, f"recvWindow=2000&{stamp(-4_000)}")) == old


def test_recv_window(trader):
    assert ask_account(trader, f"recvWindow=5000.123&{stamp()}").status_code == 200
    assert refusal(ask_account(trader, f"recvWindow=60001&{stamp()}"))[:2] == (400, -1131)


def test_microseconds_are_understood(trader):
    assert ask_account(trader, f"timestamp={time.time_ns() // 1000}").status_code == 200


@pytest.mark.parametrize("key", [None, "short", "x" * 63 + "!"])
def test_a_key_of_the_wrong_form(trader, key):
    assert refusal(ask_account(trader, stamp(), key=key)) == (401, -2014, "API-key format invalid.")


@pytest.mark.parametrize("name", ["timestamp", "signature"])
def test_what_a_signed_request_must_carry(trader, name):
    payload = stamp() if name == "signature" else "recvWindow=5000"
    query = payload if name == "signature" else f"{payload}&signature={trader.sign(payload)}"
    said = f"Mandatory parameter '{name}' was not sent, was empty/null, or malformed."
    assert refusal(trader.send("GET", "/api/v3/account", query=query)) == (400, -1102, said)
