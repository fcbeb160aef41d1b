"""The chart: candles of the venue, the strategy's averages, the bot's trades; only what is stored when it is away."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import numpy as np
import pytest
from celery.signals import before_task_publish

from engine.indicators import bollinger, ema, macd, rsi
from engine.market import last_closed_opening
from exchange.connect import market_data
from tests.pages.books import add_trade, protect
from trading.chart import ChartSeries, chart_of
from trading.models import Position
from trading.studies import OVERLAYS, draw_overlay, overlay_of
from trading.waking import note_research


@pytest.fixture
def now_ms(sandbox: Any) -> int:
    return int(market_data("sandbox").market_time_ms("BTCUSDT"))


def test_candles_averages_and_trades(now_ms: int, make_bot: Any) -> None:
    bot = make_bot()
    trade = add_trade(bot, "BUY", 64_000, at=datetime.fromtimestamp(now_ms / 1000 - 120, UTC))
    chart = chart_of(bot, now_ms=now_ms)
    asked = market_data("sandbox").candles("BTCUSDT", "1m", start_ms=None, end_ms=None, limit=384)
    assert chart["is_current"] is True
    assert len(chart["candles"]) == 300
    assert [row[0] * 1000 for row in chart["candles"]] == asked.open_ms[-300:].tolist()
    assert [row[4] for row in chart["candles"]] == (asked.close[-300:] / 1e8).tolist()
    fast, slow = chart["lines"]
    assert (fast["name"], slow["name"]) == ("EMA 8", "EMA 21")
    assert np.allclose([point[1] for point in slow["points"]], ema(asked.close / 1e8, 21)[-300:], rtol=1e-12)
    assert chart["trades"] == [
        {"time": int(trade.timestamp.timestamp()) // 60 * 60, "side": "BUY", "price": 64_000.0, "pnl": None}
    ]
    assert chart["entry_price"] == 64_000.0


def test_stop_and_target_of_the_open_position(now_ms: int, make_bot: Any, symbols: None) -> None:
    bot = make_bot()
    assert chart_of(bot, now_ms=now_ms)["exits"] is None
    add_trade(bot, "BUY", 64_000)
    protect(bot, stop=62_720, target=66_560)
    assert chart_of(bot, now_ms=now_ms)["exits"] == {
        "lines": [
            {"kind": "stop", "field": "stop_loss_price", "price": 62_720.0},
            {"kind": "target", "field": "take_profit_price", "price": 66_560.0},
        ],
        "is_closing": False, "quantity": 0.00999, "cost": 640.0, "fee": 0.001, "tick": 0.01,
    }  # fmt: skip
    Position.objects.update(stop_reason="trailing_stop", target_price=None, action="exit")
    trailed = chart_of(bot, now_ms=now_ms)["exits"]
    assert (trailed["lines"], trailed["is_closing"]) == (
        [{"kind": "stop", "field": "trailing_stop_price", "price": 62_720.0}],
        True,
    )


def test_only_what_is_new(now_ms: int, make_bot: Any) -> None:
    bot = make_bot()
    whole = chart_of(bot, now_ms=now_ms)
    since = whole["candles"][-2][0]
    part = chart_of(bot, since=since, now_ms=now_ms)
    assert part["candles"] == whole["candles"][-2:]
    assert [line["points"] for line in part["lines"]] == [line["points"][-2:] for line in whole["lines"]]


def test_without_the_exchange_nothing_is_invented(settings: Any, make_bot: Any) -> None:
    from exchange.connect import forget_clients

    settings.SANDBOX_URL = "http://127.0.0.1:9"
    forget_clients()
    chart = chart_of(make_bot(symbol="ETHUSDT", timeframe="4h"))
    assert (chart["candles"], chart["trades"], chart["is_current"]) == ([], [], False)
    forget_clients()


def draw(bot: Any, name: str, now_ms: int) -> dict[str, Any]:
    """As page and worker do it, without a worker: the page asks, the worker computes, the page asks again."""
    assert overlay_of(bot, name, now_ms=now_ms) == {"lines": [], "is_pending": True}
    series = ChartSeries(bot.api_key.venue, bot.position_type, bot.symbol, bot.timeframe)
    draw_overlay(series, name, last_closed_opening(now_ms, bot.timeframe))
    return overlay_of(bot, name, now_ms=now_ms)


def test_an_overlay_is_called_for_where_somebody_hears_it(now_ms: int, make_bot: Any, symbols: None) -> None:
    bot = make_bot()
    asked: list[str] = []

    def note(sender: str, **_: Any) -> None:
        asked.append(sender)

    before_task_publish.connect(note)
    try:
        for _ in range(2):
            assert overlay_of(bot, "hma", now_ms=now_ms)["is_pending"]
        assert asked == []
        note_research(for_seconds=60)
        for _ in range(2):
            assert overlay_of(bot, "hma", now_ms=now_ms)["is_pending"]
        # Many pages that ask are one call.
        assert asked == ["trading.draw_overlay"]
    finally:
        before_task_publish.disconnect(note)


@pytest.mark.parametrize("name", sorted(OVERLAYS))
def test_an_overlay_covers_the_closed_candles_shown(now_ms: int, make_bot: Any, name: str) -> None:
    bot = make_bot()
    laid = draw(bot, name, now_ms)
    assert laid["is_pending"] is False
    assert [line["name"] for line in laid["lines"]] == list(OVERLAYS[name].columns.values())
    until = last_closed_opening(now_ms, "1m") // 1000
    for line in laid["lines"]:
        assert [point[0] for point in line["points"]] == list(range(until - 299 * 60, until + 60, 60))


def test_bollinger_bands_are_two_deviations_around_the_mean(now_ms: int, make_bot: Any) -> None:
    laid = draw(make_bot(), "bbands", now_ms)
    until_ms = last_closed_opening(now_ms, "1m")
    asked = market_data("sandbox").candles("BTCUSDT", "1m", start_ms=None, end_ms=until_ms, limit=20)
    closes = asked.close / 1e8
    upper, middle, lower = (line["points"][-1][1] for line in laid["lines"])
    assert middle == pytest.approx(closes.mean(), rel=1e-9)
    assert upper - middle == pytest.approx(middle - lower, rel=1e-6)
    assert (upper - middle) / closes.std() == pytest.approx(2, rel=0.06)


def test_an_overlay_that_is_not_offered_or_of_a_stranger_is_not_found(
    client: Any, make_bot: Any, alice: Any, charlie: Any
) -> None:
    bot = make_bot()
    path = f"/bots/{bot.pk}/overlays/{{}}.json"
    client.force_login(charlie)
    assert client.get(path.format("bbands")).status_code == 404
    client.force_login(alice)
    assert client.get(path.format("eval")).status_code == 404
    assert client.get(path.format("bbands")).json() == {"lines": [], "is_pending": True}


@pytest.mark.parametrize("since", ["9" * 5000, "²", "-1", "soon", ""])
def test_a_since_that_is_no_instant_leaves_nothing_out(
    alice_page: Any, make_bot: Any, now_ms: int, since: str
) -> None:
    answer = alice_page.get(f"/bots/{make_bot().pk}/chart.json", {"since": since})
    assert (answer.status_code, len(answer.json()["candles"])) == (200, 300)


def lines_drawn(bot: Any, now_ms: int) -> tuple[Any, np.ndarray]:
    asked = market_data("sandbox").candles("BTCUSDT", "1m", start_ms=None, end_ms=None, limit=1000)
    return chart_of(bot, now_ms=now_ms)["lines"], asked.close / 1e8


def values_of(line: Any) -> list[float]:
    return [point[1] for point in line["points"]]


def test_a_bot_of_bands_shows_its_own(now_ms: int, make_bot: Any) -> None:
    params = {"bollinger_period": 30, "bollinger_deviations": "1.5"}
    drawn, closes = lines_drawn(make_bot(strategy="bollinger", strategy_params=params), now_ms)
    assert [(line["name"], line["pane"]) for line in drawn] == [("BB+", 0), ("BB 30", 0), ("BB−", 0)]
    bands = bollinger(closes, 30, 1.5)
    for line, values in zip(drawn, (bands.upper, bands.middle, bands.lower), strict=True):
        assert np.allclose(values_of(line), values[-300:], rtol=1e-9)


def test_a_bot_of_macd_shows_both_lines_below_its_candles(now_ms: int, make_bot: Any) -> None:
    drawn, closes = lines_drawn(make_bot(strategy="macd", strategy_params={}), now_ms)
    told = [(line["name"], line["pane"], list(line["levels"])) for line in drawn]
    assert told == [("MACD 12/26", 1, [0.0]), ("EMA 9", 1, [])]
    found = macd(closes, 12, 26, 9)
    for line, values in zip(drawn, (found.line, found.signal), strict=True):
        # Both began early enough to have forgotten where; to a thousandth of how far MACD itself goes.
        assert np.allclose(values_of(line), values[-300:], rtol=0, atol=np.abs(found.line[-300:]).max() / 1e3)


def test_a_bot_of_rsi_shows_it_between_its_levels(now_ms: int, make_bot: Any) -> None:
    params = {"rsi_period": 10, "rsi_oversold": 25, "rsi_overbought": 75}
    (line,), closes = lines_drawn(make_bot(strategy="rsi", strategy_params=params), now_ms)
    assert (line["name"], line["pane"], list(line["levels"])) == ("RSI 10", 1, [25.0, 75.0])
    assert np.allclose(values_of(line), rsi(closes, 10)[-300:], rtol=0, atol=0.01)


def test_a_bot_of_five_witnesses_shows_those_on_the_price(now_ms: int, make_bot: Any) -> None:
    drawn, _closes = lines_drawn(make_bot(strategy="confluence", strategy_params={}), now_ms)
    assert [(line["name"], line["pane"]) for line in drawn] == [("EMA 8", 0), ("EMA 21", 0), ("SMA 20", 0)]


def test_a_strategy_that_is_gone_leaves_its_candles(now_ms: int, make_bot: Any) -> None:
    bot = make_bot()
    bot.strategy = "gone"
    chart = chart_of(bot, now_ms=now_ms)
    assert (chart["lines"], len(chart["candles"])) == ([], 300)
