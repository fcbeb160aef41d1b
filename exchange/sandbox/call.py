"""A request that was read, checked and attributed: what an endpoint's answer is made from."""

from dataclasses import dataclass
from typing import Any

from exchange.sandbox.commands import At
from exchange.sandbox.desk import Desk

Json = dict[str, Any] | list[Any]


@dataclass(frozen=True)
class Call:
    """Parsed values by name, the instant, and the account (`uid` is 0 where nothing was signed)."""

    desk: Desk
    values: dict[str, Any]
    at: At
    uid: int = 0
