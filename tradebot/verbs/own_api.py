"""The REST API of a verb's own instance, called as its demo user would."""

from __future__ import annotations

import json
import urllib.request
from typing import Any

from tradebot.verbs.own_instance import OwnInstance


class Api:
    """One user's calls; `sign_in` first. Raises urllib's HTTPError where the answer is not 2xx."""

    def __init__(self, instance: OwnInstance) -> None:
        self.instance = instance
        self.token = ""
        # No proxy, whatever the environment says: this is loopback.
        self.opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))

    def sign_in(self) -> None:
        records = self.instance.records
        answer = self.post("auth/login", {"email": records["email"], "password": records["password"]})
        self.token = answer["access_token"]

    def get(self, path: str) -> dict[str, Any]:
        return self.ask("GET", path, None)

    def post(self, path: str, body: dict[str, Any]) -> dict[str, Any]:
        return self.ask("POST", path, body)

    def ask(self, method: str, path: str, body: dict[str, Any] | None) -> dict[str, Any]:
        request = urllib.request.Request(
            f"{self.instance.url}/api/v1/{path}",
            method=method,
            data=None if body is None else json.dumps(body).encode(),
            headers={"Content-Type": "application/json"},
        )
        if self.token:
            request.add_header("Authorization", f"Bearer {self.token}")
        with self.opener.open(request, timeout=30) as answer:
            return dict(json.load(answer))
