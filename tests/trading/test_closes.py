"""At the close of a candle: stored once, and exactly the bots that wait for it are woken."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from bots.models import BotState
from engine.market import MINUTE_MS, Candle
from exchange import candles
from exchange.connect import forget_clients, market_data
from exchange.feed.events import KlineEvent
from exchange.models import SymbolInfo
from exchange.symbols import DELISTED
from trading.closes import FEW, LARGEST_CHUNK, catch_up, chunks_of, take_closes, wake_waiting, wanted_series
from trading.lifecycle import stop_bot

pytestmark = pytest.mark.django_db

Queued = list[tuple[str, Any]]


def event(symbol: str, open_ms: int, close: int = 100, interval: str = "1m") -> KlineEvent:
    candle = Candle(open_ms, close, close + 1, close - 1, close, 5)
    return KlineEvent(symbol, interval, candle, is_closed=True, at_ms=open_ms + MINUTE_MS)


def have_seen(open_ms: int, *bots: Any) -> None:
    BotState.objects.filter(pk__in=[bot.pk for bot in bots]).update(last_candle_open_ms=open_ms)


@pytest.fixture
def running(symbols: None, make_bot: Callable[..., Any]) -> Callable[..., Any]:
    """An active bot that has seen the candle opened at 0."""

    def make(**values: Any) -> Any:
        bot = make_bot(is_active=True, **values)
        have_seen(0, bot)
        return bot

    return make


def test_a_close_is_stored_and_wakes_who_waits_for_it(running: Callable[..., Any], queued: Queued) -> None:
    bot, other = running(), running()
    running(symbol="ETHUSDT", base_asset="ETH")
    running(timeframe="5m")
    have_seen(MINUTE_MS, other)
    assert take_closes("sandbox", [event("BTCUSDT", MINUTE_MS)]) == 1
    assert queued == [("trading.run_bot_task", bot.pk)]
    kept = candles.read("sandbox", "spot", "BTCUSDT", "1m", count=1, until_open_ms=MINUTE_MS)
    assert kept.at(0) == event("BTCUSDT", MINUTE_MS).candle


def test_a_close_heard_again_changes_nothing(running: Callable[..., Any], queued: Queued) -> None:
    bot = running()
    take_closes("sandbox", [event("BTCUSDT", MINUTE_MS)] * 2)
    have_seen(MINUTE_MS, bot)
    assert take_closes("sandbox", [event("BTCUSDT", MINUTE_MS, close=999)]) == 0
    assert len(queued) == 1
    kept = candles.read("sandbox", "spot", "BTCUSDT", "1m", count=9, until_open_ms=MINUTE_MS)
    assert [kept.at(index).close for index in range(len(kept))] == [100]


def test_who_is_not_managed_is_left_alone(
    running: Callable[..., Any], queued: Queued, django_assert_num_queries: Any
) -> None:
    idle, deleted, in_position = running(), running(), running()
    for bot in (idle, in_position):
        bot.is_active = False
        bot.save(update_fields=["is_active"])
    BotState.objects.filter(pk=in_position.pk).update(in_position=True)
    deleted.is_active, deleted.archived_at = False, deleted.created_at
    deleted.save(update_fields=["is_active", "archived_at"])
    with django_assert_num_queries(1):
        assert wake_waiting("sandbox", [("BTCUSDT", "1m", MINUTE_MS)]) == 1
    assert queued == [("trading.run_bot_task", in_position.pk)]
    assert wake_waiting("live", [("BTCUSDT", "1m", MINUTE_MS)]) == 0


def test_a_bot_that_never_ran_is_woken(running: Callable[..., Any], queued: Queued) -> None:
    bot = running()
    have_seen(None, bot)  # type: ignore[arg-type]
    assert wake_waiting("sandbox", [("BTCUSDT", "1m", MINUTE_MS)]) == 1


def test_many_are_woken_in_even_chunks(running: Callable[..., Any], queued: Queued) -> None:
    bots = [running() for _ in range(FEW + 2)]
    assert wake_waiting("sandbox", [("BTCUSDT", "1m", MINUTE_MS)]) == FEW + 2
    ids = [bot.pk for bot in bots]
    half = (FEW + 2) // 2
    assert queued == [
        ("trading.run_bots_chunk", ids[:half]),
        ("trading.run_bots_chunk", ids[half:]),
    ]


@pytest.mark.parametrize(
    ("count", "sizes"), [(0, []), (1, [1]), (3, [2, 1]), (1000, [500, 500]), (1201, [500, 500, 201])]
)
def test_chunks_are_even_and_never_too_large(count: int, sizes: list[int]) -> None:
    chunks = list(chunks_of(list(range(count))))
    assert [len(chunk) for chunk in chunks] == sizes
    assert sum(chunks, []) == list(range(count))
    assert max(sizes, default=0) <= LARGEST_CHUNK


def test_wanted_are_the_series_of_managed_bots_on_listed_symbols(
    running: Callable[..., Any], django_assert_num_queries: Any
) -> None:
    assert wanted_series("sandbox") == frozenset()
    running()
    running()
    running(timeframe="1h")
    running(symbol="GONEUSDT")
    running(symbol="ETHUSDT", base_asset="ETH")
    with django_assert_num_queries(1):
        assert wanted_series("sandbox") == {("BTCUSDT", "1m"), ("BTCUSDT", "1h"), ("ETHUSDT", "1m")}
    SymbolInfo.objects.filter(symbol="ETHUSDT").update(status=DELISTED)
    assert wanted_series("sandbox") == {("BTCUSDT", "1m"), ("BTCUSDT", "1h")}
    assert wanted_series("live") == frozenset()


def test_what_closed_unheard_is_fetched_and_wakes_who_waits(
    sandbox: Any, new_bot: Any, queued: Queued, alice: Any
) -> None:
    bot, stopped = new_bot(), new_bot()
    stop_bot(stopped, by=alice)
    queued.clear()
    now_ms = market_data("sandbox").market_time_ms("BTCUSDT")
    assert catch_up("sandbox", {("BTCUSDT", "1m")}) == 1
    assert queued == [("trading.run_bot_task", bot.pk)]
    stored = candles.read("sandbox", "spot", "BTCUSDT", "1m", count=60, until_open_ms=now_ms - MINUTE_MS)
    assert len(stored) == 60
    have_seen(now_ms - MINUTE_MS, bot)
    assert catch_up("sandbox", {("BTCUSDT", "1m")}) == 0
    assert catch_up("sandbox", frozenset()) == 0


def test_an_exchange_that_is_away_is_caught_up_with_later(
    running: Callable[..., Any], queued: Queued, settings: Any, closed_port: int
) -> None:
    running()
    settings.SANDBOX_URL = f"http://127.0.0.1:{closed_port}"
    forget_clients()
    assert catch_up("sandbox", {("BTCUSDT", "1m")}) == 0
    assert queued == []
