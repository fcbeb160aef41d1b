"""Binance's WebSocket API (`/ws-api/v3`) as far as a spot bot needs it: ping, time, and listening to its account.

Every request gets one answer with its id; what this venue does over HTTP only is refused by name.
"""

import json
import time
from collections.abc import Callable
from typing import Any

from exchange.sandbox import errors
from exchange.sandbox.desk import Desk
from exchange.sandbox.peers import Peer
from exchange.sandbox.signing import Raw, check_signed
from exchange.sandbox.user_stream import Subscription, UserStreams

PATH = "/ws-api/v3"
LONGEST_ID = 36
WEIGHTS = {"userDataStream.subscribe.signature": 2, "userDataStream.unsubscribe": 2, "session.status": 2}
Parameters = dict[str, Any]


class ApiSession:
    """One connection to the WebSocket API. `charge` adds request weight and says how much is used by now."""

    def __init__(
        self,
        peer: Peer,
        desk: Desk,
        users: UserStreams,
        *,
        secret_of: Callable[[str], str],
        charge: Callable[[int], int],
    ):
        self._peer = peer
        self._desk = desk
        self._users = users
        self._secret_of = secret_of
        self._charge = charge
        self._opened_ms = time.time_ns() // 1_000_000
        self._subscriptions: dict[int, Subscription] = {}
        self._next_number = 0
        self._methods: dict[str, Callable[[Parameters], Any]] = {
            "ping": lambda parameters: {},
            "time": lambda parameters: {"serverTime": desk.now().server_us // 1000},
            "session.status": self._status,
            "session.subscriptions": lambda parameters: [
                {"subscriptionId": number} for number in self._subscriptions
            ],
            "session.logon": self._no_logon,
            "session.logout": self._no_logon,
            "userDataStream.subscribe.signature": self._subscribe,
            "userDataStream.subscribe": self._not_logged_on,
            "userDataStream.unsubscribe": self._unsubscribe,
        }

    def leave(self) -> None:
        for subscription in self._subscriptions.values():
            self._users.leave(subscription)

    def hear(self, text: str) -> None:
        request_id, method, shows_limits, ended = None, "", True, list[Subscription]()
        try:
            request = _request_from(text)
            request_id, method = request.get("id"), request["method"]
            parameters = request.get("params", {})
            shows_limits = parameters.pop("returnRateLimits", True) is not False
            before = dict(self._subscriptions)
            answer = {"status": 200, "result": self._method(method)(parameters)}
            ended = [entry for number, entry in before.items() if number not in self._subscriptions]
        except errors.Refused as refusal:
            error = {"code": refusal.code, "msg": refusal.message}
            answer = {"status": refusal.status, "error": error}
        used = self._charge(WEIGHTS.get(method, 1))
        limits = {"rateLimits": [self._weight_limit(used)]} if shows_limits else {}
        self._peer.say(json.dumps({"id": request_id, **answer, **limits}, separators=(",", ":")))
        for subscription in ended:
            self._users.terminate(subscription)

    def _method(self, name: str) -> Callable[[Parameters], Any]:
        """HTTP serves everything else; the retired userDataStream.start is among it."""
        method = self._methods.get(name)
        if method is None:
            raise errors.not_supported()
        return method

    def _subscribe(self, parameters: Parameters) -> dict[str, int]:
        texts = {name: _text(value) for name, value in parameters.items()}
        api_key = texts.pop("apiKey", "")
        signed = {name: value for name, value in texts.items() if name != "signature"} | {"apiKey": api_key}
        payload = "&".join(f"{name}={value}" for name, value in sorted(signed.items()))
        at = self._desk.now()
        check_signed(
            Raw("WS", PATH, payload.encode(), b"", api_key),
            texts,
            server_us=at.server_us,
            secret_of=self._secret_of,
            is_revoked=self._desk.state.revoked_keys.__contains__,
        )
        uid = self._desk.open_account(api_key, at)
        if any(entry.uid == uid for entry in self._subscriptions.values()):
            raise errors.subscription_active()
        number = self._next_number
        self._next_number += 1
        self._subscriptions[number] = self._users.subscribe(
            self._peer, number=number, uid=uid, api_key=api_key
        )
        return {"subscriptionId": number}

    def _unsubscribe(self, parameters: Parameters) -> dict[str, Any]:
        """The one that is named, or all; each then says its last word."""
        wanted = parameters.get("subscriptionId")
        if wanted is not None and wanted not in self._subscriptions:
            raise errors.subscription_inactive()
        for number in list(self._subscriptions) if wanted is None else [wanted]:
            del self._subscriptions[number]
        return {}

    def _status(self, parameters: Parameters) -> dict[str, Any]:
        return {
            "apiKey": None,
            "authorizedSince": None,
            "connectedSince": self._opened_ms,
            "returnRateLimits": True,
            "serverTime": self._desk.now().server_us // 1000,
            "userDataStream": bool(self._subscriptions),
        }

    def _no_logon(self, parameters: Parameters) -> None:
        """Sessions are for Ed25519 keys; this venue's keys are HMAC."""
        raise errors.no_session_for_hmac()

    def _not_logged_on(self, parameters: Parameters) -> None:
        raise errors.not_authorized()

    def _weight_limit(self, used: int) -> dict[str, Any]:
        return {
            "rateLimitType": "REQUEST_WEIGHT",
            "interval": "MINUTE",
            "intervalNum": 1,
            "limit": self._desk.limits.now.weight_per_minute,
            "count": used,
        }


def _request_from(text: str) -> dict[str, Any]:
    try:
        request = json.loads(text)
    except json.JSONDecodeError as wrong:
        raise errors.invalid_json("Invalid JSON Request") from wrong
    if not isinstance(request, dict):
        raise errors.invalid_json("Invalid JSON Request")
    request_id = request.get("id")
    if isinstance(request_id, bool) or not isinstance(request_id, int | str | None):
        raise errors.invalid_json("Invalid 'id' in JSON request; expected an integer, a string, or null.")
    if isinstance(request_id, str) and len(request_id) > LONGEST_ID:
        raise errors.invalid_json("Invalid 'id' in JSON request; it is longer than 36 characters.")
    if not isinstance(request.get("method"), str):
        raise errors.invalid_json("Invalid 'method' in JSON request; expected a string.")
    if not isinstance(request.get("params", {}), dict):
        raise errors.invalid_json("Invalid 'params' in JSON request; expected an object.")
    return request


def _text(value: Any) -> str:
    """A parameter as it was signed."""
    if isinstance(value, bool):
        return str(value).lower()
    return value if isinstance(value, str) else json.dumps(value, separators=(",", ":"))
