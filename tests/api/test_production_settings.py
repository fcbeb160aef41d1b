"""Production: bcrypt, one origin, and no start without its secrets. Tests hash faster; this proves nobody else does."""

from __future__ import annotations

import subprocess
import sys

import pytest
from django.conf import settings as django_settings

SHOWN = "s.CORS_ALLOW_ALL_ORIGINS, s.CORS_ALLOWED_ORIGINS, s.PASSWORD_HASHERS[0].rpartition('.')[2]"


def settings_of(**environment: str) -> subprocess.CompletedProcess[str]:
    code = f"import tradebot.settings as s; print({SHOWN})"
    given = {"PATH": "", "ENV_FILE": "/nonexistent", **environment}
    return subprocess.run(
        [sys.executable, "-c", code],
        env=given,
        cwd=django_settings.BASE_DIR,
        capture_output=True,
        text=True,
        check=False,
    )


PRODUCTION = {
    "ENVIRONMENT": "production",
    "ALLOWED_HOSTS": "example.com",
    "FRONTEND_URL": "https://front.example.com",
    "FERNET_KEYS": "MDEyMzQ1Njc4OWFiY2RlZjAxMjM0NTY3ODlhYmNkZWY=",
    **dict.fromkeys(("SECRET_KEY", "JWT_SIGNING_KEY", "SANDBOX_TOKEN", "SANDBOX_KEY_SECRET"), "x" * 50),
}


def test_passwords_are_hashed_with_bcrypt_and_only_the_front_end_may_ask():
    assert settings_of(**PRODUCTION).stdout == (
        "False ['https://front.example.com'] BCryptSHA256PasswordHasher\n"
    )


def test_development_hashes_the_same_and_answers_any_origin():
    assert settings_of(ENVIRONMENT="development").stdout == "True [] BCryptSHA256PasswordHasher\n"


@pytest.mark.parametrize(
    "name", ["SECRET_KEY", "JWT_SIGNING_KEY", "FERNET_KEYS", "SANDBOX_KEY_SECRET", "ALLOWED_HOSTS"]
)
def test_production_refuses_to_start_without(name):
    ended = settings_of(**{key: value for key, value in PRODUCTION.items() if key != name})
    assert ended.returncode == 1
    assert f"{name} must be set in production" in ended.stderr
