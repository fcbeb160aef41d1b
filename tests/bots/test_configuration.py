"""Creating, changing and deleting bots: versions, stale edits, and what a busy bot may not change."""

from __future__ import annotations

import threading
from decimal import Decimal
from typing import Any

import pytest
from django.db import connection

from accounts.keys import delete_key, mint_paper_key
from bots.configuration import (
    ConfigurationRefused,
    Difference,
    StaleVersion,
    archive_bot,
    change_bot,
    create_bot,
)
from bots.lifecycle import LifecycleRefused, activate
from bots.models import BotConfig, BotState, BotVersion
from bots.queries import bots_of, managed_bots

pytestmark = pytest.mark.django_db


def refused(call: Any, *args: Any, **kwargs: Any) -> dict[str, list[str]]:
    with pytest.raises(ConfigurationRefused) as caught:
        call(*args, **kwargs)
    return caught.value.errors


def test_a_new_bot_is_stopped_and_has_its_state_and_first_version(
    alice: Any, wanted: Any, paper_key: Any
) -> None:
    bot = create_bot(alice, wanted, by=alice)
    bot.refresh_from_db()
    assert (bot.user, bot.api_key, bot.account, bot.version) == (alice, paper_key, paper_key.account, 1)
    assert (bot.base_asset, bot.quote_asset, bot.is_active) == ("BTC", "USDT", False)
    assert (bot.initial_capital, bot.position_size_perc, bot.position_size_fixed) == (
        Decimal(1000),
        None,
        None,
    )
    assert (bot.state.status_text, bot.state.in_position) == ("stopped", False)
    version = BotVersion.objects.get(bot_config=bot)
    assert (version.version, version.author) == (1, alice)
    assert version.configuration == {
        "name": "My first bot", "api_key": paper_key.pk, "symbol": "BTCUSDT", "position_type": "spot",
        "direction": "long", "timeframe": "5m", "strategy": "ema",
        "strategy_params": {"ema_fast": 8, "ema_slow": 21, "ema_period": None, "rsi_period": 7, "rsi_oversold": 35,
                            "rsi_overbought": 65},
        "initial_capital": "1000", "position_size_perc": None, "position_size_fixed": None, "stop_loss_perc": None,
        "take_profit_perc": None, "trailing_stop_perc": None, "stop_limit_offset_perc": None, "leverage": 1,
        "max_daily_trades": None, "max_daily_loss_perc": None, "daily_target_perc": None, "cooldown_candles": 0,
        "max_slippage_perc": None, "auto_transfer_funds": False, "transfer_amount": None,
    }  # fmt: skip


def test_a_change_is_a_new_version_by_its_author(alice: Any, bob: Any, wanted: Any) -> None:
    bot = create_bot(alice, wanted, by=alice)
    changed = change_bot(bot, {"timeframe": "15m", "ema_fast": 5}, version=1, by=bob)
    assert (changed.version, changed.timeframe, changed.strategy_params["ema_fast"]) == (2, "15m", 5)
    assert (changed.symbol, changed.initial_capital) == ("BTCUSDT", Decimal(1000))
    rows = BotVersion.objects.filter(bot_config=bot).order_by("version").values_list("version", "author")
    assert list(rows) == [(1, alice.pk), (2, bob.pk)]


def test_saving_what_is_already_so_makes_no_version(alice: Any, wanted: Any) -> None:
    bot = create_bot(alice, wanted, by=alice)
    assert change_bot(bot, {**wanted, "initial_capital": "1000.00"}, version=1, by=alice).version == 1
    assert BotVersion.objects.count() == 1


def test_a_stale_edit_is_refused_with_the_difference_and_nothing_is_lost(alice: Any, wanted: Any) -> None:
    bot = create_bot(alice, wanted, by=alice)
    change_bot(bot, {"timeframe": "15m"}, version=1, by=alice)
    with pytest.raises(StaleVersion) as caught:
        change_bot(bot, {"name": "Mine", "timeframe": "1h"}, version=1, by=alice)
    assert caught.value.current == 2
    assert caught.value.differences == (
        Difference("name", seen="My first bot", now="My first bot", wanted="Mine"),
        Difference("timeframe", seen="5m", now="15m", wanted="1h"),
    )
    bot.refresh_from_db()
    assert (bot.name, bot.timeframe, bot.version) == ("My first bot", "15m", 2)


@pytest.mark.parametrize("version", [0, 2, 999, -1])
def test_a_version_that_never_was_is_stale(alice: Any, wanted: Any, version: int) -> None:
    with pytest.raises(StaleVersion) as caught:
        change_bot(create_bot(alice, wanted, by=alice), {"name": "Other"}, version=version, by=alice)
    assert caught.value.current == 1


def test_an_edit_must_name_its_version(alice: Any, wanted: Any) -> None:
    bot = create_bot(alice, wanted, by=alice)
    assert list(refused(change_bot, bot, {"name": "Other"}, version=None, by=alice)) == ["version"]


@pytest.mark.django_db(transaction=True)
def test_of_two_edits_at_once_one_is_saved_and_the_other_is_stale(alice: Any, wanted: Any) -> None:
    bot = create_bot(alice, wanted, by=alice)
    ends: list[str] = []
    together = threading.Barrier(2)

    def edit(name: str) -> None:
        together.wait()
        try:
            ends.append(change_bot(bot, {"name": name}, version=1, by=alice).name)
        except StaleVersion:
            ends.append("stale")
        finally:
            connection.close()

    threads = [threading.Thread(target=edit, args=(name,)) for name in ("One", "Two")]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    bot.refresh_from_db()
    assert sorted(ends) == sorted([bot.name, "stale"])
    assert (bot.version, BotVersion.objects.count()) == (2, 2)


