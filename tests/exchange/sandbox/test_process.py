"""The sandbox as a process: it survives a kill, speaks with python-binance, and stays small and quick."""

import os
import signal
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor

import pytest
import requests
from binance.client import Client
from binance.exceptions import BinanceAPIException

from exchange.sandbox.credentials import mint_api_key, secret_for
from exchange.sandbox.options import OptionsError, options_from
from exchange.sandbox.running import ROOT

# python-binance asks asyncio for a loop it never uses here.
NO_LOOP = "ignore:There is no current event loop:DeprecationWarning"


def client_of(sandbox) -> Client:
    """python-binance with every address overridden."""

    class SandboxClient(Client):
        API_URL = sandbox.url + "/api"
        MARGIN_API_URL = sandbox.url + "/sapi"
        WEBSITE_URL = sandbox.url
        FUTURES_URL = sandbox.url + "/fapi"
        FUTURES_DATA_URL = sandbox.url + "/futures/data"
        FUTURES_COIN_URL = sandbox.url + "/dapi"
        FUTURES_COIN_DATA_URL = sandbox.url + "/futures/data"
        OPTIONS_URL = sandbox.url + "/eapi"
        PAPI_URL = sandbox.url + "/papi"

    api_key = mint_api_key()
    return SandboxClient(api_key, secret_for(api_key, sandbox.key_secret))


@pytest.fixture
def client(sandbox):
    made = client_of(sandbox)
    yield made
    made.close_connection()


@pytest.mark.filterwarnings(NO_LOOP)
def test_python_binance_trades(client, sandbox, noon_ms):
    assert "MARKET" in client.get_symbol_info("BTCUSDT")["orderTypes"]
    bought = client.order_market_buy(symbol="BTCUSDT", quoteOrderQty="100", newClientOrderId="tag-1-E-1")
    sold = client.order_market_sell(symbol="BTCUSDT", quantity="0.00050")
    assert (bought["status"], sold["status"], sold["executedQty"]) == ("FILLED", "FILLED", "0.00050000")
    assert client.get_order(symbol="BTCUSDT", origClientOrderId="tag-1-E-1")["orderId"] == bought["orderId"]
    assert client.get_open_orders() == []
    trades = client.get_my_trades(symbol="BTCUSDT")
    assert [trade["orderId"] for trade in trades] == [bought["orderId"], sold["orderId"]]
    assert trades == [
        {key: fill[key] for key in trades[0]} | {"id": fill["tradeId"]}
        for fill in sandbox.control.fills(api_key=client.API_KEY)
    ]
    assert client.get_asset_balance("BTC")["free"] == "0.00043906"
    assert client.create_test_order(symbol="BTCUSDT", side="BUY", type="MARKET", quantity="0.001") == {}


@pytest.mark.filterwarnings(NO_LOOP)
def test_python_binance_reads_the_market(client, noon_ms):
    assert client.get_klines(symbol="ETHUSDT", interval="1h", limit=1)[0][0] == noon_ms
    history = client.get_historical_klines("ETHUSDT", "1m", noon_ms - 1_500 * 60_000, noon_ms)
    assert [row[0] for row in history] == [noon_ms - back * 60_000 for back in range(1_500, -1, -1)]
    assert client.get_ticker(symbol="BTCUSDT")["closeTime"] == noon_ms
    assert client.get_account_api_permissions()["enableWithdrawals"] is False
    assert [row["symbol"] for row in client.get_all_tickers()] == ["BTCUSDT", "ETHUSDT"]


@pytest.mark.filterwarnings(NO_LOOP)
def test_python_binance_protects_and_withdraws(client):
    """Its DELETE carries the parameters in the body."""
    client.order_market_buy(symbol="BTCUSDT", quantity="0.003")
    pair = client.order_oco_sell(
        symbol="BTCUSDT", quantity="0.001", aboveType="LIMIT_MAKER", abovePrice="110000.00",
        belowType="STOP_LOSS_LIMIT", belowStopPrice="100000.00", belowPrice="98000.00", belowTimeInForce="GTC",
    )  # fmt: skip
    assert {order["orderListId"] for order in client.get_open_orders(symbol="BTCUSDT")} == {
        pair["orderListId"]
    }
    client.v3_delete_order_list(symbol="BTCUSDT", orderListId=pair["orderListId"])
    limit = client.order_limit_sell(symbol="BTCUSDT", quantity="0.001", price="110000.00")
    better = client.cancel_replace_order(
        symbol="BTCUSDT", side="SELL", type="LIMIT_MAKER", quantity="0.001", price="109000.00",
        cancelReplaceMode="STOP_ON_FAILURE", cancelOrderId=limit["orderId"],
    )  # fmt: skip
    gone = client.cancel_order(symbol="BTCUSDT", orderId=better["newOrderResponse"]["orderId"])
    assert (gone["status"], client.get_open_orders()) == ("CANCELED", [])


