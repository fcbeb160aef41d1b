"""The bot form: the same judgement as the API, shown on the form's own fields."""

from __future__ import annotations

from typing import Any

import pytest
from django.template.loader import render_to_string

from bots.configuration import StaleVersion, change_bot
from bots.forms import AMOUNTS, BotForm
from bots.models import BotConfig
from bots.presets import PRESETS, preset
from exchange.connect import forget_clients
from exchange.models import SymbolInfo

pytestmark = pytest.mark.django_db
OFFERED = [
    "name", "api_key", "symbol", "timeframe", "strategy", "initial_capital", "position_size_perc",
    "position_size_fixed", "stop_loss_perc", "take_profit_perc", "trailing_stop_perc", "stop_limit_offset_perc",
    "max_daily_trades", "max_daily_loss_perc", "daily_target_perc", "cooldown_candles", "max_slippage_perc",
    "ema_fast", "ema_slow", "ema_period", "rsi_period", "rsi_oversold", "rsi_overbought",
]  # fmt: skip


@pytest.fixture
def posted(wanted: dict[str, Any]) -> dict[str, str]:
    """What a browser sends for the form as it is first shown, filled in."""
    params = {"ema_fast": "8", "ema_slow": "21", "ema_period": "", "rsi_period": "7", "rsi_oversold": "35",
              "rsi_overbought": "65"}  # fmt: skip
    empty = dict.fromkeys(AMOUNTS[1:], "") | {"cooldown_candles": "0"}
    return {**{name: str(value) for name, value in wanted.items()}, **params, **empty}


def test_the_form_offers_what_this_version_does_and_nothing_else(alice: Any, wanted: Any) -> None:
    form = BotForm(user=alice)
    assert list(form.fields) == OFFERED
    assert [value for value, _label in form.fields["symbol"].widget.choices] == ["BTCUSDT", "ETHUSDT"]
    assert [value for value, _label in form.fields["api_key"].widget.choices] == [str(wanted["api_key"])]
    shown = "".join(
        render_to_string("bots/_form_step.html", {"step": step, "form": form}) for step in form.steps
    )
    assert [shown.count(f'name="{name}"') for name in OFFERED] == [1] * len(OFFERED)


def test_a_posted_form_makes_the_bot(alice: Any, posted: Any) -> None:
    form = BotForm(posted, user=alice)
    assert form.is_valid(), form.errors
    bot = form.save()
    assert bot is not None
    assert (bot.user, bot.name, bot.version, bot.strategy_params["ema_slow"]) == (
        alice,
        "My first bot",
        1,
        21,
    )


def test_every_mistake_stands_at_its_field_once(alice: Any, posted: Any) -> None:
    form = BotForm(
        {**posted, "name": "", "ema_fast": "99", "initial_capital": "-1", "timeframe": "2m"}, user=alice
    )
    assert not form.is_valid()
    assert {name: len(texts) for name, texts in form.errors.items()} == {
        "name": 1, "ema_fast": 1, "initial_capital": 1, "timeframe": 1,
    }  # fmt: skip
    assert form.summary() is None
    assert BotConfig.objects.count() == 0


@pytest.mark.parametrize(
    ("field", "value"), [("position_type", "futures"), ("leverage", "5"), ("direction", "short")]
)
def test_a_field_that_is_not_offered_is_refused_by_name(
    alice: Any, posted: Any, field: str, value: str
) -> None:
    form = BotForm({**posted, field: value}, user=alice)
    assert not form.is_valid()
    assert [text.split(":")[0] for text in form.non_field_errors()] == [field]


def test_an_edit_starts_from_the_bot_and_saves_a_version(alice: Any, posted: Any) -> None:
    first = BotForm({**posted, "position_size_perc": "50"}, user=alice)
    assert first.is_valid()
    bot = first.save()
    shown = BotForm(user=alice, bot=bot)
    assert {name: str(shown[name].value() or "") for name in shown.fields} == {
        **posted, "position_size_perc": "50", "version": "1",
    }  # fmt: skip
    edit = BotForm(
        {**posted, "position_size_perc": "50", "position_size_fixed": "80", "version": "1"},
        user=alice,
        bot=bot,
    )
    assert edit.is_valid(), edit.errors
    changed = edit.save()
    assert changed is not None
    assert (changed.version, changed.position_size_perc, changed.position_size_fixed) == (2, None, 80)


def test_a_stale_form_is_refused_with_the_difference(alice: Any, posted: Any) -> None:
    form = BotForm(posted, user=alice)
    assert form.is_valid()
    bot = form.save()
    assert bot is not None
    change_bot(bot, {"timeframe": "1h"}, version=1, by=alice)
    late = BotForm({**posted, "name": "Renamed", "version": "1"}, user=alice, bot=bot)
    assert late.is_valid(), late.errors
    with pytest.raises(StaleVersion) as caught:
        late.save()
    assert [difference.field for difference in caught.value.differences] == ["name", "timeframe"]


def test_a_refusal_at_the_last_moment_is_shown_on_the_form(alice: Any, posted: Any) -> None:
    """Two tabs, one name: the second passed its checks before the first saved."""
    first, second = BotForm(posted, user=alice), BotForm(posted, user=alice)
    assert (first.is_valid(), second.is_valid()) == (True, True)
    assert first.save() is not None
    assert second.save() is None
    assert second.errors == {"name": ["You already have a bot with this name."]}


@pytest.mark.parametrize("name", [found.name for found in PRESETS])
def test_every_preset_fills_the_form_and_makes_a_bot(alice: Any, posted: Any, name: str) -> None:
    shown = BotForm(user=alice, preset=preset(name))
    filled = {
        field: "" if shown[field].value() is None else str(shown[field].value()) for field in shown.fields
    }
    own = {field: posted[field] for field in ("name", "api_key", "symbol", "initial_capital")}
    form = BotForm({**filled, **own}, user=alice)
    assert form.is_valid(), form.errors
    bot = form.save()
    assert bot is not None
    values = preset(name).values
    assert {field: getattr(bot, field) for field in values} == dict(values)


def test_charlie_is_offered_only_his_own_keys(charlie: Any, charlies_key: Any, posted: Any) -> None:
    form = BotForm(posted, user=charlie)
    assert [value for value, _label in form.fields["api_key"].widget.choices] == [str(charlies_key.pk)]
    assert not form.is_valid()
    assert form.errors == {"api_key": ["This API key does not exist."]}


def test_without_exchange_and_stored_symbols_a_symbol_is_typed(
    alice: Any, wanted: Any, settings: Any
) -> None:
    SymbolInfo.objects.all().delete()
    settings.SANDBOX_URL = "http://127.0.0.1:9"
    forget_clients()
    assert BotForm(user=alice).fields["symbol"].widget.input_type == "text"
    forget_clients()
