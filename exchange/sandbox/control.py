"""A client of the control API for bench, chaos, audit and tests; standard library only."""

import json
import urllib.error
import urllib.parse
import urllib.request
from typing import Any

Rows = list[dict[str, Any]]


class ControlRefused(Exception):
    """The control API said no: HTTP `status` and its sentence."""

    def __init__(self, status: int, message: str):
        super().__init__(f"{status} {message}")
        self.status, self.message = status, message


class ControlClient:
    """`url` is the sandbox's root, `token` its bearer token."""

    page_rows = 5_000

    def __init__(self, url: str, token: str, timeout_s: float = 10.0):
        self._root = f"{url.rstrip('/')}/sandbox/v1/"
        self._token = token
        self._timeout_s = timeout_s
        # No proxy, whatever the environment says: this is loopback.
        self._opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))

    def _ask(
        self, method: str, name: str, *, query: dict[str, Any] | None = None, body: Any = None
    ) -> dict[str, Any]:
        given = {key: value for key, value in (query or {}).items() if value is not None}
        address = self._root + name + (f"?{urllib.parse.urlencode(given)}" if given else "")
        data = None if body is None else json.dumps(body).encode()
        request = urllib.request.Request(
            address, data=data, method=method, headers={"Authorization": f"Bearer {self._token}"}
        )
        try:
            with self._opener.open(request, timeout=self._timeout_s) as response:
                answer: dict[str, Any] = json.loads(response.read())
                return answer
        except urllib.error.HTTPError as refusal:
            raise ControlRefused(refusal.code, json.loads(refusal.read())["detail"]) from refusal

    def accounts(self, *, api_key: str | None = None, uid: int | None = None) -> Rows:
        return list(self._ask("GET", "accounts", query={"api_key": api_key, "uid": uid})["accounts"])

    def new_account(self) -> tuple[str, str]:
        """(api_key, secret_key) of a fresh paper account."""
        minted = self._ask("POST", "accounts")
        return minted["api_key"], minted["secret_key"]

    def revoke_key(self, api_key: str) -> None:
        self._ask("DELETE", "accounts", query={"api_key": api_key})

    def orders(self, *, since: int = 0, api_key: str | None = None, uid: int | None = None) -> Rows:
        return self._all("orders", since, {"api_key": api_key, "uid": uid})

    def fills(self, *, since: int = 0, api_key: str | None = None, uid: int | None = None) -> Rows:
        return self._all("fills", since, {"api_key": api_key, "uid": uid})

    def _all(self, name: str, since: int, query: dict[str, Any]) -> Rows:
        """Every row after `since`, page by page; a page that is not full is the last, though others trade on."""
        rows: Rows = []
        while True:
            page = self._ask("GET", name, query={**query, "since": since, "limit": self.page_rows})[name]
            rows += page
            if len(page) < self.page_rows:
                return rows
            since = page[-1]["id"]

    def clock(self) -> dict[str, Any]:
        return self._ask("GET", "clock")

    def set_clock(self, *, mode: str, speed: float | None = None) -> dict[str, Any]:
        wish = {"mode": mode} if speed is None else {"mode": mode, "speed": speed}
        return self._ask("POST", "clock", body=wish)

    def advance(self, candles: int = 1) -> dict[str, Any]:
        return self._ask("POST", "clock", body={"advance_candles": candles})

    def limits(self) -> dict[str, dict[str, int]]:
        """`limits` in force and what Binance's are (`recorded`)."""
        return self._ask("GET", "limits")

    def set_limits(self, **limits: int) -> dict[str, dict[str, int]]:
        """`weight_per_minute`, `orders_per_10s`, `orders_per_day`; what is not named stays."""
        return self._ask("PUT", "limits", body=limits)

    def reset_limits(self) -> None:
        self._ask("DELETE", "limits")

    def faults(self) -> Rows:
        return list(self._ask("GET", "faults")["faults"])

    def set_faults(self, rules: Rows) -> Rows:
        return list(self._ask("PUT", "faults", body=rules)["faults"])

    def clear_faults(self) -> None:
        self._ask("DELETE", "faults")

    def stream_faults(self) -> Rows:
        return list(self._ask("GET", "stream-faults")["stream_faults"])

    def set_stream_faults(self, rules: Rows) -> Rows:
        """What is in force from now on; `drop` and `server_shutdown` happen at once and are not kept."""
        return list(self._ask("PUT", "stream-faults", body=rules)["stream_faults"])

    def clear_stream_faults(self) -> None:
        self._ask("DELETE", "stream-faults")
