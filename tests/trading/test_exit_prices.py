"""Exits moved by hand: what is refused names its field and changes nothing; what is accepted reaches the exchange."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest

from accounts.models import AuditEntry
from bots.configuration import change_bot
from bots.lifecycle import LifecycleRefused
from bots.models import BotConfig, BotState
from bots.validation import ConfigurationRefused
from exchange.connect import forget_clients, market_data
from tests.trading.steps import fresh, plan_buy
from trading.audit import audit_fills
from trading.exit_prices import change_exit_prices
from trading.lifecycle import close_position
from trading.models import Order, Position
from trading.orders.execution import send
from trading.orders.protection import tend

pytestmark = pytest.mark.django_db
EXITS = {"stop_loss_perc": 5, "take_profit_perc": 5, "trailing_stop_perc": 8}


@pytest.fixture
def bot(new_bot: Any) -> BotConfig:
    """In a position, with stop, target and a trail that lies below the stop."""
    made = new_bot(**EXITS)
    assert send(plan_buy(fresh(made)).pk).state == "filled"
    tend(position_of(made).pk)
    return fresh(made)


def position_of(bot: BotConfig) -> Position:
    position: Position = Position.objects.open().get(bot_config=bot)
    return position


def last_price(bot: BotConfig) -> Decimal:
    return Decimal(market_data("sandbox").price_e8(bot.symbol)) / 10**8


def at(bot: BotConfig, percent: str) -> str:
    """So many percent of the last price, on a whole cent."""
    return str((last_price(bot) * Decimal(percent) / 100).quantize(Decimal("0.01")))


def standing(bot: BotConfig) -> dict[str, Decimal]:
    """What stands at the exchange for the bot: the price of each leg."""
    legs = Order.objects.filter(bot_config=bot, state="open")
    return {leg.purpose: leg.stop_price if leg.purpose == "stop" else leg.price for leg in legs}


def shown(bot: BotConfig) -> tuple[Any, Any, Any]:
    state = BotState.objects.get(pk=bot.pk)
    return state.stop_loss_price, state.take_profit_price, state.trailing_stop_price


def refused(bot: BotConfig, given: dict[str, Any]) -> dict[str, list[str]]:
    before = (shown(bot), standing(bot))
    with pytest.raises(ConfigurationRefused) as caught:
        change_exit_prices(bot, given, by=bot.user)
    assert (shown(bot), standing(bot)) == before
    return caught.value.errors


def test_moved_exits_stand_at_the_exchange(sandbox: Any, bot: BotConfig, alice: Any) -> None:
    stop, target = at(bot, "97"), at(bot, "110")
    change_exit_prices(bot, {"stop_loss_price": stop, "take_profit_price": target}, by=alice)
    tend(position_of(bot).pk)
    assert standing(bot) == {"stop": Decimal(stop), "target": Decimal(target)}
    assert shown(bot)[:2] == (Decimal(stop), Decimal(target))
    assert audit_fills(sandbox.control).details == ()


def test_the_tighter_of_stop_and_trail_is_the_one_that_stands(bot: BotConfig, alice: Any) -> None:
    trail = at(bot, "98")
    change_exit_prices(bot, {"trailing_stop_price": trail}, by=alice)
    tend(position_of(bot).pk)
    assert (standing(bot)["stop"], position_of(bot).stop_reason) == (Decimal(trail), "trailing_stop")
    change_exit_prices(bot, {"trailing_stop_price": None}, by=alice)
    tend(position_of(bot).pk)
    position = position_of(bot)
    assert (standing(bot)["stop"], position.stop_reason) == (shown(bot)[0], "stop_loss")
    assert (position.trailing_stop_perc, shown(bot)[2]) == (None, None)


def test_null_takes_an_exit_away(bot: BotConfig, alice: Any) -> None:
    change_exit_prices(bot, {"take_profit_price": ""}, by=alice)
    tend(position_of(bot).pk)
    assert list(standing(bot)) == ["stop"]
    everything = {"stop_loss_price": None, "trailing_stop_price": None}
    change_exit_prices(bot, everything, by=alice)
    tend(position_of(bot).pk)
    assert (standing(bot), shown(bot)) == ({}, (None, None, None))


@pytest.mark.parametrize("field", ["stop_loss_price", "trailing_stop_price"])
def test_a_stop_is_taken_away_by_null_only(bot: BotConfig, field: str) -> None:
    assert refused(bot, {field: " "}) == {field: ["Say null to take this stop away."]}


def test_the_wrong_side_of_the_price_is_refused_on_its_field(bot: BotConfig) -> None:
    last = at(bot, "100")
    below = f"A stop lies below the last price ({Decimal(last).normalize():f})."
    above = f"A target lies above the last price ({Decimal(last).normalize():f})."
    wrong = {"stop_loss_price": last, "trailing_stop_price": at(bot, "101"), "take_profit_price": last}
    assert refused(bot, wrong) == {
        "stop_loss_price": [below], "trailing_stop_price": [below], "take_profit_price": [above],
    }  # fmt: skip
    assert list(refused(bot, {"take_profit_price": at(bot, "99")})) == ["take_profit_price"]


@pytest.mark.parametrize("value", ["abc", "-5", "0", True, [], "NaN", "1e400", {"a": 1}])
def test_what_is_no_price_is_refused(bot: BotConfig, value: Any) -> None:
    assert list(refused(bot, {"stop_loss_price": value})) == ["stop_loss_price"]


def test_a_price_between_two_ticks_or_out_of_reach_is_refused(bot: BotConfig) -> None:
    assert refused(bot, {"stop_loss_price": at(bot, "95") + "5"}) == {
        "stop_loss_price": ["BTCUSDT has prices in steps of 0.01."]
    }
    assert list(refused(bot, {"stop_loss_price": at(bot, "19"), "take_profit_price": at(bot, "501")})) == [
        "stop_loss_price", "take_profit_price",
    ]  # fmt: skip


def test_other_fields_are_no_exit_prices(bot: BotConfig) -> None:
    assert list(refused(bot, {"entry_price": "1", "stop_loss_price": at(bot, "95")})) == ["entry_price"]


def test_without_a_position_there_is_nothing_to_move(new_bot: Any, alice: Any) -> None:
    flat = new_bot()
    assert refused(flat, {"stop_loss_price": "10"}) == {"stop_loss_price": ["This bot holds no position."]}


def test_a_trail_needs_the_distance_the_position_was_opened_with(bot: BotConfig, alice: Any) -> None:
    change_exit_prices(bot, {"trailing_stop_price": None}, by=alice)
    assert list(refused(bot, {"trailing_stop_price": at(bot, "98")})) == ["trailing_stop_price"]


def test_a_position_that_is_being_closed_keeps_its_exits(bot: BotConfig, alice: Any) -> None:
    close_position(bot, by=alice)
    with pytest.raises(LifecycleRefused) as caught:
        change_exit_prices(bot, {"stop_loss_price": at(bot, "96")}, by=alice)
    assert caught.value.status_code == 409


def test_with_the_exchange_away_nothing_is_changed(bot: BotConfig, alice: Any, settings: Any) -> None:
    wanted, before = at(bot, "96"), shown(bot)
    settings.SANDBOX_URL = "http://127.0.0.1:9"
    forget_clients()
    with pytest.raises(LifecycleRefused) as caught:
        change_exit_prices(bot, {"stop_loss_price": wanted}, by=alice)
    assert (caught.value.status_code, shown(bot)) == (503, before)


def test_every_accepted_change_is_audited_with_what_it_was(bot: BotConfig, alice: Any) -> None:
    before, wanted = shown(bot)[0], at(bot, "96")
    for _ in range(2):
        change_exit_prices(
            bot, {"stop_loss_price": wanted, "take_profit_price": str(shown(bot)[1])}, by=alice
        )
    entry = AuditEntry.objects.get(event="exit_prices_changed")
    assert (entry.actor, entry.subject_id) == (alice, bot.pk)
    assert entry.before == {"stop_loss_price": f"{before.normalize():f}"}
    assert Decimal(entry.after["stop_loss_price"]) == Decimal(wanted)


def test_an_edit_of_the_bot_leaves_the_exits_of_its_position(bot: BotConfig, alice: Any) -> None:
    before = (shown(bot), standing(bot))
    changed = {"stop_loss_perc": "1", "take_profit_perc": None, "trailing_stop_perc": None}
    assert change_bot(bot, changed, 1, by=alice).version == 2
    tend(position_of(bot).pk)
    assert (shown(bot), standing(bot), position_of(bot).trailing_stop_perc) == (*before, Decimal(8))
