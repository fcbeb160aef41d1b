"""`docs/walkthrough.sh` does what it says, and notices when something is not as it says."""

from __future__ import annotations

import subprocess
from pathlib import Path
from typing import Any

import pytest
from django.conf import settings

pytestmark = pytest.mark.django_db(transaction=True)
SCRIPT = Path(settings.BASE_DIR) / "docs" / "walkthrough.sh"


def walk(base: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(["sh", str(SCRIPT), base], capture_output=True, text=True, timeout=120, check=False)


def test_the_walkthrough_finds_everything_as_promised(sandbox: Any, live_site: str) -> None:
    walked = walk(live_site)
    assert walked.returncode == 0, walked.stdout + walked.stderr
    assert walked.stdout.endswith("== Everything was as promised.\n")
    assert "SURPRISE" not in walked.stderr


def test_a_surprise_ends_it(live_site: str) -> None:
    walked = walk(f"{live_site}/nowhere")
    assert walked.returncode == 1
    assert walked.stderr.startswith("SURPRISE: POST /auth/register answered 404, not 201")
