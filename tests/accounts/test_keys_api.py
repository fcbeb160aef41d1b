"""api-keys/: the owner's own, masked; everybody else sees nothing."""

from __future__ import annotations

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from accounts.keys import mint_paper_key
from accounts.models import ApiKey, AuditEntry
from accounts.vault import credentials_of
from exchange.sandbox.credentials import mint_api_key, secret_for, uid_of

pytestmark = pytest.mark.django_db
LIST = "/api/v1/api-keys/"
LIMIT = "account_max_daily_loss_perc"


def test_a_key_is_shown_masked(alice_api, paper_key):
    answer = alice_api.get(LIST)
    assert answer.status_code == 200
    body = answer.json()
    assert (body["count"], body["next"], body["previous"]) == (1, None, None)
    (row,) = body["results"]
    assert set(row) == {
        "id", "label", "venue", "api_key", "account_id", "account_max_daily_loss_perc", "is_valid", "permissions",
        "last_checked_at", "last_error",
        "created_at", "updated_at",
    }  # fmt: skip
    assert (row["id"], row["label"], row["venue"], row["is_valid"]) == (
        paper_key.pk,
        "Paper",
        "sandbox",
        True,
    )
    opened = credentials_of(paper_key)
    assert row["api_key"] == f"{opened.api_key[:4]}****{opened.api_key[-4:]}"
    assert alice_api.get(f"{LIST}{paper_key.pk}").json() == row


def test_venue_and_label_alone_mint_a_paper_key(alice_api, alice):
    answer = alice_api.post(LIST, {"venue": "sandbox", "label": "Second"}, format="json")
    assert answer.status_code == 201
    key = ApiKey.objects.get()
    assert (key.user, answer.json()["id"], answer.json()["label"]) == (alice, key.pk, "Second")


def test_a_brought_key_is_added_and_neither_half_is_echoed(alice_api, sandbox):
    key = mint_api_key()
    secret = secret_for(key, sandbox.key_secret)
    answer = alice_api.post(
        LIST, {"venue": "sandbox", "label": "B", "api_key": key, "secret_key": secret}, format="json"
    )
    assert (answer.status_code, answer.json()["account_id"]) == (201, str(uid_of(key)))
    assert key not in answer.content.decode()
    assert secret not in answer.content.decode()


@pytest.mark.parametrize(
    ("body", "fields"),
    [
        ({}, {"label": ["This field is required."], "venue": ["This field is required."]}),
        ({"venue": "moon", "label": "x"}, {"venue": ['"moon" is not a valid choice.']}),
        (
            {"venue": "live", "label": "x"},
            {"venue": ["Live trading is not available in this version. Add a paper key."]},
        ),
        (
            {"venue": "testnet", "label": "x", "api_key": "k" * 64, "secret_key": "s" * 64},
            {"venue": ["Testnet keys are not available yet. Add a paper key."]},
        ),
        ({"venue": "sandbox", "label": "Paper"}, {"label": ["You already have a key with this label."]}),
        (
            {"venue": "sandbox", "label": "x" * 81},
            {"label": ["Ensure this field has no more than 80 characters."]},
        ),
        (
            {"venue": "sandbox", "label": "x", "api_key": "k" * 64},
            {"secret_key": ["Give both api_key and secret_key, or neither for a new paper key."]},
        ),
        (
            {"venue": "sandbox", "label": "x", "api_key": "HIDDEN", "secret_key": "HIDDEN", "password": "p"},
            {"password": ["Unknown field."]},
        ),
        (
            {"venue": "sandbox", "label": "x", "api_key": "HIDDEN", "secret_key": "HIDDEN"},
            {
                "api_key": ["This must be 64 letters and digits, as Binance shows it."],
                "secret_key": ["This must be 64 letters and digits, as Binance shows it."],
            },
        ),
        ([], {"detail": "Invalid data. Expected a dictionary, but got list."}),
        ("text", {"detail": "Invalid data. Expected a dictionary, but got str."}),
    ],
)
def test_a_bad_key_is_refused_field_by_field(alice_api, paper_key, body, fields):
    answer = alice_api.post(LIST, body, format="json")
    assert (answer.status_code, answer.json()) == (400, fields)
    assert ApiKey.objects.count() == 1


def test_an_exchange_away_is_a_503_with_a_reason(alice_api, paper_key, settings):
    settings.SANDBOX_URL = "http://127.0.0.1:9"
    answers = [
        alice_api.get(f"{LIST}{paper_key.pk}/balance"),
        alice_api.post(f"{LIST}{paper_key.pk}/check"),
        alice_api.post(
            LIST,
            {"venue": "sandbox", "label": "x", "api_key": "k" * 64, "secret_key": "s" * 64},
            format="json",
        ),
    ]
    detail = {
        "detail": "The exchange did not answer as expected: No connection to the exchange could be made."
    }
    assert [(answer.status_code, answer.json()) for answer in answers] == [(503, detail)] * 3


def test_balance_and_check_ask_the_exchange(alice, alice_api, sandbox):
    key = mint_paper_key(alice, "Mine")
    checked = alice_api.post(f"{LIST}{key.pk}/check/")
    assert (checked.status_code, checked.json()["is_valid"], checked.json()["last_error"]) == (200, True, "")
    assert alice_api.get(f"{LIST}{key.pk}/balance/").json() == {
        "api_key": key.pk,
        "venue": "sandbox",
        "total_usdt": "10000",
        "spot": [{"asset": "USDT", "free": "10000", "locked": "0", "total": "10000", "value_usdt": "10000"}],
    }


