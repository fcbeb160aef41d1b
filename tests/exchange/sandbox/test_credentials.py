"""A key is minted anywhere; its secret and its account follow from it."""

from exchange.sandbox.credentials import is_well_formed, mint_api_key, secret_for, uid_of


def test_keys_look_like_binances_and_differ():
    keys = {mint_api_key() for _ in range(50)}
    assert len(keys) == 50
    assert all(is_well_formed(key) for key in keys)


def test_the_secret_depends_on_key_and_installation():
    assert secret_for("a" * 64, "x") == secret_for("a" * 64, "x")
    assert len({secret_for("a" * 64, "x"), secret_for("a" * 64, "y"), secret_for("b" * 64, "x")}) == 3
    assert len(secret_for("a" * 64, "x")) == 64


def test_secret_and_account_of_a_key_never_change():
    """Stored keys must go on working with every later version."""
    assert (
        secret_for("k" * 64, "secret") == "de9f3fbaf627d93088ff931b20b67ea512c9b616bf37ab26e6cc6dbbd2fa7bfb"
    )
    assert uid_of("k" * 64) == 47715279563854


def test_what_is_not_64_letters_and_digits_is_no_key():
    assert [is_well_formed(key) for key in ("", "a" * 63, "a" * 65, "a" * 63 + "-", "a" * 64 + "\n")] == [
        False
    ] * 5