def test_giving_one_kind_of_size_empties_the_other(alice: Any, wanted: Any) -> None:
    bot = create_bot(alice, {**wanted, "position_size_perc": "50"}, by=alice)
    bot = change_bot(bot, {"position_size_fixed": "200"}, version=1, by=alice)
    assert (bot.position_size_perc, bot.position_size_fixed) == (None, Decimal(200))
    # A form sends both: the one that is unchanged gives way.
    bot = change_bot(bot, {"position_size_fixed": "200", "position_size_perc": "25"}, version=2, by=alice)
    assert (bot.position_size_perc, bot.position_size_fixed) == (Decimal(25), None)
    both = {"position_size_fixed": "300", "position_size_perc": "30"}
    assert list(refused(change_bot, bot, both, version=3, by=alice)) == ["position_size_fixed"]


def test_a_bot_in_a_position_stays_where_it_is_but_may_be_changed_otherwise(alice: Any, wanted: Any) -> None:
    bot = create_bot(alice, wanted, by=alice)
    other_key = mint_paper_key(alice, "Second")
    activate(bot)
    BotState.objects.filter(pk=bot.pk).update(in_position=True)
    moving = {"symbol": "ETHUSDT", "api_key": other_key.pk, "timeframe": "1h"}
    assert list(refused(change_bot, bot, moving, version=1, by=alice)) == ["symbol", "api_key"]
    assert change_bot(bot, {"timeframe": "1h", "rsi_period": 9}, version=1, by=alice).version == 2


def test_a_running_bot_may_not_take_more_money_or_move_its_claim(alice: Any, wanted: Any) -> None:
    bot = create_bot(alice, wanted, by=alice)
    other_key = mint_paper_key(alice, "Second")
    activate(bot)
    more = {"initial_capital": "1001", "api_key": other_key.pk}
    assert sorted(refused(change_bot, bot, more, version=1, by=alice)) == ["api_key", "initial_capital"]
    changed = change_bot(bot, {"initial_capital": "900", "symbol": "ETHUSDT"}, version=1, by=alice)
    assert (changed.initial_capital, changed.symbol, changed.base_asset) == (Decimal(900), "ETHUSDT", "ETH")


def test_a_deleted_bot_is_gone_its_history_stays_and_its_name_and_key_are_free(
    alice: Any, wanted: Any, paper_key: Any
) -> None:
    bot = create_bot(alice, wanted, by=alice)
    archive_bot(bot, by=alice)
    bot.refresh_from_db()
    assert (bot.archived_at is None, bot.api_key, bot.account_id) == (False, None, paper_key.account_id)
    assert (bot.versions.count(), list(bots_of(alice)), list(managed_bots())) == (1, [], [])
    again = create_bot(alice, wanted, by=alice)
    assert list(bots_of(alice)) == [again]
    archive_bot(again, by=alice)
    delete_key(paper_key)


def test_a_busy_bot_is_not_deleted(alice: Any, wanted: Any) -> None:
    bot = create_bot(alice, wanted, by=alice)
    activate(bot)
    for expected in ("This bot is running. Stop it first", "This bot holds a position."):
        with pytest.raises(LifecycleRefused) as caught:
            archive_bot(bot, by=alice)
        assert (caught.value.status_code, caught.value.message.startswith(expected)) == (409, True)
        BotConfig.objects.filter(pk=bot.pk).update(is_active=False)
        BotState.objects.filter(pk=bot.pk).update(in_position=True, status="stopped")


def test_charlie_can_use_neither_alices_key_nor_learn_that_it_exists(charlie: Any, wanted: Any) -> None:
    foreign = refused(create_bot, charlie, wanted, by=charlie)
    missing = refused(create_bot, charlie, {**wanted, "api_key": 2**40}, by=charlie)
    assert foreign == missing == {"api_key": ["This API key does not exist."]}
    assert BotConfig.objects.count() == 0


def test_alice_cannot_move_her_bot_to_charlies_key(alice: Any, charlies_key: Any, wanted: Any) -> None:
    bot = create_bot(alice, wanted, by=alice)
    errors = refused(change_bot, bot, {"api_key": charlies_key.pk}, version=1, by=alice)
    assert errors == {"api_key": ["This API key does not exist."]}


def test_two_users_may_use_one_name_and_one_user_may_not(
    alice: Any, charlie: Any, charlies_key: Any, wanted: Any
) -> None:
    create_bot(alice, wanted, by=alice)
    create_bot(charlie, {**wanted, "api_key": charlies_key.pk}, by=charlie)
    assert refused(create_bot, alice, wanted, by=alice) == {
        "name": ["You already have a bot with this name."]
    }


@pytest.mark.django_db(transaction=True)
def test_a_double_click_makes_one_bot(alice: Any, wanted: Any) -> None:
    together, ends = threading.Barrier(2), []

    def create() -> None:
        together.wait()
        try:
            ends.append(create_bot(alice, wanted, by=alice).pk and "made")
        except ConfigurationRefused as refusal:
            ends.append(list(refusal.errors))
        finally:
            connection.close()

    threads = [threading.Thread(target=create) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(ends, key=str) == sorted(["made", ["name"]], key=str)
    assert (BotConfig.objects.count(), BotState.objects.count(), BotVersion.objects.count()) == (1, 1, 1)
