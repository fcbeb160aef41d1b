"""A whole site for browsers and stream readers: our ASGI application under uvicorn, real PostgreSQL and Valkey."""

from __future__ import annotations

import os
import socket
import threading
import time
from collections.abc import Callable, Iterator
from typing import Any

import pytest
import uvicorn
from django.conf import settings

from tests.journeys.chrome import launch, path_of_browser


@pytest.fixture
def live_site(transactional_db: None) -> Iterator[str]:
    """The site's address. It serves the test's own database from a thread of this process."""
    from django.db import connections

    from accounts.live import RetryingListener, install_listener
    from tradebot.asgi import application

    # Each server has an event loop of its own, and the listener lives in it.
    install_listener(RetryingListener(heartbeat=0.5))
    listening = socket.socket()
    listening.bind(("127.0.0.1", 0))
    config = uvicorn.Config(application, log_config=None, lifespan="off", timeout_graceful_shutdown=1)
    server = uvicorn.Server(config)
    thread = threading.Thread(target=server.run, kwargs={"sockets": [listening]}, daemon=True)
    thread.start()
    end = time.monotonic() + 10
    while not server.started:
        assert time.monotonic() < end, "the site does not answer"
        time.sleep(0.02)
    yield f"http://127.0.0.1:{listening.getsockname()[1]}"
    server.should_exit = True
    thread.join(timeout=10)
    listening.close()
    connections.close_all()


@pytest.fixture(scope="module")
def browser() -> Iterator[Any]:
    """One Chromium for the tests of a module. Not longer: Playwright's synchronous way of working keeps an event loop
    running in this thread, which Django takes for danger and asyncio's own tests cannot have beside them."""
    if path_of_browser() is None:
        if os.environ.get("REQUIRE_BROWSER") == "1":
            pytest.fail("no Chromium on this machine, and REQUIRE_BROWSER=1")
        pytest.skip("no Chromium on this machine")
    from playwright.sync_api import sync_playwright

    os.environ["DJANGO_ALLOW_ASYNC_UNSAFE"] = "true"
    with sync_playwright() as playwright:
        chromium = launch(playwright)
        yield chromium
        chromium.close()
    del os.environ["DJANGO_ALLOW_ASYNC_UNSAFE"]


@pytest.fixture
def open_page(browser: Any, live_site: str) -> Iterator[Callable[..., Any]]:
    """Pages of separate people; at the end none may have written an error to its console."""
    contexts, errors = [], []

    def opened(**options: Any) -> Any:
        context = browser.new_context(base_url=live_site, **options)
        contexts.append(context)
        page = context.new_page()
        page.set_default_timeout(10_000)
        page.on("console", lambda message: errors.append(message.text) if message.type == "error" else None)
        page.on("pageerror", lambda error: errors.append(str(error)))
        return page

    yield opened
    for context in contexts:
        context.close()
    assert errors == []


@pytest.fixture(autouse=True)
def _speak_english() -> None:
    assert settings.LANGUAGE_CODE == "en"
