"""What drivers and auditors may see and do (`/sandbox/v1`): loopback only, bearer token, JSON both ways."""

import hmac
import ipaddress
from typing import Any

from exchange.sandbox.clock import ClockError
from exchange.sandbox.credentials import mint_api_key, secret_for
from exchange.sandbox.desk import Desk
from exchange.sandbox.faults import FaultError
from exchange.sandbox.limits import LimitError
from exchange.sandbox.shapes import fixed, my_trade, order_queried
from exchange.sandbox.state import Account, Order, Trade

PREFIX = "/sandbox/v1/"
MOST_ROWS = 5_000
Query = dict[str, str]
CLOCK_FIELDS = {"mode", "speed", "advance_candles"}


class ControlError(Exception):
    """Refused: HTTP `status` and a sentence."""

    def __init__(self, status: int, message: str):
        super().__init__(message)
        self.status, self.message = status, message


def check_allowed(address: str, authorization: str | None, token: str) -> None:
    if not _is_loopback(address):
        raise ControlError(403, "The control API answers on loopback only.")
    if authorization is None or not hmac.compare_digest(authorization.encode(), f"Bearer {token}".encode()):
        raise ControlError(401, "A bearer token is needed.")


def _is_loopback(address: str) -> bool:
    try:
        return ipaddress.ip_address(address).is_loopback
    except ValueError:
        return False


class ControlApi:
    """The control API of one desk; `answer` returns the JSON body or raises ControlError."""

    def __init__(self, desk: Desk, key_secret: str):
        self._desk = desk
        self._key_secret = key_secret
        self._verbs = {
            ("GET", "accounts"): self._accounts,
            ("POST", "accounts"): self._mint_account,
            ("DELETE", "accounts"): self._revoke_key,
            ("GET", "orders"): self._orders,
            ("GET", "fills"): self._fills,
            ("GET", "clock"): self._clock,
            ("POST", "clock"): self._set_clock,
            ("GET", "faults"): self._faults,
            ("PUT", "faults"): self._put_faults,
            ("DELETE", "faults"): self._delete_faults,
            ("GET", "limits"): self._limits,
            ("PUT", "limits"): self._put_limits,
            ("DELETE", "limits"): self._reset_limits,
        }

    def answer(self, method: str, name: str, query: Query, body: Any) -> dict[str, Any]:
        verb = self._verbs.get((method, name))
        if verb is None:
            raise ControlError(404, f"There is no {method} {PREFIX}{name}.")
        try:
            return verb(query, body)
        except (ClockError, FaultError, LimitError) as wrong:
            raise ControlError(400, str(wrong)) from wrong

    def _accounts(self, query: Query, body: Any) -> dict[str, Any]:
        return {
            "accounts": [
                {
                    "uid": account.uid,
                    "api_key": account.api_key,
                    "opened_at_ms": account.opened_server_ms,
                    "opened_market_ms": account.opened_market_ms,
                    "updated_market_ms": account.updated_market_ms,
                    "balances": [
                        {"asset": asset, "free": fixed(free), "locked": fixed(locked)}
                        for asset, (free, locked) in sorted(account.balances.items())
                    ],
                }
                for account in self._desk.state.accounts.values()
                if _is_wanted(account, query, self._desk)
            ]
        }

    def _mint_account(self, query: Query, body: Any) -> dict[str, Any]:
        api_key = mint_api_key()
        self._desk.open_account(api_key, self._desk.now())
        return {"api_key": api_key, "secret_key": secret_for(api_key, self._key_secret)}

    def _revoke_key(self, query: Query, body: Any) -> dict[str, Any]:
        if "api_key" not in query:
            raise ControlError(400, "api_key is needed.")
        self._desk.revoke_key(query["api_key"], self._desk.now())
        return {"revoked": query["api_key"]}

    def _orders(self, query: Query, body: Any) -> dict[str, Any]:
        return {
            "orders": [
                self._witness(order, order_queried(order)) | _end(order)
                for order in _page(self._desk.state.orders, query, self._desk)
            ]
        }

    def _fills(self, query: Query, body: Any) -> dict[str, Any]:
        return {
            "fills": [
                self._witness(trade, my_trade(trade))
                for trade in _page(self._desk.state.trades, query, self._desk)
            ]
        }

    def _witness(self, row: Order | Trade, shape: dict[str, Any]) -> dict[str, Any]:
        """Binance's row plus what only the venue knows."""
        return (
            {
                "id": row.seq,
                "uid": row.uid,
                "api_key": self._desk.state.accounts[row.uid].api_key,
                "clientOrderId": row.client_order_id,
                "side": row.side,
                "market_ms": row.market_ms,
                "accepted_at": row.accepted_us / 1000,
            }
            | shape
            | {"id": row.seq}
            | ({"tradeId": shape["id"]} if "id" in shape else {})
        )

    def _clock(self, query: Query, body: Any) -> dict[str, Any]:
        return self._desk.clock_report()

    def _set_clock(self, query: Query, body: Any) -> dict[str, Any]:
        if not isinstance(body, dict) or not body or set(body) - CLOCK_FIELDS:
            raise ControlError(400, f"Send an object with some of {', '.join(sorted(CLOCK_FIELDS))}.")
        speed = body.get("speed", 1.0)
        if isinstance(speed, bool) or not isinstance(speed, int | float):
            raise ControlError(400, "speed must be a number")
        self._desk.set_clock(
            mode=body.get("mode"), speed=float(speed), advance_candles=body.get("advance_candles")
        )
        return self._desk.clock_report()

    def _faults(self, query: Query, body: Any) -> dict[str, Any]:
        return {"faults": self._desk.faults.as_list()}

    def _put_faults(self, query: Query, body: Any) -> dict[str, Any]:
        if not isinstance(body, list) or not all(isinstance(rule, dict) for rule in body):
            raise ControlError(400, "Send a list of fault rules.")
        self._desk.faults.replace(body)
        return self._faults(query, body)

    def _delete_faults(self, query: Query, body: Any) -> dict[str, Any]:
        self._desk.faults.replace([])
        return {"faults": []}

    def _limits(self, query: Query, body: Any) -> dict[str, Any]:
        return self._desk.limits.as_dict()

    def _put_limits(self, query: Query, body: Any) -> dict[str, Any]:
        if not isinstance(body, dict) or not body:
            raise ControlError(400, "Send an object of limits.")
        self._desk.limits.change(body)
        return self._limits(query, body)

    def _reset_limits(self, query: Query, body: Any) -> dict[str, Any]:
        self._desk.limits.reset()
        return self._limits(query, body)


