"""The chart: candles of the venue, the strategy's averages, the bot's trades; only what is stored when it is away."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import numpy as np
import pytest

from engine.indicators import ema
from exchange.connect import market_data
from tests.pages.books import add_trade
from trading.chart import chart_of
from trading.studies import OVERLAYS


@pytest.fixture
def now_ms(sandbox: Any) -> int:
    return int(market_data("sandbox").market_time_ms("BTCUSDT"))


def test_candles_averages_and_trades(now_ms: int, make_bot: Any) -> None:
    bot = make_bot()
    trade = add_trade(bot, "BUY", 64_000, at=datetime.fromtimestamp(now_ms / 1000 - 120, UTC))
    chart = chart_of(bot, now_ms=now_ms)
    asked = market_data("sandbox").candles("BTCUSDT", "1m", start_ms=None, end_ms=None, limit=484)
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


@pytest.mark.parametrize("name", sorted(OVERLAYS))
def test_an_overlay_is_computed_over_the_same_candles(now_ms: int, make_bot: Any, name: str) -> None:
    plain = chart_of(make_bot(), now_ms=now_ms)
    laid = chart_of(make_bot(), overlay=name, now_ms=now_ms)
    labels = list(OVERLAYS[name].columns.values())
    assert [line["name"] for line in laid["lines"]] == [line["name"] for line in plain["lines"]] + labels
    times = [row[0] for row in plain["candles"]]
    for line in laid["lines"][2:]:
        assert [point[0] for point in line["points"]] == times


def test_bollinger_bands_are_two_deviations_around_the_mean(now_ms: int, make_bot: Any) -> None:
    laid = chart_of(make_bot(), overlay="bbands", now_ms=now_ms)
    closes = np.array([row[4] for row in laid["candles"]])
    upper, middle, lower = (line["points"][-1][1] for line in laid["lines"][2:])
    assert middle == pytest.approx(closes[-20:].mean(), rel=1e-9)
    assert upper - middle == pytest.approx(middle - lower, rel=1e-6)
    assert (upper - middle) / closes[-20:].std() == pytest.approx(2, rel=0.06)


def test_an_overlay_that_is_not_offered_draws_nothing(now_ms: int, make_bot: Any) -> None:
    laid = chart_of(make_bot(), overlay="__class__", now_ms=now_ms)
    assert [line["name"] for line in laid["lines"]] == ["EMA 8", "EMA 21"]
