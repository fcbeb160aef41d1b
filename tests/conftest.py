"""Shared fixtures. Alice owns, Bob is staff, Charlie must see nothing."""

from __future__ import annotations

import itertools
import json
from collections.abc import Callable, Iterator
from decimal import Decimal
from functools import cache
from pathlib import Path
from typing import Any

import pytest
from django.conf import settings
from django.utils import timezone, translation

from tests.stepped_market import beginning_ms

PASSWORD = "Correct-horse-42"
RECORDED_SYMBOLS = Path(settings.BASE_DIR) / "exchange" / "sandbox" / "recordings" / "exchange_info.json"


@pytest.fixture(autouse=True)
def _nothing_remembered() -> None:
    """What a process and Redis remember of candles, symbols, clients and languages belongs to the test before."""
    from exchange import cache, candles, connect, symbols

    candles.forget_windows()
    symbols.forget_process()
    connect.forget_clients()
    cache.cache().clear()
    translation.deactivate()


@cache
def password_hash() -> str:
    """bcrypt is slow on purpose: once a session is enough."""
    from django.contrib.auth.hashers import make_password

    return make_password(PASSWORD)


def person(email: str, **fields: Any) -> Any:
    from accounts.models import User

    return User.objects.create(email=email, password=password_hash(), **fields)


@pytest.fixture
def alice(db: None) -> Any:
    return person("alice@example.com")


@pytest.fixture
def bob(db: None) -> Any:
    return person("bob@example.com", is_staff=True)


@pytest.fixture
def charlie(db: None) -> Any:
    return person("charlie@example.com")


@pytest.fixture
def anonymous_api() -> Any:
    from rest_framework.test import APIClient

    return APIClient()


@pytest.fixture
def api_of() -> Callable[[Any], Any]:
    """A client carrying a real access token of the given user."""
    from rest_framework.test import APIClient

    from accounts.tokens import issue_tokens

    def client(user: Any) -> APIClient:
        api = APIClient()
        api.credentials(HTTP_AUTHORIZATION=f"Bearer {issue_tokens(user, remember_me=False)['access_token']}")
        return api

    return client


@pytest.fixture
def alice_api(alice: Any, api_of: Any) -> Any:
    return api_of(alice)


@pytest.fixture
def bob_api(bob: Any, api_of: Any) -> Any:
    return api_of(bob)


@pytest.fixture
def charlie_api(charlie: Any, api_of: Any) -> Any:
    return api_of(charlie)


@pytest.fixture
def paper_key(alice: Any) -> Any:
    """Alice's paper key, minted locally: no sandbox has heard of it."""
    from accounts.keys import mint_paper_key

    return mint_paper_key(alice, "Paper")


@pytest.fixture
def symbols(db: None) -> None:
    """The rules of every recorded symbol, as the sandbox lists them, so that nothing needs to be asked."""
    from exchange.models import SymbolInfo

    for info in json.loads(RECORDED_SYMBOLS.read_text())["symbols"]:
        SymbolInfo.objects.create(
            venue="sandbox",
            market="spot",
            symbol=info["symbol"],
            status=info["status"],
            base_asset=info["baseAsset"],
            quote_asset=info["quoteAsset"],
            info=info,
            fetched_at=timezone.now(),
        )


@pytest.fixture
def make_bot(paper_key: Any) -> Callable[..., Any]:
    """Rows of a bot as they stand after creation; Alice's unless another `api_key` is given."""
    from bots.models import BotConfig, BotState, BotVersion

    numbers = itertools.count(1)

    def make(api_key: Any = None, **values: Any) -> BotConfig:
        key = api_key or paper_key
        fields = {
            "name": f"Bot {next(numbers)}",
            "symbol": "BTCUSDT",
            "base_asset": "BTC",
            "quote_asset": "USDT",
            "strategy_params": {"ema_fast": 8, "ema_slow": 21},
            "initial_capital": Decimal(1000),
            **values,
        }
        bot = BotConfig.objects.create(user=key.user, api_key=key, account=key.account, **fields)
        BotState.objects.create(bot_config=bot)
        BotVersion.objects.create(
            bot_config=bot, version=1, author=key.user, configuration={"name": bot.name}
        )
        return bot

    return make


@pytest.fixture(scope="module")
def sandbox_process(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Any]:
    """A real sandbox over real HTTP, in step mode: the market moves when a test says so. Each file has its own, which
    begins at the same recorded minute in every run."""
    from exchange.instants import ms_of
    from exchange.sandbox.running import SandboxProcess

    start_ms = beginning_ms(ms_of(timezone.now()))
    with SandboxProcess(tmp_path_factory.mktemp("sandbox"), clock="step", start_ms=start_ms) as process:
        yield process


@pytest.fixture
def sandbox(sandbox_process: Any, settings: Any) -> Iterator[Any]:
    """The file's sandbox, without faults, as the venue of this test; accounts are each test's own."""
    from exchange.connect import forget_clients

    settings.SANDBOX_URL = sandbox_process.url
    settings.SANDBOX_TOKEN = sandbox_process.token
    settings.SANDBOX_KEY_SECRET = sandbox_process.key_secret
    forget_clients()
    sandbox_process.control.clear_faults()
    yield sandbox_process
    sandbox_process.control.clear_faults()
    forget_clients()
