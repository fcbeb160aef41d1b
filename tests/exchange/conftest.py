"""A real sandbox over real HTTP, and a small server that answers in every wrong way there is."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from requests.adapters import HTTPAdapter

from exchange.binance.client import BinanceExchange
from exchange.binance.clock import ServerClock
from exchange.binance.venue_client import Patience
from exchange.port import Credentials, Exchange
from exchange.sandbox.credentials import mint_api_key, secret_for
from exchange.sandbox.running import SandboxProcess
from tests.exchange.edge import KEY, SECRET, Edge

MIDDLE_OF_RECORDING_MS = 1_754_222_400_000  # 2025-08-03 12:00 UTC


@pytest.fixture(scope="session")
def stepped_sandbox(tmp_path_factory: pytest.TempPathFactory) -> Iterator[SandboxProcess]:
    """One for all tests here; its market stands in the recording's fourth month until a test releases it."""
    folder: Path = tmp_path_factory.mktemp("sandbox")
    with SandboxProcess(folder, clock="step", start_ms=MIDDLE_OF_RECORDING_MS) as sandbox:
        yield sandbox


@pytest.fixture
def sandbox(stepped_sandbox: SandboxProcess, settings: Any) -> SandboxProcess:
    settings.SANDBOX_URL = stepped_sandbox.url
    return stepped_sandbox


@pytest.fixture
def credentials(sandbox: SandboxProcess) -> Credentials:
    """A paper account of its own for the test."""
    key = mint_api_key()
    return Credentials(key, secret_for(key, sandbox.key_secret))


@pytest.fixture
def exchange(credentials: Credentials) -> Exchange:
    from exchange.connect import exchange_for

    return exchange_for("sandbox", credentials)


@pytest.fixture
def edge() -> Iterator[Edge]:
    with Edge() as server:
        yield server


@pytest.fixture
def client(edge: Edge) -> BinanceExchange:
    """Talks to the edge, impatiently, and asks nothing twice."""
    return BinanceExchange(
        edge.url,
        HTTPAdapter(max_retries=0),
        ServerClock(),
        credentials=Credentials(KEY, SECRET),
        patience=Patience(connect=1, order=0.2, read=0.2),
    )
