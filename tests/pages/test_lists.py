"""Lists of bots and trades, and the dashboard's alerts: narrowed, added up, exported; each to its owner alone."""

from __future__ import annotations

import csv
import io
from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from accounts.models import ApiKey
from bots.models import BotState
from tests.pages.books import add_trade, protect
from trading.models import Position, Trade


def round_trip(bot: Any, pnl: str, reason: str = "exit_signal") -> None:
    add_trade(bot, "BUY", 64_000)
    sold = add_trade(bot, "SELL", 64_000, pnl=Decimal(pnl))
    Trade.objects.filter(pk=sold.pk).update(reason=reason)


def test_trades_are_added_up_over_every_page(alice_page: Any, make_bot: Any) -> None:
    bot = make_bot()
    for number in range(20):
        round_trip(bot, "5" if number % 4 else "-3")
    totals = alice_page.get("/trades/").context["totals"]
    assert (totals.count, totals.bought, totals.sold) == (40, 12_800, 12_800)
    assert (totals.result, totals.ended, totals.won, totals.win_rate) == (60, 20, 15, 75)
    assert totals.fees == [("USDT", Decimal("12.8")), ("BTC", Decimal("0.0002"))]


def test_trades_are_narrowed_by_reason_and_so_is_their_sum(alice_page: Any, make_bot: Any) -> None:
    bot = make_bot()
    round_trip(bot, "5", "take_profit")
    round_trip(bot, "-3", "stop_loss")
    page = alice_page.get("/trades/?reason=stop_loss")
    assert [trade.reason for trade in page.context["page"]] == ["stop_loss"]
    assert page.context["totals"].result == -3
    assert "/trades/export.csv?reason=stop_loss" in page.content.decode()


@pytest.mark.parametrize("address", ["/trades/", "/trades/export.csv"])
@pytest.mark.parametrize("query", ["?since=0001-01-01", "?until=9999-12-31"])
def test_the_ends_of_the_calendar_are_days_like_others(
    alice_page: Any, make_bot: Any, address: str, query: str
) -> None:
    add_trade(make_bot(name="Alpha"), "BUY", 64_000)
    answer = alice_page.get(address + query)
    assert (answer.status_code, "Alpha" in answer.content.decode()) == (200, True)


def test_the_day_named_as_the_last_counts_to_its_end(alice_page: Any, make_bot: Any) -> None:
    trade = add_trade(make_bot(), "BUY", 64_000)
    for at, count in (("2026-03-01T23:59:59.999999Z", 1), ("2026-03-02T00:00:00Z", 0)):
        Trade.objects.filter(pk=trade.pk).update(timestamp=at)
        page = alice_page.get("/trades/?since=2026-03-01&until=2026-03-01").context["page"]
        assert len(page) == count


def test_the_export_holds_what_the_filters_leave(alice_page: Any, charlie_page: Any, make_bot: Any) -> None:
    bot = make_bot(name="=cmd()")
    round_trip(bot, "5", "take_profit")
    answer = alice_page.get("/trades/export.csv?reason=take_profit")
    assert answer["Content-Type"] == "text/csv; charset=utf-8"
    (row,) = csv.DictReader(io.StringIO(answer.content.decode()))
    assert (row["reason"], row["realized_pnl"], row["bot_name"]) == ("take_profit", "5", "'=cmd()")
    assert len(charlie_page.get("/trades/export.csv").content.decode().splitlines()) == 1


@pytest.mark.parametrize(("query", "expected"), [("?holds=yes", {"Alpha"}), ("?holds=no", {"Beta"})])
def test_bots_are_narrowed_by_what_they_hold(
    alice_page: Any, make_bot: Any, query: str, expected: set[str]
) -> None:
    add_trade(make_bot(name="Alpha"), "BUY", 64_000)
    make_bot(name="Beta")
    assert {bot.name for bot in alice_page.get(f"/bots/{query}").context["rows"]} == expected


def test_the_list_of_bots_shows_protection(alice_page: Any, make_bot: Any) -> None:
    bot = make_bot()
    add_trade(bot, "BUY", 64_000)
    protect(bot, stop=62_720)
    assert "protected" in alice_page.get("/bots/").content.decode()
    Position.objects.update(unprotected_since=timezone.now() - timedelta(seconds=9))
    assert "unprotected for" in alice_page.get("/bots/").content.decode()


def test_a_row_keeps_its_protection_after_a_stop_in_place(alice_page: Any, make_bot: Any) -> None:
    bot = make_bot(is_active=True)
    add_trade(bot, "BUY", 64_000)
    protect(bot, stop=62_720)
    row = {"HX-Request": "true", "HX-Target": f"bot-row-{bot.pk}"}
    assert "protected" in alice_page.post(f"/bots/{bot.pk}/stop/", headers=row).content.decode()


def test_the_dashboard_says_what_needs_its_user(alice_page: Any, make_bot: Any) -> None:
    assert 'id="alerts"' not in alice_page.get("/").content.decode()
    bot, key = make_bot(name="Bare"), ApiKey.objects.get()
    add_trade(bot, "BUY", 64_000)
    protect(bot, stop=62_720)
    Position.objects.update(unprotected_since=timezone.now() - timedelta(seconds=9))
    BotState.objects.filter(pk=make_bot(name="Broken").pk).update(status="error", status_detail="price fetch")
    BotState.objects.filter(pk=make_bot(name="Resting").pk).update(
        status="paused", status_detail="max_daily_trades reached"
    )
    ApiKey.objects.filter(pk=key.pk).update(is_valid=False)
    shown = alice_page.get("/").content.decode()
    for words in ("One position stands without its stop", "One bot needs you",
                  "One API key is refused by its exchange"):  # fmt: skip
        assert words in shown


def test_somebody_elses_trouble_is_nobodys_alert(charlie_page: Any, make_bot: Any) -> None:
    bot = make_bot(name="Bare")
    add_trade(bot, "BUY", 64_000)
    protect(bot, stop=62_720)
    Position.objects.update(unprotected_since=timezone.now())
    assert 'id="alerts"' not in charlie_page.get("/").content.decode()


def test_the_curve_of_the_dashboard_ends_at_the_result_so_far(alice_page: Any, make_bot: Any) -> None:
    first, second = make_bot(), make_bot()
    for bot, pnl in ((first, "10"), (second, "-4"), (first, "6")):
        round_trip(bot, pnl)
    page = alice_page.get("/").context["page"]
    assert (page.ever, page.curve.low, page.curve.high) == (12, 0, 12)


@pytest.mark.parametrize("address", ["/", "/bots/"])
def test_protected_positions_take_as_many_queries_as_one(
    alice_page: Any, make_bot: Any, address: str
) -> None:
    def queries() -> int:
        with CaptureQueriesContext(connection) as seen:
            assert alice_page.get(address).status_code == 200
        return len(seen)

    def add() -> None:
        bot = make_bot(is_active=True)
        add_trade(bot, "BUY", 64_000)
        protect(bot, stop=62_720, target=66_560)

    add()
    few = queries()
    for _number in range(29):
        add()
    assert queries() == few
