"""The bench `bots` measures what it says: its ground has the size asked for, its market tells the time it was set."""

from __future__ import annotations

import json
import urllib.error
import urllib.request
from typing import Any

import pytest

from engine.strategies import parse_params
from tradebot.verbs import bots_ground
from tradebot.verbs.benches import bots
from tradebot.verbs.still_market import StillMarket


def ask(url: str) -> Any:
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    with opener.open(url, timeout=5) as response:
        return json.load(response)


def test_the_ground_has_the_size_it_is_asked_for() -> None:
    assert (bots_ground.BOTS, len(set(bots_ground.SYMBOLS)), bots.WRITING) == (10_000, 50, 200)
    assert len({parse_params("ema", params) for params in bots_ground.EYES}) == 20
    pairs = {(number // 20 % 50, number % 20) for number in range(bots_ground.BOTS)}
    assert len(pairs) == 50 * 20
    assert bots.RUNS >= 5


def test_the_still_market_tells_the_time_it_was_set_and_nothing_else() -> None:
    with StillMarket() as market:
        for now_ms in (1_767_614_400_000, 1_767_614_460_500):
            market.market_ms = now_ms
            assert ask(f"{market.url}/api/v3/ticker/24hr?symbol=G00USDT") == {"closeTime": now_ms}
            assert ask(f"{market.url}/api/v3/time") == {"serverTime": now_ms}
        with pytest.raises(urllib.error.HTTPError, match="404"):
            ask(f"{market.url}/api/v3/account")
