"""trades/: read only, one's own, newest first, narrowed by bot, symbol, side and time."""

from __future__ import annotations

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from trading.models import Trade

pytestmark = pytest.mark.django_db
LIST = "/api/v1/trades/"


def test_a_trade_is_shown_in_plain_numbers(alice_api, make_bot, make_trade):
    bot = make_bot(name="Runner")
    trade = make_trade(bot, realized_pnl="-0.00000100")
    expected = {
        "id": trade.pk,
        "bot_config": bot.pk,
        "bot_name": "Runner",
        "position": trade.position_id,
        "venue": "sandbox",
        "market": "spot",
        "symbol": "BTCUSDT",
        "side": "BUY",
        "order_type": "MARKET",
        "price": "64000.1",
        "quantity_filled": "0.0156",
        "quote_quantity_filled": "998.40156",
        "commission_amount": "0.0000156",
        "commission_asset": "BTC",
        "realized_pnl": "-0.000001",
        "reason": "entry",
        "binance_order_id": 1,
        "client_order_id": "tag-1",
        "timestamp": "2026-03-01T13:00:00Z",
    }
    assert alice_api.get(LIST).json() == {"count": 1, "next": None, "previous": None, "results": [expected]}
    assert alice_api.get(f"{LIST}{trade.pk}").json() == expected


def test_trades_are_narrowed(alice_api, make_bot, make_trade):
    btc, eth = make_bot(), make_bot(symbol="ETHUSDT")
    first, second, third = make_trade(btc), make_trade(eth, side="SELL"), make_trade(btc)
    for query, found in {
        "": [third, second, first],
        f"bot={btc.pk}": [third, first],
        f"bot_config={btc.pk}": [third, first],
        "bot=999999999": [],
        "symbol=ethusdt": [second],
        "side=SELL": [second],
        "from=2026-03-01T14:00:00Z": [third, second],
        "to=2026-03-01T14:00:00Z": [second, first],
        "from=2026-03-01T14:00:00Z&to=2026-03-01T14:00:00Z": [second],
        "from=2026-03-01&to=2026-03-01": [third, second, first],
        "from=2026-03-02": [],
        f"bot={btc.pk}&limit=1": [third],
        "limit=1&offset=1": [second],
    }.items():
        rows = alice_api.get(f"{LIST}?{query}").json()["results"]
        assert [row["id"] for row in rows] == [trade.pk for trade in found], query


@pytest.mark.parametrize(
    "query",
    [
        "bot=abc",
        "bot_config=abc",
        "bogus=1",
        "ordering=price",
        "bot=1.5",
        "bot=-1",
        f"bot={2**63}",
        "side=HOLD",
        "from=yesterday",
        "to=2026-13-45",
        "to=2026-02-30",
    ],
)
def test_a_filter_that_makes_no_sense_is_a_400_that_names_it(alice_api, query):
    answer = alice_api.get(f"{LIST}?{query}")
    assert (answer.status_code, list(answer.json())) == (400, [query.split("=")[0]])


def test_no_trade_is_made_changed_or_deleted(alice_api, make_bot, make_trade):
    trade = make_trade(make_bot())
    for verb, path in [
        ("post", LIST),
        ("put", f"{LIST}{trade.pk}"),
        ("patch", f"{LIST}{trade.pk}"),
        ("delete", f"{LIST}{trade.pk}"),
    ]:
        assert getattr(alice_api, verb)(path, {"price": "1"}, format="json").status_code == 405
    assert Trade.objects.count() == 1


@pytest.mark.parametrize("who", ["charlie_api", "bob_api"])
def test_somebody_elses_trade_does_not_exist(request, who, make_bot, make_trade):
    api, bot = request.getfixturevalue(who), make_bot()
    trade = make_trade(bot)
    theirs, nobodys = api.get(f"{LIST}{trade.pk}"), api.get(f"{LIST}999999999")
    assert (theirs.status_code, theirs.content) == (404, nobodys.content)
    assert theirs.json() == {"detail": "Not found."}
    assert api.get(LIST).json()["count"] == 0
    assert api.get(f"{LIST}?bot={bot.pk}").json()["count"] == 0


def test_a_list_costs_the_same_for_one_and_for_thirty(alice_api, make_bot, make_trade):
    bot = make_bot()
    make_trade(bot)
    with CaptureQueriesContext(connection) as one:
        alice_api.get(LIST)
    for _number in range(29):
        make_trade(bot)
    with CaptureQueriesContext(connection) as thirty:
        assert len(alice_api.get(LIST).json()["results"]) == 30
    assert len(thirty) == len(one)