@pytest.mark.filterwarnings(NO_LOOP)
def test_python_binance_hears_refusals(client):
    with pytest.raises(BinanceAPIException) as refusal:
        client.order_market_buy(symbol="BTCUSDT", quantity=0.00001)
    assert (refusal.value.status_code, refusal.value.code, refusal.value.message) == (
        400, -1100, "Illegal characters found in parameter 'quantity'; legal range is "
        r"'^([0-9]{1,20})(\.[0-9]{1,20})?$'.",
    )  # fmt: skip


def test_nothing_is_lost_by_a_kill(own_sandbox, new_caller):
    caller = new_caller(own_sandbox)
    for turn in range(5):
        caller.order(side="BUY", quoteOrderQty=str(20 + turn))
        own_sandbox.control.advance()
    caller.order(side="SELL", quantity="0.0005")

    def seen() -> tuple:
        control = own_sandbox.control
        return control.fills(), control.orders(), control.accounts(), control.clock()["market_ms"]

    before = seen()
    own_sandbox.kill()
    own_sandbox.start()
    assert seen() == before
    caller.order(side="BUY", quoteOrderQty="20")
    assert [row["id"] for row in own_sandbox.control.fills()] == list(range(1, 8))


def test_an_answered_order_survives_a_kill_in_full_flight(own_sandbox, new_caller):
    callers = [new_caller(own_sandbox) for _ in range(3)]

    def buy_until_it_breaks(caller) -> list[int]:
        heard = []
        try:
            for _ in range(5_000):
                heard.append(caller.order(side="BUY", quoteOrderQty="6").json()["fills"][0]["tradeId"])
        except requests.RequestException:
            return heard
        return heard

    with ThreadPoolExecutor(3) as pool:
        flights = [pool.submit(buy_until_it_breaks, caller) for caller in callers]
        deadline = time.monotonic() + 10
        while len(own_sandbox.control.fills()) < 60:
            assert time.monotonic() < deadline, "no flight to interrupt"
            time.sleep(0.01)
        own_sandbox.kill()
        heard = {trade_id for flight in flights for trade_id in flight.result()}
    own_sandbox.start()
    kept = [row["tradeId"] for row in own_sandbox.control.fills()]
    assert kept == list(range(1, len(kept) + 1))
    assert heard <= set(kept)
    assert len(kept) - len(heard) <= len(callers)


def test_sigterm_stops_it_cleanly(own_sandbox):
    os.kill(own_sandbox.pid, signal.SIGTERM)
    assert own_sandbox.wait(5) == 0
    assert '"event": "stopped"' in own_sandbox.log_path.read_text()


def test_its_log_names_no_secret(own_sandbox, new_caller):
    caller = new_caller(own_sandbox)
    caller.order(side="BUY", quoteOrderQty="20")
    own_sandbox.stop()
    log = own_sandbox.log_path.read_text()
    assert [word for word in (own_sandbox.token, own_sandbox.key_secret, caller.secret) if word in log] == []


def test_missing_settings_are_named():
    full = {"DATA_DIR": "/tmp/x", "SANDBOX_TOKEN": "t", "SANDBOX_KEY_SECRET": "s"}
    for name in full:
        with pytest.raises(OptionsError, match=f"{name} is not set"):
            options_from({key: value for key, value in full.items() if key != name})
    with pytest.raises(OptionsError, match="SANDBOX_PORT must be a whole number"):
        options_from(full | {"SANDBOX_PORT": "web"})
    with pytest.raises(OptionsError, match="SANDBOX_CLOCK must be real or step"):
        options_from(full | {"SANDBOX_CLOCK": "sun"})


def test_the_server_imports_neither_django_nor_indicators():
    heavy = "[name for name in ('django', 'pandas', 'numba') if name in sys.modules]"
    command = [sys.executable, "-c", f"import sys, exchange.sandbox.server; print({heavy})"]
    assert subprocess.check_output(command, cwd=ROOT, text=True, timeout=30).strip() == "[]"
