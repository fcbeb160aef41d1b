"""Backtests on the paper market: what is not stored is fetched from it over HTTP, and named; nothing is invented."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from bots.validation import ConfigurationRefused
from engine.market import DAY_MS, MINUTE_MS
from exchange.candles import known_range
from exchange.connect import forget_clients, market_data
from exchange.instants import instant_of
from trading.models.research import BacktestStep
from trading.research.backtests import request_backtest
from trading.research.examining import examine
from trading.research.progress import Abandoned, Progress
from trading.research.running import run_backtest
from trading.research.supply import span_within_reach

pytestmark = pytest.mark.django_db
OF = ("sandbox", "spot", "BTCUSDT")


class Heard:
    """Remembers every step; gives up at the `last`-th."""

    def __init__(self, last: int = 1000) -> None:
        self.steps: list[tuple[str, int]] = []
        self.last = last

    def at(self, step: BacktestStep, percent: int) -> None:
        self.steps.append((str(step), percent))
        if len(self.steps) >= self.last:
            raise Abandoned

    def within(self, step: BacktestStep, percent: int) -> None:
        self.at(step, percent)


@pytest.fixture
def values(sandbox: Any, symbols: Any, asked: Any, settings: Any, tmp_path: Path) -> dict[str, Any]:
    """The paper market's last day but one, whatever its clock says."""
    settings.DATA_DIR = tmp_path
    now_ms = market_data("sandbox").market_time_ms("BTCUSDT") // DAY_MS * DAY_MS
    period = {"start_time": instant_of(now_ms - 2 * DAY_MS), "end_time": instant_of(now_ms - DAY_MS)}
    return asked(source="sandbox", **period)  # type: ignore[no-any-return]


def test_missing_minutes_are_fetched_once(
    alice: Any, values: Any, sandbox: Any, settings: Any, closed_port: int
) -> None:
    row = request_backtest(alice, values)
    assert known_range(*OF) is None
    assert run_backtest(row.pk) == "done"
    row.refresh_from_db()
    assert (row.source, row.candles["minutes"], row.candles["missing_minutes"]) == ("sandbox", 1440, 0)

    settings.SANDBOX_URL = f"http://127.0.0.1:{closed_port}"
    forget_clients()
    other = request_backtest(alice, values)
    assert run_backtest(other.pk) == "done"
    other.refresh_from_db()
    assert (other.statistics, other.data_fingerprint) == (row.statistics, row.data_fingerprint)


def test_a_market_that_is_away_is_told_in_words(
    alice: Any, values: Any, sandbox: Any, settings: Any, closed_port: int
) -> None:
    row = request_backtest(alice, values)
    settings.SANDBOX_URL = f"http://127.0.0.1:{closed_port}"
    forget_clients()
    with pytest.raises(ConfigurationRefused) as caught:
        request_backtest(alice, values)
    assert caught.value.errors == {
        "symbol": [
            "Candles of BTCUSDT are not stored for this period, and their exchange does not answer now."
        ]
    }
    assert run_backtest(row.pk) == "failed"
    row.refresh_from_db()
    assert row.message.startswith("The exchange did not answer as expected: ")


def test_the_market_says_how_far_it_reaches(alice: Any, values: Any) -> None:
    span = span_within_reach(*OF)
    assert span is not None
    assert span.end_ms - span.first_ms >= 14 * DAY_MS
    for name, at_ms in (("start_time", span.first_ms - DAY_MS), ("end_time", span.end_ms + DAY_MS)):
        with pytest.raises(ConfigurationRefused) as caught:
            request_backtest(alice, {**values, name: instant_of(at_ms)})
        assert list(caught.value.errors) == [name]
        assert caught.value.errors[name][0].startswith("Candles of BTCUSDT (sandbox) reach from ")


def test_steps_are_told_in_turn(alice: Any, values: Any) -> None:
    row, heard = request_backtest(alice, values), Heard()
    examine(row, heard)
    percents = [percent for _step, percent in heard.steps]
    assert percents == sorted(percents)
    told = list(dict.fromkeys(step for step, _percent in heard.steps))
    assert told == ["candles", "signals", "statistics", "robustness", "saving"]
    assert len([step for step, _percent in heard.steps if step == "candles"]) > 1


def test_what_was_fetched_before_a_cancel_stays(alice: Any, values: Any) -> None:
    row = request_backtest(alice, values)
    with pytest.raises(Abandoned):
        examine(row, Heard(last=2))
    stored = known_range(*OF)
    assert stored is not None
    assert 0 < stored[1] - stored[0] < DAY_MS + 1000 * MINUTE_MS


def test_a_cancel_is_heard_at_the_next_step(alice: Any, values: Any) -> None:
    from trading.models import Backtest

    row = request_backtest(alice, values)
    Backtest.objects.filter(pk=row.pk).update(status="running")
    progress = Progress(row)
    progress.at(BacktestStep.CANDLES, 3)
    row.refresh_from_db()
    assert (row.step, row.progress) == ("candles", 3)
    Backtest.objects.filter(pk=row.pk).update(cancel_wanted_at=instant_of(1))
    progress.within(BacktestStep.CANDLES, 9)  # too soon to ask again
    with pytest.raises(Abandoned):
        progress.at(BacktestStep.SIGNALS, 50)
    row.refresh_from_db()
    assert (row.step, row.progress) == ("candles", 3)
