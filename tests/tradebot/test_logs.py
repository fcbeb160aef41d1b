"""Logs are JSON lines on stderr, whoever writes them, with the ids of task and bot."""

from __future__ import annotations

import json
import subprocess
import sys
from types import SimpleNamespace

import structlog

from tradebot.celery import bind_bot_id
from tradebot.supervisor.instance import ROOT

PROGRAM = """
import logging, structlog
from tradebot.logs import configure
configure()
configure()
structlog.contextvars.bind_contextvars(task_id="t-1")
structlog.get_logger("trading").info("bot_run", bot_config_id=7)
logging.getLogger("django.request").warning("Not Found: %s", "/x")
logging.getLogger("celery.beat").info("due task")
try:
    1 / 0
except ZeroDivisionError:
    structlog.get_logger("trading").exception("broken")
"""


def test_every_line_is_one_json_object() -> None:
    done = subprocess.run(
        [sys.executable, "-c", PROGRAM], cwd=ROOT, capture_output=True, text=True, check=True
    )
    assert done.stdout == ""
    first, second, third = (json.loads(line) for line in done.stderr.splitlines())
    assert {name: first[name] for name in ("event", "level", "logger", "task_id", "bot_config_id")} == {
        "event": "bot_run",
        "level": "info",
        "logger": "trading",
        "task_id": "t-1",
        "bot_config_id": 7,
    }
    assert (second["event"], second["level"]) == ("Not Found: /x", "warning")
    assert third["exception"].endswith("ZeroDivisionError: division by zero")


def test_a_bots_task_logs_the_bots_id() -> None:
    def task(name: str) -> SimpleNamespace:
        return SimpleNamespace(name=name, request=SimpleNamespace(args=(7,)))

    with structlog.contextvars.bound_contextvars():
        bind_bot_id(task("exchange.warm_symbols"))
        assert "bot_config_id" not in structlog.contextvars.get_contextvars()
        bind_bot_id(task("trading.run_bot_task"))
        assert structlog.contextvars.get_contextvars()["bot_config_id"] == 7
    structlog.contextvars.clear_contextvars()
