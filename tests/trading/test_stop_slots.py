"""How many more stops an account may have on a symbol: what stands, what is being replaced, what is about to come."""

from __future__ import annotations

import json
from typing import Any

import pytest
from django.utils import timezone

from bots.models import BotConfig
from engine.rules import SymbolRules, rules_from_symbol_info
from tests.conftest import RECORDED_SYMBOLS
from trading.models import Order, Position
from trading.stop_slots import free_stop_slots

pytestmark = pytest.mark.django_db


@pytest.fixture
def rules() -> SymbolRules:
    """BTCUSDT takes five."""
    return rules_from_symbol_info(json.loads(RECORDED_SYMBOLS.read_text())["symbols"][0])


def order(bot: BotConfig, **values: Any) -> Order:
    number = Order.objects.count()
    fields = {
        "account": bot.account, "venue": "sandbox", "market": "spot", "symbol": bot.symbol, "purpose": "entry",
        "reason": "entry", "side": "BUY", "quantity": 1, "client_order_id": f"o-{number}", "state": "open",
        "planned_at": timezone.now(), "request_timestamp_ms": 1, **values,
    }  # fmt: skip
    return Order.objects.create(bot_config=bot, **fields)


def position(bot: BotConfig, **values: Any) -> Position:
    return Position.objects.create(bot_config=bot, sequence=1, opened_at=timezone.now(), **values)


def stop_of(held: Position, **values: Any) -> Order:
    leg = {"purpose": "stop", "kind": "STOP_LOSS_LIMIT", "side": "SELL", "reason": "stop_loss", **values}
    return order(held.bot_config, position=held, **leg)


def test_an_account_without_stops_has_all_slots(make_bot: Any, rules: SymbolRules) -> None:
    bot = make_bot()
    position(bot, quantity=1)
    order(make_bot())
    assert free_stop_slots(bot.account, "BTCUSDT", rules) == rules.max_algo_orders == 5


def test_a_wanted_stop_takes_one_slot_whether_it_stands_or_is_on_its_way(
    make_bot: Any, rules: SymbolRules
) -> None:
    standing, bare, replaced = (position(make_bot(), stop_price=90, quantity=1) for _ in range(3))
    stop_of(standing)
    stop_of(standing, purpose="target", kind="LIMIT_MAKER", reason="take_profit")
    old = stop_of(replaced, cancel_wanted_at=timezone.now())
    stop_of(replaced, replaces=old, state="sending")
    assert free_stop_slots(bare.bot_config.account, "BTCUSDT", rules) == 2


def test_entries_on_their_way_count_where_they_will_want_a_stop(make_bot: Any, rules: SymbolRules) -> None:
    fixed, trailing, bare = (
        make_bot(stop_loss_perc=2),
        make_bot(trailing_stop_perc=2),
        make_bot(take_profit_perc=2),
    )
    for bot in (fixed, trailing, bare):
        order(bot, state="unknown")
    assert free_stop_slots(fixed.account, "BTCUSDT", rules) == 3
    Order.objects.update(state="filled")
    assert free_stop_slots(fixed.account, "BTCUSDT", rules) == 5


def test_a_partly_filled_entry_counts_once(make_bot: Any, rules: SymbolRules) -> None:
    held = position(make_bot(stop_loss_perc=2), stop_price=90, quantity=1)
    order(held.bot_config, state="partially_filled", position=held)
    assert free_stop_slots(held.bot_config.account, "BTCUSDT", rules) == 4


def test_a_stop_left_over_from_a_closed_position_counts_until_it_is_final(
    make_bot: Any, rules: SymbolRules
) -> None:
    closed = position(make_bot(), stop_price=90, closed_at=timezone.now())
    left = stop_of(closed)
    assert free_stop_slots(closed.bot_config.account, "BTCUSDT", rules) == 4
    Order.objects.filter(pk=left.pk).update(state="canceled")
    assert free_stop_slots(closed.bot_config.account, "BTCUSDT", rules) == 5


def test_other_symbols_and_accounts_have_their_own_and_it_is_never_negative(
    make_bot: Any, charlie: Any, rules: SymbolRules
) -> None:
    from accounts.keys import mint_paper_key

    account = [position(make_bot(), stop_price=90).bot_config for _ in range(6)][0].account
    position(make_bot(symbol="ETHUSDT"), stop_price=90)
    elsewhere = position(make_bot(mint_paper_key(charlie, "His")), stop_price=90).bot_config.account
    places = ((account, "BTCUSDT"), (account, "ETHUSDT"), (elsewhere, "BTCUSDT"))
    assert [free_stop_slots(*place, rules) for place in places] == [0, 4, 4]
