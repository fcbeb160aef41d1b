"""What futures ask of a backtest is asked before it is queued, one message a field; what is missing is named."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest

from bots.configuration import create_bot
from bots.validation import ConfigurationRefused
from engine.margin import liquidation_e8, scale_of
from exchange.futures.contracts import brackets_of, rules_of_contract
from tests.backtests import ask_of_futures, store_futures
from trading.models import Backtest
from trading.research.futures import farthest_stop, worth_of_stake

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def _candles(symbols: None, settings: Any, tmp_path: Any) -> None:
    store_futures(settings, tmp_path)


def refused(user: Any, **changes: Any) -> dict[str, list[str]]:
    with pytest.raises(ConfigurationRefused) as caught:
        ask_of_futures(user, **changes)
    assert Backtest.objects.count() == 0
    return caught.value.errors


@pytest.mark.parametrize(
    ("changes", "errors"),
    [
        ({"stop_loss_perc": None}, {"stop_loss_perc": "Futures need a stop loss."}),
        ({"leverage": 0}, {"leverage": "The leverage must be from 1 to 125."}),
        ({"leverage": 126}, {"leverage": "The leverage must be from 1 to 125."}),
        ({"leverage": "2.5"}, {"leverage": "This must be a whole number."}),
        ({"direction": "sideways"}, {"direction": "Choose one of: long, short, both."}),
        ({"source": "sandbox"}, {"source": "The paper market does not trade futures. Choose candles of binance."}),
        ({"symbol": "NOPEUSDT"}, {"symbol": "The futures rules of NOPEUSDT are not known here."}),
        ({"symbol": "SOLUSDT"}, {"symbol": "There are no candles of SOLUSDT (binance)."}),
        ({"symbol": "1000PEPEUSDT", "leverage": 100}, {"leverage": "1000PEPEUSDT allows a leverage of at most 75."}),
        (
            {"leverage": 20, "stop_loss_perc": "4.7"},
            {"stop_loss_perc": "With leverage 20 a position is liquidated 4.62 % from its entry at the latest: "
                               "the stop must lie nearer."},
        ),
        (
            {"leverage": 125, "stop_loss_perc": "0.2", "initial_capital": "1000"},
            {"leverage": "With leverage 125 a position of BTCUSDT is worth at most 50,000.00 USDT; "
                         "this one: 105,263.16 USDT."},
        ),
        (
            {"initial_capital": "20", "leverage": 4},
            {"initial_capital": "A position would be 79.52 USDT; BTCUSDT takes orders from 100.00 USDT."},
        ),
        ({"end_time": "2025-07-01"}, {"end_time": "Candles of BTCUSDT (binance) reach from 2025-05-04 15:33 to "
                                                  "2025-06-03 15:32 UTC."}),
        ({"position_type": "spot"}, {"direction": "On the spot market it can only go long. Choose futures to go short.",
                                     "leverage": "The spot market has no leverage. Set it to 1, or choose futures."}),
        ({"stop_loss_perc": None, "leverage": 200, "direction": "up"},
         {"stop_loss_perc": "Futures need a stop loss.", "leverage": "The leverage must be from 1 to 125.",
          "direction": "Choose one of: long, short, both."}),
    ],
)  # fmt: skip
def test_what_cannot_be_served_names_its_field(alice: Any, changes: Any, errors: dict[str, str]) -> None:
    assert refused(alice, **changes) == {name: [message] for name, message in errors.items()}


def test_bots_of_futures_are_refused_as_before(alice: Any, paper_key: Any) -> None:
    with pytest.raises(ConfigurationRefused) as caught:
        create_bot(
            alice,
            {
                "name": "Shorty", "api_key": paper_key.pk, "symbol": "BTCUSDT", "timeframe": "5m", "strategy": "ema",
                "initial_capital": "1000", "stop_loss_perc": "1", "position_type": "futures", "direction": "short",
                "leverage": 5,
            },
            by=alice,
        )  # fmt: skip
    assert {"position_type", "direction", "leverage"} <= caught.value.errors.keys()


@pytest.mark.parametrize("leverage", [2, 5, 20, 100, 125])
@pytest.mark.parametrize(("direction", "side"), [("long", 1), ("short", -1)])
def test_the_farthest_stop_is_where_the_engine_liquidates(leverage: int, direction: str, side: int) -> None:
    """A position in the smallest bracket, by the formula of the engine and by that of the form."""
    rules, price = rules_of_contract("BTCUSDT"), 100_000 * 10**8
    steps = 1000
    notional = steps * rules.step_e8 * price // 10**8
    brackets = brackets_of("BTCUSDT")[:1]
    level = liquidation_e8(side, steps, notional, notional // leverage, scale_of(rules.step_e8), brackets)
    percent = abs(price - level) / price * 100
    assert float(farthest_stop("BTCUSDT", leverage, direction)) == pytest.approx(percent, abs=1e-6)


def test_a_stake_is_worth_its_leverage_less_what_is_kept_back() -> None:
    """SPEC §5.4: share × capital / (1 + leverage × (taker fee + 0.1 %)) × leverage."""
    assert worth_of_stake(1, Decimal("0.05")) == 1 / Decimal("1.0015")
    assert (1000 * worth_of_stake(10, Decimal("0.05"))).quantize(Decimal("0.01")) == Decimal("9852.22")


HOSTILE = (
    {},
    [],
    {"a": [1]},
    True,
    -1,
    1.5,
    10**30,
    "1e999",
    "NaN",
    "\x00",
    "x" * 5000,
    "٣",
    " ",
    float("inf"),
    None,
)


@pytest.mark.parametrize(
    "field", ["position_type", "direction", "leverage", "symbol", "stop_loss_perc", "source"]
)
def test_nonsense_is_an_answer_never_an_error(alice: Any, field: str) -> None:
    """Whatever stands in a field is either refused in words or read as what it says."""
    answers = {repr(value)[:20]: answer_to(alice, **{field: value}) for value in HOSTILE}
    assert [value for value, answer in answers.items() if not answer] == []


def answer_to(user: Any, **changes: Any) -> Any:
    try:
        return ask_of_futures(user, **changes).delete()
    except ConfigurationRefused as refusal:
        return refusal.errors
