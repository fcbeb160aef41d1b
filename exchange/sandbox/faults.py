"""Faults on order: which request fails how, a counted number of times or by a seeded chance.

A fault that fires is written down before it takes effect, so a restart neither repeats nor forgets it.
"""

import random
from collections.abc import Callable
from dataclasses import asdict, dataclass, replace
from typing import Any

from exchange.sandbox.errors import Refused
from exchange.sandbox.signing import Raw

KINDS_THAT_WAIT = ("delay_before_ms", "delay_after_ms", "hide_order_ms")
REJECT = "reject_with"
KINDS = (
    "execute_then_drop", "drop_before", "error_503_after", "error_503_before", REJECT, *KINDS_THAT_WAIT,
)  # fmt: skip
FIELDS = {
    "kind", "method", "path", "api_key", "contains", "count", "probability", "seed", "ms", "code", "msg", "status",
    "retry_after",
}  # fmt: skip


class FaultError(ValueError):
    """The rule makes no sense; the message says why."""


@dataclass(frozen=True)
class Fault:
    """`count` None: for ever. `probability` None: always. `ms` belongs to the kinds that wait, `code`, `msg`, `status`
    and `retry_after` (s) to `reject_with`. `contains`: only requests whose payload has this text as sent."""

    kind: str
    method: str
    path: str
    api_key: str | None = None
    count: int | None = 1
    probability: float | None = None
    seed: int = 0
    ms: int = 0
    drawn: int = 0
    fired: int = 0
    contains: str | None = None
    code: int = 0
    msg: str = ""
    status: int = 400
    retry_after: int | None = None

    def matches(self, request: Raw) -> bool:
        if self.count is not None and self.fired >= self.count:
            return False
        if (self.method, self.path) != (request.method, request.path):
            return False
        text = (request.query + b"&" + request.body).decode("utf-8", "replace")
        return self.api_key in (None, request.api_key) and (self.contains or "") in text

    def refusal(self) -> Refused:
        """What `reject_with` answers."""
        return Refused(self.code, self.msg, self.status, retry_after=self.retry_after)

    def next_draw(self) -> "Fault":
        """The rule after one matching request; `fired` has grown when it strikes."""
        chance = random.Random(f"{self.seed}:{self.drawn}").random()
        strikes = self.probability is None or chance < self.probability
        return replace(self, drawn=self.drawn + 1, fired=self.fired + strikes)


def fault_from(rule: dict[str, Any]) -> Fault:
    """A rule as a driver sends it; FaultError names what is wrong with it."""
    unknown = set(rule) - FIELDS
    if unknown:
        raise FaultError(f"unknown field {sorted(unknown)[0]}")
    if rule.get("kind") not in KINDS:
        raise FaultError(f"kind must be one of {', '.join(KINDS)}")
    if not isinstance(rule.get("method"), str) or not str(rule.get("path", "")).startswith("/"):
        raise FaultError("method and path are needed")
    if rule["kind"] in KINDS_THAT_WAIT and not _is_whole(rule.get("ms"), minimum=1):
        raise FaultError(f"{rule['kind']} needs ms, a whole number of at least 1")
    if rule["kind"] == REJECT:
        _check_rejection(rule)
    if rule.get("count") is not None and not _is_whole(rule["count"], minimum=1):
        raise FaultError("count must be a whole number of at least 1")
    probability = rule.get("probability")
    if probability is not None and not (isinstance(probability, int | float) and 0 <= probability <= 1):
        raise FaultError("probability must be between 0 and 1")
    return Fault(**rule)


def _check_rejection(rule: dict[str, Any]) -> None:
    code, status = rule.get("code"), rule.get("status", 400)
    if not isinstance(code, int) or isinstance(code, bool) or not isinstance(rule.get("msg"), str):
        raise FaultError("reject_with needs code, a whole number, and msg")
    if not _is_whole(status, minimum=400) or status > 599:
        raise FaultError("status must be a whole number from 400 to 599")
    if rule.get("retry_after") is not None and not _is_whole(rule["retry_after"], minimum=0):
        raise FaultError("retry_after must be a whole number of seconds")


def _is_whole(value: Any, *, minimum: int) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and value >= minimum


class Faults:
    """The list in force. `save` writes it down."""

    def __init__(self, rules: list[dict[str, Any]], save: Callable[[list[dict[str, Any]]], None]):
        self._rules = [Fault(**rule) for rule in rules]
        self._save = save

    def as_list(self) -> list[dict[str, Any]]:
        return [asdict(rule) for rule in self._rules]

    def replace(self, rules: list[dict[str, Any]]) -> None:
        self._rules = [fault_from(rule) for rule in rules]
        self._save(self.as_list())

    def draw(self, request: Raw) -> Fault | None:
        """The fault this request meets: the first matching rule that strikes."""
        drew = False
        struck = None
        for index, rule in enumerate(self._rules):
            if struck is None and rule.matches(request):
                after, drew = rule.next_draw(), True
                self._rules[index] = after
                struck = after if after.fired > rule.fired else None
        if drew:
            self._save(self.as_list())
        return struck
