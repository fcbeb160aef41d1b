"""A pytest plugin of `./run test`: counts for the JSON line, and what could not be run for want of a browser.

Loaded with `-p tradebot.verbs.counting`; writes its counts to the file named by TRADEBOT_TEST_COUNTS.
"""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

import pytest

from tradebot.verbs.browsers import find_chromium

NOT_RUN = pytest.StashKey[list[str]]()


@pytest.hookimpl(trylast=True)
def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Leave out what needs a browser where none is, unless one is required: then those tests run and fail."""
    if find_chromium() or os.environ.get("REQUIRE_BROWSER") == "1":
        return
    left_out = [item for item in items if item.get_closest_marker("browser")]
    if left_out:
        items[:] = [item for item in items if item not in left_out]
        config.stash[NOT_RUN] = [item.nodeid for item in left_out]
        config.hook.pytest_deselected(items=left_out)


def pytest_sessionfinish(session: pytest.Session) -> None:
    """A worker of xdist hands its list to the one who counts."""
    output = getattr(session.config, "workeroutput", None)
    if output is not None:
        output["not_run"] = session.config.stash.get(NOT_RUN, [])


@pytest.hookimpl(optionalhook=True)
def pytest_testnodedown(node: Any, error: Any) -> None:
    # Every worker collects the same tests, so any one's list is the list.
    node.config.stash[NOT_RUN] = getattr(node, "workeroutput", {}).get("not_run", [])


def pytest_terminal_summary(terminalreporter: Any, config: pytest.Config) -> None:
    path = os.environ.get("TRADEBOT_TEST_COUNTS")
    if not path:
        return
    stats = terminalreporter.stats
    counts = {name: len(stats.get(name, [])) for name in ("passed", "failed", "error", "skipped")}
    Path(path).write_text(json.dumps({**counts, "not_run": config.stash.get(NOT_RUN, [])}))
