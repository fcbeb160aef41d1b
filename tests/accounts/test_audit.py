"""The audit log: entries come with their act, nothing changes them, and the chain tells who tried."""

from __future__ import annotations

from decimal import Decimal
from io import StringIO

import pytest
from django.core.management import CommandError, call_command
from django.db import DatabaseError, connection, transaction

from accounts.audit import acting, changes, entries_of, record
from accounts.audit_chain import seal_entries, verify_chain
from accounts.models import AuditEntry, AuditEvent

pytestmark = pytest.mark.django_db


def tamper(statement: str, *values) -> None:
    """As somebody with the database in their hands would."""
    with connection.cursor() as cursor:
        cursor.execute("SET CONSTRAINTS ALL IMMEDIATE")
        cursor.execute("ALTER TABLE accounts_auditentry DISABLE TRIGGER auditentry_append_only")
        cursor.execute(statement, values)
        cursor.execute("ALTER TABLE accounts_auditentry ENABLE TRIGGER auditentry_append_only")


def test_an_entry_says_who_what_and_from_where(alice, bob, make_bot):
    bot = make_bot(name="Runner")
    with acting(bob, "203.0.113.7"):
        entry = record("bot_stopped", bot, before={"is_active": True}, after={"is_active": False})
    entry.refresh_from_db()
    assert (entry.event, entry.actor, entry.owner, entry.address) == (
        "bot_stopped",
        bob,
        alice,
        "203.0.113.7",
    )
    assert (entry.subject_kind, entry.subject_id) == ("botconfig", bot.pk)
    assert entry.subject == "Runner (BTCUSDT 1m)"
    assert (entry.before, entry.after) == ({"is_active": True}, {"is_active": False})
    assert entries_of(alice).first() == entry
    assert list(entries_of(bob)) == []


def test_what_tradebot_does_by_itself_has_no_actor(alice, paper_key):
    entry = record(AuditEvent.KEY_INVALID, paper_key)
    assert (entry.actor, entry.owner, entry.address) == (None, alice, None)
    assert record("bot_stopped", paper_key, by=alice).actor == alice


def test_an_unknown_event_is_refused(alice):
    with pytest.raises(ValueError, match="made_up"):
        record("made_up", alice)


def test_amounts_are_plain_and_secrets_are_not_kept(alice):
    given = {
        "amount": Decimal("1E+3"),
        "secret_key": "abc",
        "deep": {"password": "abc"},
        "list": [Decimal("0.50")],
    }
    entry = record("bot_changed", alice, after=given)
    entry.refresh_from_db()
    assert entry.after == {
        "amount": "1000",
        "secret_key": "(not kept)",
        "deep": {"password": "(not kept)"},
        "list": ["0.5"],
    }


def test_changes_are_what_differs():
    assert changes({"a": 1, "b": 2}, {"a": 1, "b": 3, "c": 4}) == {
        "before": {"b": 2, "c": None},
        "after": {"b": 3, "c": 4},
    }


def test_an_act_that_fails_leaves_no_entry(alice):
    def act() -> None:
        with transaction.atomic():
            record("bot_started", alice)
            raise RuntimeError

    with pytest.raises(RuntimeError):
        act()
    assert not AuditEntry.objects.exists()


def test_no_row_changes_and_no_row_goes(alice):
    entry = record("bot_started", alice)
    for change in (
        lambda: AuditEntry.objects.update(event="bot_stopped"),
        lambda: AuditEntry.objects.update(event="bot_stopped", sequence=1, hash="x"),
        entry.delete,
    ):
        with pytest.raises(DatabaseError, match="append-only"), transaction.atomic():
            change()
    assert seal_entries() == 1
    with pytest.raises(DatabaseError, match="append-only"), transaction.atomic():
        AuditEntry.objects.update(hash="y")


def test_sealing_is_idempotent_and_the_chain_holds(alice):
    record("bot_started", alice, after={"text": "ışık", "n": 1.5})
    record("bot_stopped", alice)
    assert (seal_entries(), seal_entries()) == (2, 0)
    record("bot_started", alice)
    assert seal_entries() == 1
    verdict = verify_chain()
    assert (verdict.sealed, verdict.waiting, verdict.broken_id) == (3, 0, None)
    assert list(AuditEntry.objects.order_by("id").values_list("sequence", flat=True)) == [1, 2, 3]
    out = StringIO()
    call_command("verify_audit_log", stdout=out)
    assert out.getvalue() == f"3 sealed entries hold, 0 wait for the sealer. Last hash: {verdict.last_hash}\n"


@pytest.mark.parametrize(
    ("statement", "broken", "why"),
    [
        (
            "UPDATE accounts_auditentry SET event = 'bot_stopped' WHERE sequence = 2",
            2,
            "its content was changed",
        ),
        ("UPDATE accounts_auditentry SET actor_id = NULL WHERE sequence = 1", 1, "its content was changed"),
        ("DELETE FROM accounts_auditentry WHERE sequence = 2", 3, "entry number 2 is missing before it"),
        (
            "UPDATE accounts_auditentry SET hash = repeat('a', 64) WHERE sequence = 1",
            1,
            "its content was changed",
        ),
    ],
)
def test_the_first_broken_row_is_named(alice, statement, broken, why):
    entries = [record("bot_started", alice, by=alice) for _number in range(4)]
    seal_entries()
    tamper(statement)
    verdict = verify_chain()
    # The third row is found broken where the second is gone: one holds before it, as before the second.
    assert (verdict.sealed, verdict.broken_id, verdict.why) == (broken // 2, entries[broken - 1].pk, why)
    with pytest.raises(CommandError, match=f"broken at row {entries[broken - 1].pk}: {why}"):
        call_command("verify_audit_log")


@pytest.mark.django_db(transaction=True)
def test_a_second_sealer_waits_for_its_turn(alice):
    import psycopg

    from accounts.audit_chain import SEALER_LOCK

    record("bot_started", alice)
    settings = connection.get_connection_params()
    own = {name: settings[name] for name in ("host", "port", "user", "password", "dbname")}
    with psycopg.connect(**own) as other:
        other.execute("SELECT pg_advisory_xact_lock(%s)", [SEALER_LOCK])
        assert seal_entries() == 0
    assert seal_entries() == 1
