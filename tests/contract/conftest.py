"""One exam for every exchange: what sits it is a parameter. Today that is the sandbox, over real HTTP and sockets."""

import pytest

from exchange.sandbox.running import SandboxProcess
from tests.contract.venues import QUIET_MINUTE_MS, Trader, sandbox_venue

VENUES = ("sandbox",)


@pytest.fixture(scope="session", params=VENUES)
def venue(request, tmp_path_factory):
    """For parts of the exam that let no time pass."""
    folder = tmp_path_factory.mktemp(request.param)
    with SandboxProcess(folder, clock="step", start_ms=QUIET_MINUTE_MS) as running:
        yield sandbox_venue(running)


@pytest.fixture(params=VENUES)
def own_venue(request, tmp_path):
    """For parts that let the market go on, or use limits up."""
    with SandboxProcess(tmp_path / request.param, clock="step", start_ms=QUIET_MINUTE_MS) as running:
        yield sandbox_venue(running)


@pytest.fixture
def trader(venue):
    return Trader(venue)


@pytest.fixture
def holder(trader):
    """A trader who holds about 1,000 USDT worth of the base asset."""
    trader.buy()
    return trader


@pytest.fixture
def own_trader(own_venue):
    return Trader(own_venue)
