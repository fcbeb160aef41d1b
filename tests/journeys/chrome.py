"""The browser of the journeys: Debian's Chromium, headless, told to talk to nobody but us."""

from __future__ import annotations

import os
import shutil
from typing import Any

ARGUMENTS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--hide-scrollbars",
]


def path_of_browser() -> str | None:
    """Where a Chromium lies on this machine, if any does."""
    named = os.environ.get("BROWSER_PATH")
    return (
        named or shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
    )


def launch(playwright: Any) -> Any:
    return playwright.chromium.launch(executable_path=path_of_browser(), headless=True, args=ARGUMENTS)
