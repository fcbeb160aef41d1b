"""A newcomer's first minutes, measured: clone into a new folder, `./run`, sign in, first trade, a trade seen live.

    .venv/bin/python tests/journeys/fresh_clone.py [TIMES]

Prints a JSON line per clone and exits 1 unless every one held: READY within 180 s, login 200, a trade by the API within
180 s of READY, and a new trade on an open bot page without reload. Nothing of an earlier run is left in the folder.
"""

from __future__ import annotations

import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any
from urllib.request import Request, urlopen

from playwright.sync_api import sync_playwright

sys.path.insert(0, str(Path(__file__).resolve().parent))
from chrome import launch

ROOT = Path(__file__).resolve().parents[2]
LIMIT_SECONDS = 180
LIVE_SECONDS = 900
TRADE_ROWS = "#bot-trades tbody tr"
# Few enough for a browser, which keeps six connections to one host at most.
BUSIEST = ("Restless BTC", "Restless ETH", "Quick BTC", "First look ETH")


def main(times: int) -> int:
    rounds = [one_clone() for _ in range(times)]
    return 0 if all(found["ok"] for found in rounds) else 1


def one_clone() -> dict[str, Any]:
    folder = Path(tempfile.mkdtemp(prefix="tradebot-fresh-"))
    folder.chmod(0o755)
    clone = folder / "clone"
    subprocess.run(["git", "clone", "--quiet", str(ROOT), str(clone)], check=True)
    environment = {**os.environ, "PORT": str(free_port())}
    for name in ("DATA_DIR", "DATABASE_URL", "REDIS_URL", "VIRTUAL_ENV"):
        environment.pop(name, None)
    began = time.monotonic()
    instance = subprocess.Popen(
        [str(clone / "run")], cwd=clone, env=environment, stdout=subprocess.PIPE, text=True
    )
    try:
        found = first_minutes(instance, began)
    finally:
        instance.send_signal(signal.SIGTERM)
        code = instance.wait(30)
    found["ok"] = found["ok"] and code == 0
    print(json.dumps({**found, "exit_code": code}), flush=True)
    shutil.rmtree(folder)
    return found


def first_minutes(instance: subprocess.Popen[str], began: float) -> dict[str, Any]:
    ready = read_ready(instance)
    ready_at = time.monotonic()
    token, status = sign_in(ready)
    with sync_playwright() as playwright:
        # Open before anything has traded, and then left alone.
        pages = open_busiest(launch(playwright).new_context(), ready)
        before = [page.locator(TRADE_ROWS).count() for page in pages]
        while trades(ready["url"], token) == 0 and time.monotonic() < ready_at + LIMIT_SECONDS:
            pages[0].wait_for_timeout(1000)
        first_trade = time.monotonic() - ready_at
        live = see_a_trade_come(pages, before, until=time.monotonic() + LIVE_SECONDS)
    return {
        "ready_seconds": round(ready_at - began, 1),
        "login": status,
        "first_trade_seconds_after_ready": round(first_trade, 1),
        "live_trade": live,
        "ok": ready_at - began <= LIMIT_SECONDS and status == 200 and first_trade <= LIMIT_SECONDS and live,
    }


def read_ready(instance: subprocess.Popen[str]) -> dict[str, Any]:
    assert instance.stdout is not None
    for line in instance.stdout:
        if line.startswith("READY "):
            return dict(json.loads(line.removeprefix("READY ")))
    raise SystemExit(f"./run ended with {instance.wait()} before READY")


def sign_in(ready: dict[str, Any]) -> tuple[str, int]:
    body = json.dumps({"email": ready["email"], "password": ready["password"]}).encode()
    asked = Request(f"{ready['url']}/api/v1/auth/login", body, {"Content-Type": "application/json"})
    with urlopen(asked, timeout=10) as answer:
        return str(json.load(answer)["access_token"]), int(answer.status)


def trades(url: str, token: str) -> int:
    asked = Request(f"{url}/api/v1/trades/?limit=1", headers={"Authorization": f"Bearer {token}"})
    with urlopen(asked, timeout=10) as answer:
        return int(json.load(answer)["count"])


def open_busiest(context: Any, ready: dict[str, Any]) -> list[Any]:
    page = context.new_page()
    page.goto(f"{ready['url']}/accounts/login/")
    page.fill("input[name=login]", ready["email"])
    page.fill("input[name=password]", ready["password"])
    page.click("button[type=submit]:has-text('Sign in')")
    page.wait_for_selector("#dashboard")
    page.close()
    return [open_bot(context, ready["url"], name) for name in BUSIEST]


def see_a_trade_come(pages: list[Any], before: list[int], *, until: float) -> bool:
    """True once a page that was never loaded again has more rows than when it was opened."""
    while time.monotonic() < until:
        for page, rows in zip(pages, before, strict=True):
            if page.locator(TRADE_ROWS).count() > rows:
                return bool(page.evaluate("window.neverReloaded === true"))
        pages[0].wait_for_timeout(500)
    return False


def open_bot(context: Any, url: str, name: str) -> Any:
    page = context.new_page()
    page.goto(f"{url}/bots/")
    page.click(f"a:has-text('{name}')")
    page.wait_for_selector("#bot-trades")
    page.evaluate("window.neverReloaded = true")
    return page


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


if __name__ == "__main__":
    raise SystemExit(main(int(sys.argv[1]) if len(sys.argv) > 1 else 5))
