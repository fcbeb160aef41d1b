"""Keys: minted without a server, vouched for by the sandbox when brought, checked again, deleted, and their balance."""

from __future__ import annotations

from decimal import Decimal

import pytest

from accounts import keys
from accounts.models import ApiKey, ExchangeAccount
from accounts.signals import key_invalidated
from accounts.vault import credentials_of
from exchange.port import Permissions, Unavailable
from exchange.sandbox.credentials import mint_api_key, secret_for, uid_of

pytestmark = pytest.mark.django_db
NO_SERVER = "http://127.0.0.1:9"


@pytest.fixture
def brought(sandbox):
    """A key and its secret as somebody brings them from elsewhere."""
    key = mint_api_key()
    return {"api_key": key, "secret_key": secret_for(key, sandbox.key_secret)}


def test_a_paper_key_needs_no_server(alice, settings):
    settings.SANDBOX_URL = NO_SERVER
    key = keys.mint_paper_key(alice, "Mine")
    opened = credentials_of(key)
    assert (key.user, key.venue, key.label, key.is_valid) == (alice, "sandbox", "Mine", True)
    assert key.permissions == {"read": True, "spot": True, "futures": False, "withdraw": False}
    assert (key.account.user, key.account.venue) == (alice, "sandbox")
    assert key.account.external_id == str(uid_of(opened.api_key))
    assert opened.secret_key == secret_for(opened.api_key, settings.SANDBOX_KEY_SECRET)


def test_a_minted_key_is_good_at_the_sandbox(alice, sandbox):
    key = keys.mint_paper_key(alice, "Mine")
    assert keys.check_key(key).is_valid is True
    assert keys.client_of(key).account_id() == key.account.external_id


def test_two_keys_of_one_user_may_not_share_a_label(alice, charlie):
    keys.mint_paper_key(alice, "Mine")
    keys.mint_paper_key(charlie, "Mine")
    with pytest.raises(keys.KeyRefused) as refused:
        keys.mint_paper_key(alice, "Mine")
    assert refused.value.errors == {"label": ["You already have a key with this label."]}
    assert ApiKey.objects.for_user(alice).count() == ExchangeAccount.objects.for_user(alice).count() == 1


def test_a_brought_key_is_checked_and_stored(alice, brought):
    key = keys.add_key(alice, label="Brought", venue="sandbox", **brought)
    assert (key.is_valid, key.account.external_id) == (True, str(uid_of(brought["api_key"])))
    assert credentials_of(key).secret_key == brought["secret_key"]
    assert key.permissions == {"read": True, "spot": True, "futures": False, "withdraw": False}


@pytest.mark.parametrize("venue", ["testnet", "live"])
def test_a_venue_that_is_not_built_is_refused_by_name(alice, venue):
    with pytest.raises(keys.KeyRefused) as refused:
        keys.add_key(alice, label="Live", venue=venue, api_key="a" * 64, secret_key="b" * 64)
    assert refused.value.errors == {"venue": [str(keys.VENUES_NOT_YET[venue])]}
    assert not ApiKey.objects.exists()


def test_what_cannot_be_a_key_is_refused_before_anybody_is_asked(alice, settings):
    settings.SANDBOX_URL = NO_SERVER
    message = ["This must be 64 letters and digits, as Binance shows it."]
    with pytest.raises(keys.KeyRefused) as refused:
        keys.add_key(alice, label="x", venue="sandbox", api_key="short", secret_key="ü" * 64)
    assert refused.value.errors == {"api_key": message, "secret_key": message}


def test_a_wrong_secret_is_refused_by_the_exchange(alice, sandbox, brought):
    with pytest.raises(keys.KeyRefused) as refused:
        keys.add_key(alice, label="x", venue="sandbox", api_key=brought["api_key"], secret_key="0" * 64)
    assert refused.value.errors == {
        "api_key": ["The exchange refused this key: Signature for this request is not valid."]
    }
    assert not ExchangeAccount.objects.exists()


def test_a_key_is_entered_once(alice, brought):
    keys.add_key(alice, label="One", venue="sandbox", **brought)
    with pytest.raises(keys.KeyRefused) as refused:
        keys.add_key(alice, label="Two", venue="sandbox", **brought)
    assert refused.value.errors == {"api_key": ["You have already added this key."]}


