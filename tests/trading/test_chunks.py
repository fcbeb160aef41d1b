"""Bots run together: one bad bot stops nobody, a locked one is tried again, and many cost hardly more than one."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest
from django.db import connection, connections
from django.utils import timezone

from bots.lifecycle import deactivate
from bots.models import BotConfig, BotState, Halt
from exchange.connect import forget_clients
from tests.trading.steps import fresh, go_to_signal, plan_buy
from tests.trading.test_chunk_equality import queued, queued_runs
from trading.chunk_views import look_for_all, wanted_bots
from trading.chunks import decide_for_all, run_chunk
from trading.due import due_bots
from trading.entering import SharedWallet, run_entering_bots
from trading.models import Decision, Order, Wallet
from trading.orders.execution import send
from trading.tasks import run_bot_task_for_all, run_bots_chunk

MINUTE_MS = 60_000
together = pytest.mark.django_db


@pytest.fixture
def many_bots(new_bot: Any) -> Any:
    """Bots of one key, started in rows."""

    def make(count: int, **values: Any) -> list[int]:
        first = new_bot(started=False)
        made = [first, *(new_bot(started=False, key=first.api_key) for _ in range(count - 1))]
        ids = [bot.pk for bot in made]
        BotConfig.objects.filter(pk__in=ids).update(is_active=True, **values)
        BotState.objects.filter(pk__in=ids).update(status="pending")
        return ids

    return make


@together
def test_bots_that_only_wait_are_finished_together(sandbox: Any, many_bots: Any, alice: Any) -> None:
    ids = many_bots(3)
    now_ms = go_to_signal(sandbox, fresh(BotConfig.objects.get(pk=ids[0])), "no_signal")
    with queued_runs() as left:
        assert run_chunk(ids) == {"waiting (no signal)": 3, "alone": 0}
    assert left == []
    states = BotState.objects.filter(pk__in=ids)
    assert {(state.status_text, state.last_candle_open_ms) for state in states} == {
        ("waiting (no signal)", now_ms - MINUTE_MS)
    }
    assert Decision.objects.filter(bot_config__in=ids, reason="no signal").count() == 3
    # The next quiet candle says nothing new.
    go_to_signal(sandbox, fresh(BotConfig.objects.get(pk=ids[0])), "no_signal")
    assert due_bots() == ids
    run_chunk(ids)
    assert (Decision.objects.count(), due_bots()) == (3, [])
    assert run_chunk(ids) == {"skipped (nothing new)": 3, "alone": 0}


@together
def test_what_needs_the_exchange_is_left_to_a_run_of_its_own(sandbox: Any, new_bot: Any) -> None:
    holding, ordering, quiet = new_bot(), new_bot(), new_bot(strategy_params={})
    send(plan_buy(holding).pk)
    plan_buy(ordering)
    with queued_runs() as left:
        tally = run_chunk([holding.pk, ordering.pk, quiet.pk])
    assert (left, tally["alone"], sum(tally.values())) == ([holding.pk, ordering.pk], 2, 3)
    wants_in = new_bot()
    go_to_signal(sandbox, wants_in, "long_entry")
    with queued() as calls:
        assert run_chunk([wants_in.pk]) == {"entering": 1, "alone": 0}
    assert calls == [("trading.run_entering_bots", [[wants_in.pk]])]
    assert fresh(wants_in).state.last_candle_open_ms is None


@together
def test_one_bad_bot_stops_nobody(sandbox: Any, many_bots: Any) -> None:
    sold, unlisted, torn, well = ids = many_bots(4)
    BotConfig.objects.filter(pk=sold).update(strategy="sold")
    BotConfig.objects.filter(pk=unlisted).update(symbol="NOSUCHUSDT")
    # More decimal places than the engine's integers can carry: no decision can be made of it.
    BotConfig.objects.filter(pk=torn).update(initial_capital="100.000000000001")
    go_to_signal(sandbox, fresh(BotConfig.objects.get(pk=well)), "no_signal")
    with queued_runs() as left:
        tally = run_chunk(ids)
    assert (sorted(left), tally) == ([sold, unlisted, torn], {"alone": 3, "waiting (no signal)": 1})
    assert BotState.objects.get(pk=well).status_text == "waiting (no signal)"


@together
def test_a_row_the_database_refuses_sends_everybody_alone(sandbox: Any, many_bots: Any) -> None:
    """A decision of this very candle is there already, and the state does not know of it."""
    ids = many_bots(2)
    now_ms = go_to_signal(sandbox, fresh(BotConfig.objects.get(pk=ids[0])), "no_signal")
    Decision.objects.create(
        bot_config_id=ids[0], config_version=1, candle_open_ms=now_ms - MINUTE_MS, acts_at=timezone.now(),
        action="none", reason="odd", text="Odd.", close_price=1,
    )  # fmt: skip
    with queued_runs() as left:
        assert run_chunk(ids) == {"alone": 2}
    assert sorted(left) == ids
    assert set(BotState.objects.values_list("last_candle_open_ms", flat=True)) == {None}


@together
def test_an_exchange_away_is_shown_on_every_bot(
    sandbox: Any, many_bots: Any, settings: Any, closed_port: int
) -> None:
    ids = many_bots(2)
    settings.SANDBOX_URL = f"http://127.0.0.1:{closed_port}"
    forget_clients()
    with queued_runs() as left:
        assert run_chunk(ids) == {"error (price fetch)": 2, "alone": 0}
    assert left == []
    assert {state.status_text for state in BotState.objects.filter(pk__in=ids)} == {"error (price fetch)"}


@together
def test_a_bot_changed_since_it_was_looked_at_is_looked_at_again(sandbox: Any, many_bots: Any) -> None:
    ids = many_bots(2)
    go_to_signal(sandbox, fresh(BotConfig.objects.get(pk=ids[0])), "no_signal")
    sight = look_for_all(wanted_bots(ids))
    BotConfig.objects.filter(pk=ids[0]).update(version=2)
    outcome = decide_for_all(sight)
    assert (outcome.alone, [seen.pk for seen in outcome.changed]) == ([ids[0]], [ids[1]])


@together
def test_the_number_of_queries_does_not_grow_with_the_bots(
    sandbox: Any, many_bots: Any, django_assert_num_queries: Any
) -> None:
    few, many = many_bots(1), many_bots(30)
    go_to_signal(sandbox, fresh(BotConfig.objects.get(pk=few[0])), "no_signal")
    run_chunk(few)
    # Of a candle with an entry signal it would be another number.
    go_to_signal(sandbox, fresh(BotConfig.objects.get(pk=few[0])), "no_signal")
    run_chunk([*few, *many])  # candles and rules are read, days rolled
    for ids in (few, many):
        BotState.objects.filter(pk__in=ids).update(last_candle_open_ms=None, last_reason="odd")
        Decision.objects.all().delete()
        with django_assert_num_queries(10):
            run_chunk(ids)


@together
def test_the_minute_queues_the_due_bots_chunk_by_chunk(sandbox: Any, many_bots: Any) -> None:
    ids = many_bots(3)
    go_to_signal(sandbox, fresh(BotConfig.objects.get(pk=ids[0])), "no_signal")
    assert run_bot_task_for_all() == "3 bots due"
    assert run_bots_chunk(due_bots()) == "{'waiting (no signal)': 3, 'alone': 0}"
    assert run_bot_task_for_all() == "0 bots due"


@pytest.mark.django_db(transaction=True)
def test_a_locked_bot_is_left_due_and_queued_to_be_tried_again(sandbox: Any, many_bots: Any) -> None:
    held, free = ids = many_bots(2)
    go_to_signal(sandbox, fresh(BotConfig.objects.get(pk=free)), "no_signal")
    other = connections.create_connection("default")
    try:
        other.set_autocommit(False)
        with other.cursor() as cursor:
            cursor.execute("SELECT 1 FROM bots_botstate WHERE bot_config_id = %s FOR UPDATE", [held])
        with queued_runs() as left:
            assert run_chunk(ids) == {"waiting (no signal)": 1, "alone": 1}
        other.rollback()
    finally:
        other.close()
    assert (left, due_bots()) == ([held], [held])
    assert connection.in_atomic_block is False


@together
def test_bots_of_one_account_enter_together_and_are_protected(sandbox: Any, many_bots: Any) -> None:
    ids = many_bots(4, initial_capital=Decimal(2_000), stop_loss_perc=Decimal(2), take_profit_perc=Decimal(3))
    BotConfig.objects.filter(pk=ids[3]).update(initial_capital=Decimal(9_000))
    go_to_signal(sandbox, fresh(BotConfig.objects.get(pk=ids[0])), "long_entry")
    with queued() as calls:
        assert run_chunk(ids) == {"entering": 4, "alone": 0}
    assert calls == [("trading.run_entering_bots", [ids])]
    # PostgreSQL finds the oldest last: it is asked first all the same.
    BotState.objects.filter(pk=ids[0]).update(last_error_message="")
    # What three have taken the fourth does not have any more; what is planned again is planned once.
    assert run_entering_bots(ids) == {
        "running (entry signal)": 3,
        "waiting (not enough money)": 1,
        "alone": 0,
    }
    assert run_entering_bots(ids) == {"skipped (nothing new)": 4, "alone": 0}
    orders = Order.objects.order_by("bot_config", "purpose").values_list("bot_config", "purpose", "state")
    assert list(orders) == [
        (bot_id, purpose, state)
        for bot_id in ids[:3]
        for purpose, state in (("entry", "filled"), ("stop", "open"), ("target", "open"))
    ]
    wallet = Wallet.objects.get(account=BotConfig.objects.get(pk=ids[0]).account, asset="USDT")
    spent = sum(order.executed_quote for order in Order.objects.filter(purpose="entry"))
    assert (wallet.reserved, wallet.free) == (0, 10_000 - spent)


@together
def test_no_more_enter_together_than_stops_may_stand(sandbox: Any, many_bots: Any) -> None:
    ids = many_bots(7, initial_capital=Decimal(500), stop_loss_perc=Decimal(2))
    go_to_signal(sandbox, fresh(BotConfig.objects.get(pk=ids[0])), "long_entry")
    with queued() as calls:
        run_chunk(ids)
    assert calls == [("trading.run_entering_bots", [few]) for few in (ids[:5], ids[5:])]
    assert run_entering_bots(ids) == {"running (entry signal)": 5, "waiting (no stop slot)": 2, "alone": 0}
    assert Order.objects.filter(purpose="stop", state="open").count() == 5


@together
def test_who_may_not_enter_any_more_is_not_entered_together(sandbox: Any, many_bots: Any) -> None:
    """A halt and a stop that came after the chunk had looked; a bot changed since is left to a run of its own."""
    halted, stopped, changed, well = ids = many_bots(4)
    go_to_signal(sandbox, fresh(BotConfig.objects.get(pk=well)), "long_entry")
    run_chunk(ids)
    Halt.objects.create(bot_config_id=halted, reason="Enough.")
    deactivate(BotConfig.objects.get(pk=stopped))
    entrance = SharedWallet(
        {bot.pk: bot for bot in BotConfig.objects.select_related("api_key").filter(pk__in=ids)}
    )
    BotConfig.objects.filter(pk=changed).update(version=2)
    outcome = decide_for_all(look_for_all(wanted_bots(ids)), entrance)
    assert (outcome.alone, [wish.bot_id for wish in outcome.entries]) == ([changed], [well])
    assert [order.bot_config_id for order in entrance.planned] == [well]


@together
def test_an_exchange_away_keeps_all_of_an_account_from_entering(
    sandbox: Any, many_bots: Any, settings: Any, closed_port: int
) -> None:
    ids = many_bots(2)
    go_to_signal(sandbox, fresh(BotConfig.objects.get(pk=ids[0])), "long_entry")
    settings.SANDBOX_URL = f"http://127.0.0.1:{closed_port}"
    forget_clients()
    assert run_entering_bots(ids) == {"error (price fetch)": 2}
    assert {state.status_text for state in BotState.objects.filter(pk__in=ids)} == {"error (price fetch)"}
    assert Order.objects.count() == 0
