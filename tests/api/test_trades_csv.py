"""The trade history as a file: everything the filters leave, numbers plain, and no cell that is a formula."""

from __future__ import annotations

import csv
import io

import pytest

pytestmark = pytest.mark.django_db
LIST = "/api/v1/trades/?format=csv"


def rows_of(answer) -> list[dict[str, str]]:
    assert (answer.status_code, answer["Content-Type"]) == (200, "text/csv; charset=utf-8")
    return list(csv.DictReader(io.StringIO(answer.content.decode())))


def test_the_file_says_what_the_list_says(alice_api, make_bot, make_trade):
    bot = make_bot(name="Läufer, der Erste")
    make_trade(bot)
    sold = make_trade(bot, side="SELL", realized_pnl="-1.50")
    answer = alice_api.get(LIST)
    rows = rows_of(answer)
    assert answer["Content-Disposition"] == 'attachment; filename="trades.csv"'
    assert [row["id"] for row in rows] == [str(sold.pk), str(sold.pk - 1)]
    listed = alice_api.get("/api/v1/trades/").json()["results"]
    assert rows == [
        {name: "" if value is None else str(value) for name, value in trade.items()}
        | {"timestamp": row["timestamp"]}
        for trade, row in zip(listed, rows, strict=True)
    ]
    assert rows[0]["realized_pnl"] == "-1.5"
    assert rows_of(alice_api.get("/api/v1/trades.csv")) == rows


def test_filters_narrow_the_file_and_pages_do_not(alice_api, make_bot, make_trade):
    bot, other = make_bot(), make_bot()
    make_trade(other)
    for _number in range(60):
        make_trade(bot)
    assert len(rows_of(alice_api.get(f"{LIST}&bot={bot.pk}"))) == 60
    assert (
        len(rows_of(alice_api.get("/api/v1/trades.csv?from=2026-03-01T14:00:00Z&to=2026-03-01T15:00:00Z")))
        == 2
    )
    refused = alice_api.get(f"{LIST}&bogus=1")
    assert (refused.status_code, refused["Content-Type"], refused.json()) == (
        400,
        "application/json",
        {"bogus": ["Unknown filter."]},
    )


@pytest.mark.parametrize("name", ["=1+1", "+SUM(A1)", "-cmd", "@x", "\t=1", '=HYPERLINK("http://x")'])
def test_no_cell_is_a_formula(alice_api, make_bot, make_trade, name):
    make_trade(make_bot(name=name), quantity_filled="-0.5")
    (row,) = rows_of(alice_api.get(LIST))
    assert (row["bot_name"], row["quantity_filled"]) == (f"'{name}", "-0.5")


def test_a_stranger_s_file_is_empty_and_nobody_gets_none(charlie_api, anonymous_api, make_bot, make_trade):
    make_trade(make_bot())
    assert rows_of(charlie_api.get(LIST)) == []
    refused = anonymous_api.get(LIST)
    assert (refused.status_code, refused.json()) == (
        401,
        {"detail": "Authentication credentials were not provided."},
    )
