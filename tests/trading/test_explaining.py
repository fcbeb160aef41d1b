"""`bots/{id}/decisions?candle=`: the row of a candle, or its why recomputed, and nothing where the bot did not look."""

from __future__ import annotations

from typing import Any

import pytest

from bots.models import BotState
from tests.trading.steps import go_to_signal
from trading.models import Decision
from trading.runner import run_bot

pytestmark = pytest.mark.django_db
MINUTE_MS = 60_000


@pytest.fixture
def bot(sandbox: Any, new_bot: Any) -> Any:
    """One that has looked at four candles; at the last of them it had nothing new to say."""
    bot = new_bot()
    go_to_signal(sandbox, bot, "no_signal")
    for _number in range(60):
        sandbox.control.advance()
        run_bot(bot.pk)
        if not Decision.objects.filter(bot_config=bot, candle_open_ms=last_opening(bot)).exists():
            break
    return bot


def last_opening(bot: Any) -> int:
    return int(BotState.objects.get(pk=bot.pk).last_candle_open_ms or 0)


def asked(api: Any, bot: Any, candle: Any) -> Any:
    return api.get(f"/api/v1/bots/{bot.pk}/decisions?candle={candle}")


def test_a_quiet_candle_is_explained_again(alice_api: Any, bot: Any) -> None:
    open_ms = last_opening(bot)
    # Any instant of the candle names it.
    (row,) = asked(alice_api, bot, open_ms + 12_345).json()["results"]
    state = BotState.objects.get(pk=bot.pk)
    assert (row["id"], row["is_recomputed"], row["reason"], row["action"]) == (
        None, True, state.last_reason, "none",
    )  # fmt: skip
    assert (row["candle_open_ms"], row["bot_config"], row["created_at"]) == (open_ms, bot.pk, None)
    assert row["text"]
    assert float(row["close_price"]) > 0


def test_a_candle_with_a_row_answers_it(alice_api: Any, bot: Any) -> None:
    stored = Decision.objects.filter(bot_config=bot).order_by("-pk").first()
    assert stored is not None
    rows = asked(alice_api, bot, stored.candle_open_ms).json()["results"]
    assert (rows[0]["id"], rows[0]["is_recomputed"], rows[0]["text"]) == (stored.pk, False, stored.text)


def test_a_candle_nobody_looked_at_has_no_why(alice_api: Any, bot: Any) -> None:
    for open_ms in (last_opening(bot) + MINUTE_MS, last_opening(bot) - 10_000 * MINUTE_MS):
        answer = asked(alice_api, bot, open_ms).json()
        assert answer == {"count": 0, "next": None, "previous": None, "results": []}


def test_a_question_without_sense_is_refused(alice_api: Any, charlie_api: Any, bot: Any) -> None:
    for text in ("abc", "-1", "1.5", "9" * 20):
        answer = asked(alice_api, bot, text)
        assert (answer.status_code, list(answer.json())) == (400, ["candle"]), text
    both = asked(alice_api, bot, f"{MINUTE_MS}&action=enter")
    assert (both.status_code, list(both.json())) == (400, ["action"])
    assert asked(charlie_api, bot, last_opening(bot)).status_code == 404