def _end(order: Order) -> dict[str, Any]:
    """How an order ended, on both clocks; `clientOrderId` stays its own whatever a cancel was called."""
    ended_us = order.accepted_us if order.ended_us is None and not order.is_open else order.ended_us
    ended_ms = order.market_ms if order.ended_ms is None and not order.is_open else order.ended_ms
    return {
        "originalClientOrderId": order.client_order_id,
        "cancelClientOrderId": order.cancel_client_order_id,
        "triggered_at": None if order.triggered_us is None else order.triggered_us / 1000,
        "ended_at": None if ended_us is None else ended_us / 1000,
        "ended_market_ms": ended_ms,
    }


def _is_wanted(row: Account | Order | Trade, query: Query, desk: Desk) -> bool:
    account = desk.state.accounts[row.uid]
    return query.get("api_key", account.api_key) == account.api_key and query.get("uid", str(row.uid)) == str(
        row.uid
    )


def _page(rows: list[Any], query: Query, desk: Desk) -> list[Any]:
    """Rows after `since` (their own running number), oldest first, at most `limit`."""
    try:
        since, limit = int(query.get("since", 0)), int(query.get("limit", MOST_ROWS))
    except ValueError as wrong:
        raise ControlError(400, "since and limit must be whole numbers") from wrong
    found = [row for row in rows[max(0, since) :] if _is_wanted(row, query, desk)]
    return found[: max(0, min(limit, MOST_ROWS))]
