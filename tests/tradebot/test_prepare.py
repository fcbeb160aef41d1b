"""The preparation of the database says what is set wrong, in one line."""

from __future__ import annotations

import os
import subprocess
import sys

import pytest
from django.conf import settings


@pytest.mark.parametrize(
    ("variables", "said"),
    [
        ({"ENVIRONMENT": "bogus"}, "ENVIRONMENT must be development, production or test, not 'bogus'."),
        (
            {"LIVE_TRADING_ENABLED": "true"},
            "LIVE_TRADING_ENABLED: this version trades on the paper market only. Remove it.",
        ),
        ({"DATABASE_URL": "postgres://nobody:x@127.0.0.1:1/none"}, "connection failed"),
    ],
)
def test_what_is_wrong_is_said_without_a_stack(variables: dict[str, str], said: str) -> None:
    command = [sys.executable, "-m", "tradebot.prepare"]
    ended = subprocess.run(
        command,
        check=False,
        cwd=settings.BASE_DIR,
        env={**os.environ, **variables},
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert ended.returncode == 1
    assert ended.stderr.startswith(said)
    assert len(ended.stderr.splitlines()) <= 2