def test_a_key_in_use_is_a_409_that_lists_the_bots(alice_api, paper_key, make_bot):
    bot = make_bot(name="Runner")
    answer = alice_api.delete(f"{LIST}{paper_key.pk}")
    assert (answer.status_code, answer.json()) == (
        409,
        {
            "detail": "Bots use this key: Runner (BTCUSDT 1m). Delete them first.",
            "bots": [{"id": bot.pk, "name": "Runner (BTCUSDT 1m)"}],
        },
    )


def test_a_free_key_is_deleted(alice_api, paper_key):
    assert alice_api.delete(f"{LIST}{paper_key.pk}/").status_code == 204
    assert alice_api.get(f"{LIST}{paper_key.pk}/").status_code == 404


def test_a_key_is_not_replaced(alice_api, paper_key):
    assert alice_api.put(f"{LIST}{paper_key.pk}", {"label": "x"}, format="json").status_code == 405


@pytest.mark.parametrize("who", ["charlie_api", "bob_api"])
def test_somebody_elses_key_does_not_exist(request, who, paper_key):
    api = request.getfixturevalue(who)
    missing, own = f"{LIST}999999999", f"{LIST}{paper_key.pk}"
    for verb, path in [("get", ""), ("delete", ""), ("post", "/check"), ("get", "/balance")]:
        theirs, nobodys = getattr(api, verb)(own + path), getattr(api, verb)(missing + path)
        assert (theirs.status_code, theirs.content) == (nobodys.status_code, nobodys.content), (verb, path)
        assert theirs.status_code == 404
    assert api.get(LIST).json()["results"] == []
    assert ApiKey.objects.count() == 1


def test_without_a_token_there_is_nothing(anonymous_api, paper_key):
    for verb, path in [("get", ""), ("post", ""), ("get", f"{paper_key.pk}"), ("delete", f"{paper_key.pk}")]:
        answer = getattr(anonymous_api, verb)(LIST + path)
        assert answer.status_code == 401, (verb, path)


def test_a_list_costs_the_same_for_one_and_for_thirty(alice, alice_api, paper_key):
    with CaptureQueriesContext(connection) as one:
        alice_api.get(LIST)
    for number in range(29):
        mint_paper_key(alice, f"Key {number}")
    with CaptureQueriesContext(connection) as thirty:
        body = alice_api.get(LIST).json()
    assert (len(body["results"]), len(thirty)) == (30, len(one))
    labels = [row["label"] for row in body["results"]]
    assert (labels[0], labels[-1]) == ("Key 28", "Paper")


def test_pages_are_honest(alice, alice_api, paper_key):
    mint_paper_key(alice, "Newer")
    body = alice_api.get(f"{LIST}?limit=1").json()
    assert ([row["label"] for row in body["results"]], body["count"]) == (["Newer"], 2)
    assert body["next"] == "http://testserver/api/v1/api-keys/?limit=1&offset=1"
    for query, fields in {
        "limit=0": {"limit": ["Must be a whole number, at least 1."]},
        "limit=abc": {"limit": ["Must be a whole number, at least 1."]},
        "offset=-1": {"offset": ["Must be a whole number, at least 0."]},
        "offset=99999999999999999999": {"offset": ["Must be a whole number, at least 0."]},
        "venue=moon": {"venue": ["Select a valid choice. moon is not one of the available choices."]},
    }.items():
        answer = alice_api.get(f"{LIST}?{query}")
        assert (answer.status_code, answer.json()) == (400, fields), query


def change(api, key, **body):
    return api.patch(f"/api/v1/api-keys/{key.pk}", body, format="json")


def test_a_key_is_renamed_and_its_account_limited(alice_api, alice, paper_key):
    answer = change(alice_api, paper_key, label="Mine", account_max_daily_loss_perc="2.5")
    assert (answer.status_code, answer.json()["label"], answer.json()["account_max_daily_loss_perc"]) == (
        200,
        "Mine",
        "2.5",
    )
    assert change(alice_api, paper_key, account_max_daily_loss_perc=None).json()["label"] == "Mine"
    paper_key.account.refresh_from_db()
    assert paper_key.account.account_max_daily_loss_perc is None
    done = (
        AuditEntry.objects.exclude(event="key_added").order_by("id").values_list("event", "before", "after")
    )
    assert list(done) == [
        ("key_renamed", {"label": "Paper"}, {"label": "Mine"}),
        ("account_limit_changed", {LIMIT: None}, {LIMIT: "2.5"}),
        ("account_limit_changed", {LIMIT: "2.5"}, {LIMIT: None}),
    ]


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({"label": ""}, "label"),
        ({"label": "Second"}, "label"),
        ({"account_max_daily_loss_perc": "0.01"}, "account_max_daily_loss_perc"),
        ({"account_max_daily_loss_perc": "101"}, "account_max_daily_loss_perc"),
        ({"secret_key": "x"}, "secret_key"),
        ({"venue": "live"}, "venue"),
    ],
)
def test_a_change_that_is_not_possible_names_its_field(alice_api, alice, paper_key, body, field):
    mint_paper_key(alice, "Second")
    answer = change(alice_api, paper_key, **body)
    assert (answer.status_code, list(answer.json())) == (400, [field])
    paper_key.refresh_from_db()
    assert paper_key.label == "Paper"


def test_a_stranger_changes_no_key(charlie_api, paper_key):
    assert change(charlie_api, paper_key, label="Mine").status_code == 404
