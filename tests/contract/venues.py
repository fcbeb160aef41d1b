"""An exchange that sits the exam: where it answers, how a caller gets a key, how time is let pass."""

import hashlib
import hmac
import time
from collections.abc import Callable
from dataclasses import dataclass
from decimal import ROUND_DOWN, Decimal
from urllib.parse import urlencode

import requests

from exchange.sandbox.running import SandboxProcess

SYMBOL, BASE, QUOTE = "BTCUSDT", "BTC", "USDT"
QUIET_MINUTE_MS = 1_750_420_800_000  # 2025-06-20 12:00 UTC, inside the sandbox's recording


@dataclass(frozen=True)
class Venue:
    """`url` and `ws_url` are roots; `new_key` gives (api_key, secret); `pass_minutes` lets the market go on;
    `limit_like_binance` puts Binance's limits into force where a venue's own are wider."""

    url: str
    ws_url: str
    new_key: Callable[[], tuple[str, str]]
    pass_minutes: Callable[[int], None]
    limit_like_binance: Callable[[], None]


def sandbox_venue(running: SandboxProcess) -> Venue:
    """The sandbox in step mode: the market stands until it is released."""
    control = running.control
    return Venue(
        running.url,
        running.url.replace("http", "ws"),
        new_key=control.new_account,
        pass_minutes=control.advance,
        limit_like_binance=lambda: control.set_limits(**control.limits()["recorded"]),
    )


class Trader:
    """One key, speaking raw HTTP: nothing between the exam and the wire."""

    def __init__(self, venue: Venue):
        self.venue = venue
        self.api_key, self.secret = venue.new_key()

    def sign(self, payload: str) -> str:
        return hmac.new(self.secret.encode(), payload.encode(), hashlib.sha256).hexdigest()

    def send(self, method, path, *, query="", body="", key=""):
        """`key` None: no key at all."""
        headers = {"Content-Type": "application/x-www-form-urlencoded"}
        if key is not None:
            headers["X-MBX-APIKEY"] = key or self.api_key
        address = f"{self.venue.url}{path}?{query}" if query else self.venue.url + path
        return requests.request(method, address, data=body or None, headers=headers, timeout=15)

    def signed(self, method, path, **parameters):
        payload = urlencode({"timestamp": int(time.time() * 1000)} | parameters)
        return self.send(method, path, query=f"{payload}&signature={self.sign(payload)}")

    def public(self, path, **parameters):
        return self.send("GET", path, query=urlencode(parameters), key=None)

    def get(self, path, **parameters):
        return self.signed("GET", path, **parameters).json()

    def order(self, **parameters):
        return self.signed("POST", "/api/v3/order", **{"symbol": SYMBOL} | parameters)

    def buy(self, quote="1000", **parameters):
        return self.order(side="BUY", type="MARKET", quoteOrderQty=quote, **parameters).json()

    def sell_limit(self, price, quantity="0.002", **parameters):
        return self.order(
            side="SELL", type="LIMIT", timeInForce="GTC", quantity=quantity, price=price, **parameters
        )

    def oco(self, **parameters):
        """A sale of 0.002 with a target 10 % above and a stop 10 % below."""
        prices = {
            "aboveType": "LIMIT_MAKER", "abovePrice": self.price("1.1"),
            "belowType": "STOP_LOSS_LIMIT", "belowStopPrice": self.price("0.9"), "belowPrice": self.price("0.89"),
            "belowTimeInForce": "GTC",
        }  # fmt: skip
        wish = {"symbol": SYMBOL, "side": "SELL", "quantity": "0.002"} | prices | parameters
        return self.signed("POST", "/api/v3/orderList/oco", **wish)

    def price(self, factor="1"):
        """The last price times `factor`, cut to cents, which every USDT market of the exam takes."""
        last = Decimal(self.public("/api/v3/ticker/price", symbol=SYMBOL).json()["price"])
        return str((last * Decimal(factor)).quantize(Decimal("0.01"), ROUND_DOWN))

    def balance(self, asset):
        """(free, locked)"""
        rows = self.get("/api/v3/account")["balances"]
        return next((row["free"], row["locked"]) for row in rows if row["asset"] == asset)


def refusal(response):
    """(HTTP status, code, text)"""
    body = response.json()
    return response.status_code, body["code"], body["msg"]
