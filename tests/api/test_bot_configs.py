"""bot-configs/: made, read, changed by version, archived; bad input is named field by field."""

from __future__ import annotations

from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from accounts.keys import mint_paper_key
from bots.models import BotConfig, BotState, BotVersion

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("symbols")]
LIST = "/api/v1/bot-configs/"


@pytest.fixture
def body(paper_key) -> dict[str, Any]:
    return {
        "name": "First look",
        "api_key": paper_key.pk,
        "symbol": "BTCUSDT",
        "timeframe": "1m",
        "initial_capital": "1000",
    }


def test_a_bot_is_made_with_defaults_state_and_first_version(alice, alice_api, body, paper_key):
    answer = alice_api.post(LIST, body, format="json")
    assert answer.status_code == 201, answer.content
    bot = BotConfig.objects.get()
    shown = answer.json()
    assert {name: shown[name] for name in body} == body
    assert shown["id"] == bot.pk
    assert (shown["venue"], shown["base_asset"], shown["quote_asset"]) == ("sandbox", "BTC", "USDT")
    assert (shown["position_type"], shown["direction"], shown["leverage"]) == ("spot", "long", 1)
    assert (shown["is_active"], shown["status"], shown["version"]) == (False, "stopped", 1)
    assert (shown["stop_loss_perc"], shown["max_daily_trades"]) == (None, None)
    assert shown["strategy"] == "ema"
    assert shown["strategy_params"] == {
        "ema_fast": 8, "ema_slow": 21, "ema_period": None, "rsi_period": 7, "rsi_oversold": 35, "rsi_overbought": 65,
    }  # fmt: skip
    assert (bot.user, bot.account) == (alice, paper_key.account)
    assert BotState.objects.get().pk == bot.pk
    assert BotVersion.objects.get().author == alice
    assert alice_api.get(f"{LIST}{bot.pk}").json() == shown


def test_flat_names_of_the_strategy_are_written_into_its_params(alice_api, body):
    answer = alice_api.post(LIST, {**body, "ema_fast": 2, "ema_slow": "5"}, format="json")
    params = answer.json()["strategy_params"]
    assert (answer.status_code, params["ema_fast"], params["ema_slow"], params["rsi_period"]) == (
        201,
        2,
        5,
        7,
    )
    changed = alice_api.patch(f"{LIST}{answer.json()['id']}", {"version": 1, "rsi_period": 14}, format="json")
    params = changed.json()["strategy_params"]
    assert (params["ema_fast"], params["ema_slow"], params["rsi_period"]) == (2, 5, 14)


