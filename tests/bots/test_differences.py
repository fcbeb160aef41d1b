"""A stale edit says in the form's own words what differs."""

from __future__ import annotations

from typing import Any

from bots.configuration import Difference
from bots.differences import in_words
from bots.forms import BotForm


def test_labels_choices_and_single_parameters(alice: Any, paper_key: Any) -> None:
    differences = (
        Difference("name", "One", "Two", "Three"),
        Difference("api_key", paper_key.pk, paper_key.pk, 999_999),
        Difference("timeframe", "1m", "5m", "1m"),
        Difference("strategy_params", {"ema_fast": 8, "ema_slow": 21}, {"ema_fast": 9, "ema_slow": 21}, None),
    )
    assert in_words(BotForm(user=alice), differences) == [
        Difference("Name", "One", "Two", "Three"),
        Difference("API key", str(paper_key), str(paper_key), 999_999),
        Difference("Candle", "1 minute", "5 minutes", "1 minute"),
        Difference("Fast EMA", 8, 9, None),
        Difference("Slow EMA", 21, 21, None),
    ]
