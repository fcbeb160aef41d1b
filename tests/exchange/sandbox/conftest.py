"""A stepped sandbox at a fixed recorded minute, and a caller who signs requests by hand."""

import hashlib
import hmac
import time
from dataclasses import dataclass
from urllib.parse import urlencode

import pytest
import requests

from exchange.sandbox.clock import MarketClock
from exchange.sandbox.credentials import mint_api_key, secret_for
from exchange.sandbox.desk import Desk
from exchange.sandbox.running import SandboxProcess

NOON_MS = 1_750_420_800_000  # 2025-06-20 12:00:00 UTC, inside the recording


@dataclass(frozen=True)
class Caller:
    """One paper key, speaking raw HTTP."""

    url: str
    api_key: str
    secret: str

    def sign(self, payload: str) -> str:
        return hmac.new(self.secret.encode(), payload.encode(), hashlib.sha256).hexdigest()

    def send(self, method: str, path: str, *, query: str = "", body: str = "", key: str | None = ""):
        headers = {"Content-Type": "application/x-www-form-urlencoded"}
        if key is not None:
            headers["X-MBX-APIKEY"] = key or self.api_key
        address = f"{self.url}{path}?{query}" if query else self.url + path
        return requests.request(method, address, data=body or None, headers=headers, timeout=15)

    def signed(self, method: str, path: str, **parameters):
        """Everything in the query string, signed as Binance documents it."""
        payload = urlencode({"timestamp": int(time.time() * 1000), **parameters})
        return self.send(method, path, query=f"{payload}&signature={self.sign(payload)}")

    def now_ms(self) -> int:
        return int(time.time() * 1000)

    def order(self, **parameters):
        return self.signed("POST", "/api/v3/order", **{"symbol": "BTCUSDT", "type": "MARKET", **parameters})

    def free(self, asset: str) -> str:
        balances = self.signed("GET", "/api/v3/account").json()["balances"]
        return {entry["asset"]: entry["free"] for entry in balances}[asset]


@pytest.fixture(scope="session")
def sandbox(tmp_path_factory):
    """One sandbox for all tests of this folder that only talk; it stands at NOON_MS."""
    with SandboxProcess(tmp_path_factory.mktemp("sandbox"), clock="step", start_ms=NOON_MS) as running:
        yield running


@pytest.fixture
def own_sandbox(tmp_path):
    """A sandbox a test may kill, restart and release."""
    with SandboxProcess(tmp_path / "own", clock="step", start_ms=NOON_MS) as running:
        yield running


def caller_at(running: SandboxProcess) -> Caller:
    api_key = mint_api_key()
    return Caller(running.url, api_key, secret_for(api_key, running.key_secret))


@pytest.fixture
def new_caller():
    """A function: sandbox → a caller with a fresh key."""
    return caller_at


@pytest.fixture
def caller(sandbox):
    return caller_at(sandbox)


@pytest.fixture(scope="session")
def noon_ms():
    return NOON_MS


class Wall:
    """A wall clock the test sets, in µs."""

    def __init__(self, at_us: int):
        self.at_us = at_us

    def __call__(self) -> int:
        return self.at_us

    def pass_ms(self, ms: int) -> None:
        self.at_us += ms * 1000


@pytest.fixture
def wall():
    return Wall(1_795_000_000_000_000)


@pytest.fixture
def open_desk(tmp_path, wall):
    """A function that opens the desk of this test's journal; all are closed at the end."""
    opened: list[Desk] = []

    def opening(**options) -> Desk:
        desk = Desk(tmp_path / "desk", wall=wall, **options)
        opened.append(desk)
        return desk

    yield opening
    for desk in opened:
        desk.journal.close()


@pytest.fixture
def real_clock():
    return MarketClock("real", 1.0, 1_000_000, 1_000_000)