@pytest.mark.parametrize("sent", ["1000", "1000.000", "1e3", 1000, 1000.0])
def test_amounts_are_strings_in_plain_notation(alice_api, body, sent):
    answer = alice_api.post(
        LIST, {**body, "initial_capital": sent, "position_size_perc": "12.50"}, format="json"
    )
    assert answer.status_code == 201, answer.content
    assert (answer.json()["initial_capital"], answer.json()["position_size_perc"]) == ("1000", "12.5")


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"name": "ab"}, "name"),
        ({"name": "x" * 81}, "name"),
        ({"name": None}, "name"),
        ({"api_key": 999999999}, "api_key"),
        ({"api_key": "mine"}, "api_key"),
        ({"api_key": 2**70}, "api_key"),
        ({"symbol": "NOPEUSDT"}, "symbol"),
        ({"symbol": ""}, "symbol"),
        ({"symbol": {"a": 1}}, "symbol"),
        ({"timeframe": "7m"}, "timeframe"),
        ({"strategy": "astrology"}, "strategy"),
        ({"strategy_params": [1]}, "strategy_params"),
        ({"strategy_params": {"unknown": 1}}, "strategy_params"),
        ({"ema_fast": 0}, "ema_fast"),
        ({"ema_fast": "fast"}, "ema_fast"),
        ({"initial_capital": "-5"}, "initial_capital"),
        ({"initial_capital": "0"}, "initial_capital"),
        ({"initial_capital": "NaN"}, "initial_capital"),
        ({"initial_capital": "lots"}, "initial_capital"),
        ({"initial_capital": "1"}, "initial_capital"),
        ({"position_size_perc": "101"}, "position_size_perc"),
        ({"position_size_fixed": "5000"}, "position_size_fixed"),
        ({"position_size_fixed": "50", "position_size_perc": "5"}, "position_size_fixed"),
        ({"stop_loss_perc": "0.04"}, "stop_loss_perc"),
        ({"take_profit_perc": "91"}, "take_profit_perc"),
        ({"trailing_stop_perc": "0"}, "trailing_stop_perc"),
        ({"max_daily_trades": 0}, "max_daily_trades"),
        ({"max_daily_loss_perc": "-3"}, "max_daily_loss_perc"),
        ({"daily_target_perc": "0"}, "daily_target_perc"),
        ({"cooldown_candles": -2}, "cooldown_candles"),
        ({"max_slippage_perc": "11"}, "max_slippage_perc"),
        ({"stop_limit_offset_perc": "0.01"}, "stop_limit_offset_perc"),
        ({"leverage": 5}, "leverage"),
        ({"position_type": "futures"}, "position_type"),
        ({"direction": "short"}, "direction"),
        ({"auto_transfer_funds": True}, "auto_transfer_funds"),
        ({"transfer_amount": "10"}, "transfer_amount"),
        ({"is_active": True}, "is_active"),
        ({"user": 1}, "user"),
        ({"martingale": True}, "martingale"),
    ],
)
def test_a_bad_field_is_named_once_and_no_bot_is_made(alice_api, body, change, field):
    answer = alice_api.post(LIST, {**body, **change}, format="json")
    assert answer.status_code == 400, answer.content
    errors = answer.json()
    assert field in errors
    assert all(
        isinstance(messages, list) and len(messages) == 1 and messages[0] for messages in errors.values()
    )
    assert set(errors) <= {field, "symbol"} if field == "position_type" else set(errors) == {field}
    assert not BotConfig.objects.exists()


@pytest.mark.parametrize("verb", ["put", "patch"])
@pytest.mark.parametrize("strategy", [[1], {"a": 1}, None, 7, "astrology"])
def test_a_strategy_that_is_none_is_named(alice_api, body, verb, strategy):
    pk = alice_api.post(LIST, body, format="json").json()["id"]
    sent = {**body, "version": 1, "strategy": strategy}
    answer = getattr(alice_api, verb)(f"{LIST}{pk}", sent, format="json")
    assert (answer.status_code, set(answer.json())) == (400, {"strategy"})


def test_exits_limits_and_rests_are_kept_as_they_were_sent(alice_api, body):
    careful = {
        "stop_loss_perc": "1.5", "take_profit_perc": "3", "trailing_stop_perc": "0.8", "stop_limit_offset_perc": "1",
        "max_daily_trades": 20, "max_daily_loss_perc": "5", "daily_target_perc": "2.5", "cooldown_candles": 3,
        "max_slippage_perc": "0.2",
    }  # fmt: skip
    shown = alice_api.post(LIST, {**body, **careful}, format="json").json()
    assert {name: shown[name] for name in careful} == careful
    assert (shown["has_stop"], alice_api.get(f"{LIST}{shown['id']}").json()) == (True, shown)
    emptied = {"version": 1, "stop_loss_perc": None, "trailing_stop_perc": ""}
    changed = alice_api.patch(f"{LIST}{shown['id']}", emptied, format="json").json()
    assert (changed["has_stop"], changed["take_profit_perc"]) == (False, "3")


def test_everything_wrong_is_said_at_once(alice_api):
    answer = alice_api.post(LIST, {}, format="json")
    assert answer.status_code == 400
    assert set(answer.json()) == {"name", "api_key", "symbol", "initial_capital"}


