"""Making and changing a bot by form: one message per field, nothing typed is lost, nothing happens twice."""

from __future__ import annotations

import re
from decimal import Decimal
from typing import Any

import pytest

from bots.models import BotConfig, BotVersion
from engine.strategies import all_strategies, params_fields

pytestmark = pytest.mark.usefixtures("symbols")


def form_of(key: Any, **values: Any) -> dict[str, Any]:
    return {
        "name": "Crossing", "api_key": key.pk, "symbol": "BTCUSDT", "timeframe": "5m", "strategy": "ema",
        "initial_capital": "1500", "ema_fast": "8", "ema_slow": "21", "rsi_period": "7", "rsi_oversold": "35",
        "rsi_overbought": "65", **values,
    }  # fmt: skip


def test_a_preset_fills_the_form(alice_page: Any, paper_key: Any) -> None:
    form = alice_page.get("/bots/new/?preset=first-look").context["form"]
    shown = {
        name: form[name].value() for name in ("name", "timeframe", "ema_fast", "ema_slow", "initial_capital")
    }
    assert shown == {
        "name": "First look",
        "timeframe": "1m",
        "ema_fast": 2,
        "ema_slow": 5,
        "initial_capital": "1000",
    }


def test_a_bot_is_made_stopped_and_only_once(alice: Any, alice_page: Any, paper_key: Any) -> None:
    answer = alice_page.post("/bots/new/", form_of(paper_key))
    bot = BotConfig.objects.select_related("state").get(user=alice)
    assert (answer.status_code, answer.url) == (302, f"/bots/{bot.pk}/")
    assert (bot.initial_capital, bot.is_active, bot.state.status) == (Decimal(1500), False, "stopped")
    again = alice_page.post("/bots/new/", form_of(paper_key))
    assert again.status_code == 400
    assert list(again.context["form"].errors) == ["name"]
    assert BotConfig.objects.filter(user=alice).count() == 1


def test_each_wrong_field_is_told_and_what_was_typed_stays(
    alice: Any, alice_page: Any, paper_key: Any
) -> None:
    typed = form_of(paper_key, name="ab", initial_capital="-5", ema_fast="30")
    answer = alice_page.post("/bots/new/", typed)
    assert answer.status_code == 400
    assert set(answer.context["form"].errors) == {"name", "initial_capital", "ema_fast"}
    assert 'value="-5"' in answer.content.decode()
    assert BotConfig.objects.filter(user=alice).count() == 0


def test_what_this_version_does_not_do_is_refused_by_name(alice_page: Any, paper_key: Any) -> None:
    answer = alice_page.post("/bots/new/", form_of(paper_key, direction="short"))
    assert answer.status_code == 400
    assert "Only long bots are available yet" in answer.content.decode()


def test_somebody_elses_key_cannot_be_used(charlie: Any, charlie_page: Any, paper_key: Any) -> None:
    answer = charlie_page.post("/bots/new/", form_of(paper_key))
    assert list(answer.context["form"].errors) == ["api_key"]
    assert BotConfig.objects.filter(user=charlie).count() == 0


def test_while_typing_only_touched_fields_are_told_and_nothing_is_saved(
    alice_page: Any, paper_key: Any
) -> None:
    right = alice_page.post("/bots/validate/", form_of(paper_key)).content.decode()
    assert "At the close of every candle (5 minutes) it looks at BTCUSDT." in right
    wrong = form_of(paper_key, name="", ema_fast="99")
    early = alice_page.post("/bots/validate/", {**wrong, "touched": "ema_fast"})
    assert "Not complete yet" in early.content.decode()
    slots = {name: error_slot(early, name) for name in ("name", "ema_fast", "symbol")}
    assert slots == {"name": "", "ema_fast": "Must be smaller than the slow EMA (21).", "symbol": ""}
    late = alice_page.post("/bots/validate/", {**wrong, "touched": "ema_fast,name"})
    assert error_slot(late, "name") == "This field is required."
    assert BotConfig.objects.count() == 0