def test_an_account_belongs_to_one_user_even_after_its_key_is_gone(alice, charlie, brought):
    key = keys.add_key(alice, label="One", venue="sandbox", **brought)
    refusal = {"api_key": ["This key belongs to an exchange account of another user."]}
    for _turn in range(2):
        with pytest.raises(keys.KeyRefused) as refused:
            keys.add_key(charlie, label="Two", venue="sandbox", **brought)
        assert refused.value.errors == refusal
        ApiKey.objects.filter(pk=key.pk).delete()
    assert keys.add_key(alice, label="Again", venue="sandbox", **brought).account == key.account


def test_an_exchange_away_says_nothing_about_a_key(alice, paper_key, brought, settings):
    settings.SANDBOX_URL = NO_SERVER
    for ask in (
        lambda: keys.add_key(alice, label="x", venue="sandbox", **brought),
        lambda: keys.check_key(paper_key),
        lambda: keys.balance_of(paper_key),
    ):
        with pytest.raises(Unavailable):
            ask()
    paper_key.refresh_from_db()
    assert (paper_key.is_valid, ApiKey.objects.count()) == (True, 1)


def test_a_key_the_exchange_refuses_turns_invalid_and_back(alice, sandbox, settings):
    settings.SANDBOX_KEY_SECRET = "another secret than the server's"
    key = keys.mint_paper_key(alice, "Wrong")
    heard = []

    def listen(api_key, **_more):
        heard.append(api_key.pk)

    key_invalidated.connect(listen)
    try:
        keys.check_key(key)
    finally:
        key_invalidated.disconnect(listen)
    key.refresh_from_db()
    assert (key.is_valid, key.last_error) == (False, "Signature for this request is not valid.")
    assert heard == [key.pk]


def test_a_key_that_cannot_be_opened_turns_invalid(paper_key, sandbox, settings):
    from cryptography.fernet import Fernet

    settings.FERNET_KEYS = [Fernet.generate_key().decode()]
    keys.check_key(paper_key)
    paper_key.refresh_from_db()
    assert paper_key.is_valid is False
    assert paper_key.last_error.startswith("A stored key cannot be decrypted")


@pytest.mark.parametrize(
    ("venue", "given", "objection"),
    [
        ("live", Permissions(True, True, True, True), "This key may withdraw money."),
        ("sandbox", Permissions(True, True, True, True), ""),
        ("live", Permissions(True, True, False, False), ""),
        ("live", Permissions(False, True, False, False), "This key may not read the account."),
        ("sandbox", Permissions(True, False, False, False), "This key may not trade."),
    ],
)
def test_what_a_key_may_do_decides(venue, given, objection):
    assert keys.objection_to(venue, given).split(". ")[0].rstrip(".") == objection.rstrip(".")


def test_a_key_in_use_is_not_deleted_and_the_answer_names_its_bots(paper_key, make_bot):
    first, second = make_bot(name="First"), make_bot(name="Second", symbol="ETHUSDT")
    with pytest.raises(keys.KeyInUse) as refused:
        keys.delete_key(paper_key)
    assert refused.value.bots == {first.pk: "First (BTCUSDT 1m)", second.pk: "Second (ETHUSDT 1m)"}
    assert str(refused.value) == (
        "Bots use this key: First (BTCUSDT 1m), Second (ETHUSDT 1m). Delete them first."
    )
    assert ApiKey.objects.filter(pk=paper_key.pk).exists()


def test_a_free_key_is_deleted_and_its_account_stays(paper_key):
    keys.delete_key(paper_key)
    assert (ApiKey.objects.count(), ExchangeAccount.objects.count()) == (0, 1)


def test_a_fresh_paper_account_holds_ten_thousand(alice, sandbox):
    (row,) = keys.balance_of(keys.mint_paper_key(alice, "Mine"))
    assert (row.asset, row.free, row.locked, row.total, row.value_usdt) == (
        "USDT",
        Decimal(10_000),
        Decimal(0),
        Decimal(10_000),
        Decimal(10_000),
    )
