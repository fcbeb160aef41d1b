"""Faults of WebSocket connections, switched on and off by a driver: each is in force until the list is replaced.

`silence` sends no events for `seconds`, `duplicate` sends each twice, `reorder` swaps neighbours, `cut_after` ends
every connection `seconds` after it opened; `drop` and `server_shutdown` happen once, at once, and are not kept.
"""

import time
from collections.abc import Callable
from dataclasses import asdict, dataclass
from typing import Any

LASTING = ("silence", "duplicate", "reorder", "cut_after")
AT_ONCE = ("drop", "server_shutdown")
WITH_SECONDS = ("silence", "cut_after")
MARKET, USER = "market", "user"


class StreamFaultError(ValueError):
    """The rule makes no sense; the message says why."""


@dataclass(frozen=True)
class StreamFault:
    """`on` is `market` (/ws, /stream), `user` (/ws-api/v3) or None for both; `since_s` is monotonic."""

    kind: str
    on: str | None = None
    seconds: float = 0
    since_s: float = 0

    def strikes(self, on: str) -> bool:
        return self.on in (None, on)


def stream_fault_from(rule: dict[str, Any], now_s: float) -> StreamFault:
    unknown = set(rule) - {"kind", "on", "seconds"}
    if unknown:
        raise StreamFaultError(f"unknown field {sorted(unknown)[0]}")
    kind, on, seconds = rule.get("kind"), rule.get("on"), rule.get("seconds", 0)
    if kind not in LASTING + AT_ONCE:
        raise StreamFaultError(f"kind must be one of {', '.join(LASTING + AT_ONCE)}")
    if on not in (None, MARKET, USER):
        raise StreamFaultError("on must be market, user or null")
    if isinstance(seconds, bool) or not isinstance(seconds, int | float) or seconds < 0:
        raise StreamFaultError("seconds must be a number of at least 0")
    if kind in WITH_SECONDS and not seconds:
        raise StreamFaultError(f"{kind} needs seconds")
    return StreamFault(kind, on, float(seconds), now_s)


class StreamFaults:
    """What is in force now; nothing of it survives a restart, as no connection does."""

    def __init__(self, monotonic_s: Callable[[], float] = time.monotonic):
        self._monotonic_s = monotonic_s
        self._lasting: list[StreamFault] = []

    def replace(self, rules: list[dict[str, Any]]) -> list[StreamFault]:
        """Puts the lasting ones into force and returns all, for the caller to do what is done at once."""
        now_s = self._monotonic_s()
        faults = [stream_fault_from(rule, now_s) for rule in rules]
        self._lasting = [fault for fault in faults if fault.kind in LASTING]
        return faults

    def as_list(self) -> list[dict[str, Any]]:
        return [
            {name: value for name, value in asdict(fault).items() if name != "since_s"}
            for fault in self._lasting
        ]

    def is_on(self, kind: str, on: str) -> bool:
        return any(fault.kind == kind and fault.strikes(on) for fault in self._lasting)

    def is_silent(self, on: str) -> bool:
        now_s = self._monotonic_s()
        return any(
            fault.kind == "silence" and fault.strikes(on) and now_s < fault.since_s + fault.seconds
            for fault in self._lasting
        )

    def life_s(self, on: str, at_most_s: float) -> float:
        """How long a connection may live."""
        lives = [fault.seconds for fault in self._lasting if fault.kind == "cut_after" and fault.strikes(on)]
        return min([at_most_s, *lives])
