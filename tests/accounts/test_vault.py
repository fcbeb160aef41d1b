"""Secrets are sealed, opened by any present key, rotated to the newest, and shown by nothing."""

from __future__ import annotations

import subprocess
import sys

import pytest
from cryptography.fernet import Fernet
from django.conf import settings as django_settings
from django.core.management import CommandError, call_command

from accounts.models import ApiKey
from accounts.vault import VaultError, credentials_of, fingerprint, mask, open_sealed, seal


def run_python(code: str, environment: dict[str, str]) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-c", code]
    return subprocess.run(
        command, env=environment, cwd=django_settings.BASE_DIR, capture_output=True, text=True, check=False
    )


OLD, NEW = Fernet.generate_key().decode(), Fernet.generate_key().decode()


def test_a_sealed_text_opens_and_is_not_readable():
    sealed = seal("secret-text")
    assert open_sealed(sealed) == "secret-text"
    assert open_sealed(memoryview(sealed)) == "secret-text"
    assert b"secret-text" not in sealed
    assert seal("secret-text") != sealed


def test_the_newest_key_seals_and_older_ones_still_open(settings):
    settings.FERNET_KEYS = [OLD]
    sealed = seal("x")
    settings.FERNET_KEYS = [NEW, OLD]
    assert open_sealed(sealed) == "x"
    assert Fernet(NEW).decrypt(seal("y")) == b"y"


def test_a_missing_key_is_an_error_that_says_nothing_of_the_text(settings):
    settings.FERNET_KEYS = [OLD]
    sealed = seal("do-not-show")
    settings.FERNET_KEYS = [NEW]
    with pytest.raises(VaultError) as caught:
        open_sealed(sealed)
    assert str(caught.value) == (
        "A stored key cannot be decrypted: FERNET_KEYS lacks the key it was sealed with."
    )
    assert caught.value.__cause__ is None
    with pytest.raises(VaultError):
        open_sealed(b"not sealed at all")


def test_credentials_show_nothing(paper_key):
    credentials = credentials_of(paper_key)
    assert repr(credentials) == "Credentials(****)"
    assert fingerprint(credentials.api_key) == paper_key.fingerprint
    assert paper_key.masked_key == f"{credentials.api_key[:4]}****{credentials.api_key[-4:]}"
    assert credentials.secret_key not in repr(paper_key.__dict__)


@pytest.mark.parametrize(
    ("key", "shown"), [("abcd" + "x" * 56 + "wxyz", "abcd****wxyz"), ("short", "****"), ("", "****")]
)
def test_a_mask_shows_eight_characters_at_most(key, shown):
    assert mask(key) == shown


def test_rotation_makes_the_old_key_needless(paper_key, settings, capsys):
    before = credentials_of(paper_key)
    settings.FERNET_KEYS = [NEW, *django_settings.FERNET_KEYS]
    call_command("rotate_encryption_keys")
    settings.FERNET_KEYS = [NEW]
    assert credentials_of(ApiKey.objects.get()) == before
    assert capsys.readouterr().out == "1 of 1 keys are sealed with the newest encryption key.\n"


def test_rotation_names_the_keys_it_cannot_read_and_leaves_them(paper_key, settings):
    sealed = bytes(paper_key.encrypted_secret_key)
    settings.FERNET_KEYS = [NEW]
    with pytest.raises(CommandError, match=rf"left as they are: keys \[{paper_key.pk}\]"):
        call_command("rotate_encryption_keys")
    assert bytes(ApiKey.objects.get().encrypted_secret_key) == sealed


def test_a_key_that_is_no_fernet_key_stops_the_start():
    code = "import tradebot.settings"
    environment = {
        "PATH": "",
        "ENVIRONMENT": "test",
        "FERNET_KEYS": f"{OLD},not-a-fernet-key",
        "ENV_FILE": "/nonexistent",
    }
    ended = run_python(code, environment)
    assert ended.returncode == 1
    assert "FERNET_KEYS: key 2 is not a Fernet key" in ended.stderr
    assert "not-a-fernet-key" not in ended.stderr
