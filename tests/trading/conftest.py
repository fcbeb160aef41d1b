"""A bot of these tests, made the way a user does it, and what is queued meanwhile."""

from __future__ import annotations

import socket
from collections.abc import Iterator
from typing import Any

import pytest
from celery.signals import before_task_publish

from exchange.sandbox.running import SandboxProcess


@pytest.fixture
def new_bot(sandbox: SandboxProcess, alice: Any) -> Any:
    """A bot made and started the way a user does it, on a paper key of its own. Trades often by default."""
    from accounts.keys import mint_paper_key
    from bots.configuration import create_bot
    from bots.models import BotConfig
    from trading.lifecycle import start_bot

    def make(*, user: Any = alice, key: Any = None, started: bool = True, **values: Any) -> BotConfig:
        number = BotConfig.objects.count() + 1
        key = key or mint_paper_key(user, f"Paper {number}")
        wanted = {
            "name": f"Bot {number}",
            "api_key": key.pk,
            "symbol": "BTCUSDT",
            "timeframe": "1m",
            "strategy": "ema",
            "strategy_params": {"ema_fast": 2, "ema_slow": 5, "rsi_oversold": 1, "rsi_overbought": 99},
            "initial_capital": "2000",
            **values,
        }
        bot = create_bot(user, wanted, user)
        if started:
            start_bot(bot, by=user)
        return BotConfig.objects.select_related("state", "api_key", "account").get(pk=bot.pk)

    return make


@pytest.fixture
def queued() -> Iterator[list[tuple[str, Any]]]:
    """What is queued from now on, as (task, first argument)."""
    found: list[tuple[str, Any]] = []

    def note(sender: str, body: Any, **_: Any) -> None:
        found.append((sender, body[0][0]))

    before_task_publish.connect(note)
    try:
        yield found
    finally:
        before_task_publish.disconnect(note)


@pytest.fixture
def closed_port() -> Iterator[int]:
    """A port that is held and never listened on: connecting to it is refused."""
    with socket.socket() as held:
        held.bind(("127.0.0.1", 0))
        yield held.getsockname()[1]
