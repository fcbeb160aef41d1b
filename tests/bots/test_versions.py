"""The history of a bot: every version with what it changed, and the way back to an older one."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from accounts.keys import delete_key, mint_paper_key
from accounts.models import AuditEntry
from bots.configuration import (
    ConfigurationRefused,
    StaleVersion,
    change_bot,
    create_bot,
    rollback,
    versions_of,
)
from bots.models import BotState, BotVersion
from bots.versions import Change

pytestmark = pytest.mark.django_db


@pytest.fixture
def bot(alice: Any, bob: Any, wanted: Any) -> Any:
    """Three versions: made, slowed down by Alice, given more by Bob."""
    made = create_bot(alice, wanted, by=alice)
    change_bot(made, {"timeframe": "15m", "position_size_perc": "25"}, version=1, by=alice)
    return change_bot(made, {"initial_capital": "2000"}, version=2, by=bob)


def test_the_history_tells_who_changed_what(bot: Any) -> None:
    history = versions_of(bot)
    assert [(entry.version, entry.author, entry.is_current) for entry in history] == [
        (3, "bob@example.com", True), (2, "alice@example.com", False), (1, "alice@example.com", False),
    ]  # fmt: skip
    assert [entry.changes for entry in history] == [
        (Change("initial_capital", "1000", "2000"),),
        (Change("timeframe", "5m", "15m"), Change("position_size_perc", None, "25")),
        (),
    ]


def test_a_history_costs_one_query(bot: Any) -> None:
    for number in range(30):
        bot = change_bot(bot, {"name": f"Name {number}"}, version=bot.version, by=bot.user)
    with CaptureQueriesContext(connection) as queries:
        assert len(versions_of(bot)) == 33
    assert len(queries) == 1


def test_going_back_is_a_new_version_with_the_old_values(bot: Any, alice: Any) -> None:
    back = rollback(bot, 1, by=alice)
    assert (back.version, back.timeframe, back.initial_capital) == (4, "5m", Decimal(1000))
    assert back.position_size_perc is None
    first, last = (BotVersion.objects.get(bot_config=bot, version=number) for number in (1, 4))
    assert (last.configuration, last.author) == (first.configuration, alice)
    assert rollback(back, 4, by=alice).version == 4


def test_going_back_is_judged_like_any_edit(bot: Any, alice: Any) -> None:
    moved = change_bot(bot, {"symbol": "ETHUSDT"}, version=3, by=alice)
    BotState.objects.filter(pk=bot.pk).update(in_position=True)
    with pytest.raises(ConfigurationRefused) as caught:
        rollback(moved, 1, by=alice)
    assert (list(caught.value.errors), versions_of(moved)[0].version) == (["symbol"], 4)


def test_a_version_on_a_key_that_is_gone_cannot_come_back(bot: Any, alice: Any, paper_key: Any) -> None:
    moved = change_bot(bot, {"api_key": mint_paper_key(alice, "Second").pk}, version=3, by=alice)
    delete_key(paper_key)
    with pytest.raises(ConfigurationRefused) as caught:
        rollback(moved, 1, by=alice)
    assert caught.value.errors == {"api_key": ["This API key does not exist."]}


def test_a_version_that_never_was_is_refused(bot: Any, alice: Any) -> None:
    with pytest.raises(ConfigurationRefused) as caught:
        rollback(bot, 9, by=alice)
    assert caught.value.errors == {"version": ["This bot has no version 9."]}


def test_going_back_from_a_page_that_is_old_is_stale(bot: Any, alice: Any) -> None:
    with pytest.raises(StaleVersion) as caught:
        rollback(bot, 1, by=alice, seen=2)
    assert (caught.value.current, versions_of(bot)[0].version) == (3, 3)


def test_a_version_stored_before_a_field_existed_had_its_default(bot: Any, alice: Any) -> None:
    first = BotVersion.objects.get(bot_config=bot, version=1)
    del first.configuration["stop_limit_offset_perc"], first.configuration["cooldown_candles"]
    first.save()
    assert [change.field for change in versions_of(bot)[1].changes] == ["timeframe", "position_size_perc"]
    assert (rollback(bot, 1, by=alice).cooldown_candles, bot.stop_limit_offset_perc) == (0, None)


def test_every_saved_change_is_in_the_audit_log(bot: Any, bob: Any) -> None:
    rows = AuditEntry.objects.filter(subject_kind="botconfig", subject_id=bot.pk).order_by("id")
    assert [row.event for row in rows] == ["bot_created", "bot_changed", "bot_changed"]
    last = rows[2]
    assert (last.actor, last.before, last.after) == (
        bob, {"initial_capital": "1000"}, {"initial_capital": "2000"},
    )  # fmt: skip
