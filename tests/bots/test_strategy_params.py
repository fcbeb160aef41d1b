"""What a strategy's parameters touch in a bot: their names, their exact storage, the words of the summary."""

from __future__ import annotations

from typing import Any

import pytest

from bots.form_fields import FieldsOfABot
from bots.models import BotConfig
from bots.strategy_words import when_it_trades
from bots.validation import FIELDS, SET_ELSEWHERE
from engine.strategies import all_strategies, params_dict, params_fields, parse_params
from engine.strategies.own import RESERVED


def test_no_parameter_is_called_as_a_field_of_a_bot() -> None:
    """Flat names stand beside the fields in a body and in the form: one would be taken for the other."""
    taken = {*FIELDS, *SET_ELSEWHERE, *FieldsOfABot.base_fields}
    assert taken - RESERVED == set()
    used = {field.name for entry in all_strategies() for field in params_fields(entry.name)}
    assert used & RESERVED == set()


@pytest.mark.usefixtures("symbols")
@pytest.mark.parametrize("written", ["2.50", 2.5])
def test_digits_behind_the_point_are_stored_as_they_are_written(
    alice_api: Any, paper_key: Any, written: Any
) -> None:
    body = {
        "name": "Bands",
        "api_key": paper_key.pk,
        "symbol": "BTCUSDT",
        "initial_capital": "1500",
        "strategy": "bollinger",
        "strategy_params": {"bollinger_deviations": written},
    }
    answer = alice_api.post("/api/v1/bot-configs/", body, format="json")
    assert answer.status_code == 201, answer.json()
    stored = {"bollinger_period": 20, "bollinger_deviations": "2.5"}
    assert answer.json()["strategy_params"] == BotConfig.objects.get().strategy_params == stored


@pytest.mark.usefixtures("symbols")
def test_a_flat_name_may_have_digits_and_a_wrong_one_is_told(alice_api: Any, paper_key: Any) -> None:
    body = {
        "name": "Bands",
        "api_key": paper_key.pk,
        "symbol": "BTCUSDT",
        "initial_capital": "1500",
        "strategy": "bollinger",
    }
    wrong = alice_api.post("/api/v1/bot-configs/", {**body, "bollinger_deviations": "10.5"}, format="json")
    assert (wrong.status_code, wrong.json()) == (
        400,
        {"bollinger_deviations": ["Must be between 0.1 and 10."]},
    )
    right = alice_api.post("/api/v1/bot-configs/", {**body, "bollinger_deviations": "1.25"}, format="json")
    assert right.json()["strategy_params"]["bollinger_deviations"] == "1.25"


@pytest.mark.parametrize(
    ("name", "first", "second"),
    [
        (
            "macd",
            "It buys when MACD, the average of 12 candles less that of 26, crosses above its own average of 9 candles.",
            "It sells when MACD crosses back below.",
        ),
        (
            "bollinger",
            "It buys when the price climbs back above the lower Bollinger Band: 2 deviations below the average of 20 "
            "candles.",
            "It sells when the price falls back below the upper band.",
        ),
        (
            "confluence",
            "It buys when at least 4 of five agree on a rise: EMA (8 above 21), RSI (14) between 50 and 70, MACD above "
            "zero, the price in the upper half of its Bollinger Bands, and 1.5 times the usual volume.",
            "It sells when as many agree on a fall.",
        ),
    ],
)
def test_strategies_in_words(name: str, first: str, second: str) -> None:
    assert when_it_trades(name, params_dict(parse_params(name, {}))) == [first, second]
    assert when_it_trades("gone", {}) == []
