"""Parameters with digits behind the point in the form of a bot: shown, kept, and no change where nothing changed."""

from __future__ import annotations

from typing import Any

import pytest

from bots.models import BotConfig


@pytest.mark.usefixtures("symbols")
def test_the_form_shows_and_keeps_digits(alice: Any, alice_page: Any, paper_key: Any) -> None:
    typed = {
        "name": "Bands", "api_key": paper_key.pk, "symbol": "BTCUSDT", "timeframe": "5m", "strategy": "bollinger",
        "shown_strategy": "bollinger", "initial_capital": "1500", "bollinger_period": "20",
        "bollinger_deviations": "2.25",
    }  # fmt: skip
    empty = alice_page.get("/bots/parameters/?strategy=bollinger").content.decode()
    assert 'name="bollinger_deviations" value="2"' in empty
    assert 'step="any"' in empty
    made = alice_page.post("/bots/new/", typed)
    bot = BotConfig.objects.get(user=alice)
    assert (made.status_code, bot.strategy_params["bollinger_deviations"]) == (302, "2.25")
    shown = alice_page.get(f"/bots/{bot.pk}/edit/").content.decode()
    assert 'name="bollinger_deviations" value="2.25"' in shown
    again = alice_page.post(
        f"/bots/{bot.pk}/edit/", {**typed, "bollinger_deviations": "2.250", "version": "1"}
    )
    assert again.status_code == 302
    bot.refresh_from_db()
    assert bot.version == 1
