"""A hundred open event streams of one signed-in user, as a browser holds them: each notes when an event arrived."""

from __future__ import annotations

import asyncio
import json
import threading
import time
from collections.abc import Iterable
from http.cookiejar import CookieJar
from urllib.parse import urlencode, urlsplit
from urllib.request import HTTPCookieProcessor, ProxyHandler, Request, build_opener

OPEN_WITHIN_SECONDS = 60.0
PATH = "/live/"


def sign_in(url: str, email: str, password: str) -> str:
    """The session's cookie, by the sign-in page's own form."""
    jar = CookieJar()
    opener = build_opener(ProxyHandler({}), HTTPCookieProcessor(jar))
    opener.open(f"{url}/accounts/login/", timeout=30).read()
    cookies = {cookie.name: cookie.value or "" for cookie in jar}
    form = {"login": email, "password": password, "csrfmiddlewaretoken": cookies["csrftoken"]}
    request = Request(f"{url}/accounts/login/", data=urlencode(form).encode(), headers={"Referer": url})
    opener.open(request, timeout=30).read()
    session = {cookie.name: cookie.value for cookie in jar}.get("sessionid")
    if not session:
        raise RuntimeError("Signing in gave no session.")
    return session


class Streams:
    """`with Streams(url, session, 100) as streams:` all are open and have heard a sign of life."""

    def __init__(self, url: str, session: str, count: int) -> None:
        parts = urlsplit(url)
        self.host, self.port = parts.hostname or "127.0.0.1", parts.port or 80
        self.session, self.count = session, count
        # Per stream: (wall time of arrival, names).
        self.heard: list[list[tuple[float, frozenset[str]]]] = [[] for _ in range(count)]
        self.alive = 0
        self.loop = asyncio.new_event_loop()
        self.thread = threading.Thread(target=self.loop.run_forever, daemon=True)

    def __enter__(self) -> Streams:
        self.thread.start()
        # A task that nobody refers to is collected, and then its stream is deaf.
        self.tasks = [
            asyncio.run_coroutine_threadsafe(self._listen(number), self.loop) for number in range(self.count)
        ]
        give_up_at = time.monotonic() + OPEN_WITHIN_SECONDS
        while self.alive < self.count:
            if time.monotonic() > give_up_at:
                raise RuntimeError(f"{self.alive} of {self.count} streams opened.")
            time.sleep(0.05)
        return self

    def __exit__(self, *exception: object) -> None:
        asyncio.run_coroutine_threadsafe(self._end(), self.loop).result(timeout=5)
        self.loop.call_soon_threadsafe(self.loop.stop)
        self.thread.join(timeout=5)

    async def _end(self) -> None:
        open_ones = [task for task in asyncio.all_tasks() if task is not asyncio.current_task()]
        for task in open_ones:
            task.cancel()
        await asyncio.gather(*open_ones, return_exceptions=True)

    async def _listen(self, number: int) -> None:
        reader, writer = await asyncio.open_connection(self.host, self.port)
        head = f"GET {PATH} HTTP/1.1\r\nHost: {self.host}\r\nCookie: sessionid={self.session}\r\n\r\n"
        writer.write(head.encode())
        kind = ""
        while line := await reader.readline():
            at, text = time.time(), line.decode().strip()
            if text.startswith("event: "):
                kind = text[7:]
                self.alive += kind == "stream-open"
            elif text.startswith("data: ") and kind == "changed":
                self.heard[number].append((at, frozenset(json.loads(text[6:]))))
        raise RuntimeError("A stream ended.")

    def arrivals(self, name: str, since: float) -> list[float]:
        """On each stream the first event since then that names it; streams that have none are left out."""
        return [first for heard in self.heard if (first := _first(heard, name, since)) is not None]


def _first(heard: Iterable[tuple[float, frozenset[str]]], name: str, since: float) -> float | None:
    return next((at for at, names in heard if at >= since and name in names), None)