def error_slot(answer: Any, name: str) -> str:
    """What goes into the place under a field, its tags taken away."""
    (found,) = re.findall(rf'<div id="id_{name}_error"[^>]*>(.*?)</div>\n', answer.content.decode())
    return re.sub("<[^>]+>", "", found)


def test_the_review_repeats_every_field_with_its_unit(alice_page: Any, paper_key: Any) -> None:
    shown = alice_page.post(
        "/bots/validate/", form_of(paper_key, position_size_perc="25", cooldown_candles="")
    )
    words = re.sub(r"<[^>]+>|\s+", " ", shown.content.decode()).replace("\u00a0", " ")
    for part in (
        "Stake, percent 25 %",
        "Stop loss none",
        "Rest after an exit 0 candles",
        "Fast EMA 8",
        "Candle 5 minutes",
    ):
        assert part in re.sub(" +", " ", words)


def test_another_strategy_brings_its_own_fields(alice_page: Any, paper_key: Any) -> None:
    for entry in all_strategies():
        shown = alice_page.get(f"/bots/parameters/?strategy={entry.name}").content.decode()
        names = [field.name for field in params_fields(entry.name)]
        assert re.findall(r'name="(\w+)"', shown) == ["shown_strategy", *names]
    unknown = alice_page.get("/bots/parameters/?strategy=martingale")
    assert unknown.status_code == 200


def test_without_scripts_a_button_shows_the_fields_and_keeps_what_was_typed(
    alice_page: Any, paper_key: Any
) -> None:
    typed = form_of(paper_key, name="Half typed", show_parameters="1")
    answer = alice_page.post("/bots/new/", typed)
    assert answer.status_code == 200
    assert answer.context["form"]["name"].value() == "Half typed"
    chosen = form_of(paper_key, strategy="rsi", shown_strategy="ema", rsi_period="7")
    unseen = alice_page.post("/bots/new/", chosen)
    assert (unseen.status_code, unseen.context["form"]["rsi_period"].value()) == (200, 14)
    assert BotConfig.objects.count() == 0


def test_the_fields_of_somebody_elses_bot_are_not_shown(
    charlie_page: Any, make_bot: Any, paper_key: Any
) -> None:
    bot = make_bot()
    assert charlie_page.get(f"/bots/parameters/?strategy=ema&bot={bot.pk}").status_code == 404
    assert charlie_page.post("/bots/validate/", form_of(paper_key, bot=bot.pk)).status_code == 404


def test_a_stale_edit_saves_nothing_and_keeps_what_was_typed(alice_page: Any, paper_key: Any) -> None:
    alice_page.post("/bots/new/", form_of(paper_key))
    bot = BotConfig.objects.get()
    where = f"/bots/{bot.pk}/edit/"
    assert alice_page.post(where, form_of(paper_key, version=1, initial_capital="1600")).status_code == 302
    stale = alice_page.post(where, form_of(paper_key, version=1, initial_capital="1700"))
    assert stale.status_code == 409
    shown = stale.content.decode()
    assert "Nothing was saved" in shown
    assert 'value="1700"' in shown
    assert BotConfig.objects.get().initial_capital == Decimal(1600)
    assert alice_page.post(where, form_of(paper_key, version=2, initial_capital="1700")).status_code == 302
    assert BotVersion.objects.filter(bot_config=bot).count() == 3


def test_an_edit_by_back_button_makes_no_second_version(alice_page: Any, paper_key: Any) -> None:
    alice_page.post("/bots/new/", form_of(paper_key))
    bot = BotConfig.objects.get()
    alice_page.post(f"/bots/{bot.pk}/edit/", form_of(paper_key, version=1, initial_capital="1600"))
    alice_page.post(f"/bots/{bot.pk}/edit/", form_of(paper_key, version=1, initial_capital="1600"))
    assert BotConfig.objects.get().version == 2


def test_a_running_bot_is_not_deleted(alice_page: Any, make_bot: Any) -> None:
    bot = make_bot(is_active=True)
    shown = alice_page.post(f"/bots/{bot.pk}/delete/", follow=True).content.decode()
    assert "Stop it first" in shown
    assert BotConfig.objects.get(pk=bot.pk).archived_at is None