@pytest.mark.parametrize("sent", ["[]", '"text"', "12", "null", "{", ""])
def test_a_body_that_is_no_object_is_a_400(alice_api, paper_key, sent):
    answer = alice_api.generic("POST", LIST, sent, content_type="application/json")
    assert answer.status_code == 400
    assert not BotConfig.objects.exists()


def test_a_foreign_key_is_told_from_a_missing_one_by_nobody(alice_api, charlie, body):
    theirs = mint_paper_key(charlie, "Theirs")
    answers = [
        alice_api.post(LIST, {**body, "api_key": pk}, format="json").json()
        for pk in (theirs.pk, theirs.pk + 1000)
    ]
    assert answers == [{"api_key": ["This API key does not exist."]}] * 2


def test_a_name_is_used_once_per_user(alice_api, body, make_bot):
    make_bot(name="First look")
    answer = alice_api.post(LIST, body, format="json")
    assert (answer.status_code, answer.json()) == (400, {"name": ["You already have a bot with this name."]})


def test_patch_changes_what_it_names_and_makes_a_version(alice_api, body):
    pk = alice_api.post(LIST, body, format="json").json()["id"]
    answer = alice_api.patch(f"{LIST}{pk}/", {"version": 1, "name": "Renamed"}, format="json")
    assert (answer.status_code, answer.json()["name"], answer.json()["version"]) == (200, "Renamed", 2)
    assert answer.json()["initial_capital"] == "1000"
    versions = alice_api.get(f"{LIST}{pk}/versions").json()
    assert [(row["version"], row["author"], row["configuration"]["name"]) for row in versions["results"]] == [
        (2, "alice@example.com", "Renamed"),
        (1, "alice@example.com", "First look"),
    ]


def test_put_replaces_and_what_is_left_out_takes_its_default(alice_api, body):
    sized = {**body, "position_size_perc": "50", "ema_fast": 3, "ema_slow": 9}
    pk = alice_api.post(LIST, sized, format="json").json()["id"]
    answer = alice_api.put(f"{LIST}{pk}", {**body, "version": 1, "timeframe": "5m"}, format="json")
    shown = answer.json()
    assert (answer.status_code, shown["timeframe"], shown["position_size_perc"]) == (200, "5m", None)
    assert shown["strategy_params"]["ema_fast"] == 8
    refused = alice_api.put(f"{LIST}{pk}", {"version": 2, "name": "Only a name"}, format="json")
    assert (refused.status_code, set(refused.json())) == (
        400,
        {"api_key", "symbol", "initial_capital"},
    )


@pytest.mark.parametrize("verb", ["put", "patch"])
def test_a_stale_edit_is_a_409_with_the_difference(alice_api, body, verb):
    pk = alice_api.post(LIST, body, format="json").json()["id"]
    alice_api.patch(f"{LIST}{pk}", {"version": 1, "initial_capital": "2000"}, format="json")
    answer = getattr(alice_api, verb)(f"{LIST}{pk}", {**body, "version": 1, "name": "Mine"}, format="json")
    stale = answer.json()
    assert (answer.status_code, stale["version"]) == (409, 2)
    assert stale["differences"] == {
        "name": {"seen": "First look", "now": "First look", "wanted": "Mine"},
        "initial_capital": {"seen": "1000", "now": "2000", "wanted": "1000"},
    }
    assert alice_api.get(f"{LIST}{pk}").json()["name"] == "First look"


@pytest.mark.parametrize("version", [None, "abc", 1.5, [], -1, 99])
def test_an_edit_names_the_version_it_was_made_from(alice_api, body, version):
    pk = alice_api.post(LIST, body, format="json").json()["id"]
    answer = alice_api.patch(f"{LIST}{pk}", {"version": version, "name": "Mine"}, format="json")
    assert answer.status_code == (409 if version in (-1, 99) else 400)
    assert "version" in answer.json()
    assert BotConfig.objects.get().name == "First look"


def test_deleting_archives_and_frees_the_name(alice_api, body):
    pk = alice_api.post(LIST, body, format="json").json()["id"]
    assert alice_api.delete(f"{LIST}{pk}").status_code == 204
    assert alice_api.get(f"{LIST}{pk}").status_code == 404
    assert alice_api.get(LIST).json()["count"] == 0
    assert BotConfig.objects.get().archived_at is not None
    assert alice_api.post(LIST, body, format="json").status_code == 201


def test_a_bot_with_a_position_is_not_deleted(alice_api, make_bot):
    bot = make_bot()
    BotState.objects.update(in_position=True)
    answer = alice_api.delete(f"{LIST}{bot.pk}")
    assert (answer.status_code, answer.json()) == (
        409,
        {"detail": "This bot holds a position. Close it first, then delete the bot."},
    )


@pytest.mark.parametrize("who", ["charlie_api", "bob_api"])
def test_somebody_elses_bot_does_not_exist(request, who, make_bot):
    api, bot = request.getfixturevalue(who), make_bot()
    for verb, path, body in [
        ("get", f"{LIST}{{}}", None),
        ("patch", f"{LIST}{{}}", {"version": 1, "name": "Stolen"}),
        ("put", f"{LIST}{{}}", {"version": 1, "name": "Stolen"}),
        ("delete", f"{LIST}{{}}", None),
        ("get", f"{LIST}{{}}/versions", None),
        ("get", "/api/v1/bot-states/{}", None),
        ("put", "/api/v1/bot-states/{}", {"status": "stopped"}),
        ("post", "/api/v1/bots/{}/start", {}),
        ("post", "/api/v1/bots/{}/stop", {}),
        ("get", "/api/v1/bot_config/{}", None),
    ]:
        theirs, nobodys = (
            getattr(api, verb)(path.format(pk), body, format="json") for pk in (bot.pk, 999999999)
        )
        assert theirs.status_code == 404, (verb, path)
        assert theirs.content == nobodys.content, (verb, path)
    bot.refresh_from_db()
    assert (bot.name, bot.is_active, bot.archived_at) == ("Bot 1", False, None)
    assert api.get(LIST).json()["results"] == []


def test_without_a_token_there_is_nothing(anonymous_api, make_bot):
    pk = make_bot().pk
    for verb, path in [
        ("get", LIST),
        ("post", LIST),
        ("get", f"{LIST}{pk}"),
        ("patch", f"{LIST}{pk}"),
        ("delete", f"{LIST}{pk}"),
        ("get", f"{LIST}{pk}/versions"),
        ("get", f"/api/v1/bot-states/{pk}"),
        ("post", f"/api/v1/bots/{pk}/start"),
        ("post", f"/api/v1/bots/{pk}/stop"),
        ("get", f"/api/v1/bots/{pk}/status-stream"),
        ("get", "/api/v1/trades/"),
        ("get", "/api/v1/strategies"),
    ]:
        assert getattr(anonymous_api, verb)(path).status_code == 401, (verb, path)


def test_a_list_costs_the_same_for_one_and_for_thirty(alice_api, make_bot):
    make_bot()
    with CaptureQueriesContext(connection) as one:
        alice_api.get(LIST)
    for _number in range(29):
        make_bot()
    with CaptureQueriesContext(connection) as thirty:
        rows = alice_api.get(LIST).json()["results"]
    assert (len(rows), len(thirty)) == (30, len(one))
    assert [row["id"] for row in rows] == sorted((row["id"] for row in rows), reverse=True)


def test_the_list_is_filterable_and_has_an_alias(alice_api, make_bot):
    btc, eth = make_bot(), make_bot(symbol="ETHUSDT", timeframe="5m", is_active=True)
    for query, found in {
        "symbol=ethusdt": [eth.pk],
        "timeframe=1m": [btc.pk],
        "is_active=true": [eth.pk],
        "status=stopped": [eth.pk, btc.pk],
        "status=running": [],
        "name=bot 1": [btc.pk],
    }.items():
        rows = alice_api.get(f"/api/v1/bot_config/?{query}").json()["results"]
        assert [row["id"] for row in rows] == found, query
    assert alice_api.get(f"{LIST}?timeframe=7m").status_code == 400
