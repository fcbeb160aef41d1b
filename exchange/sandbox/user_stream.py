"""Who listens to an account, and what reaches them: every event once per subscription, in order, nothing too early.

Events of the first moments after a subscription wait: python-binance loses what comes right behind the answer.
"""

import asyncio
import json
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from exchange.sandbox.desk import Desk
from exchange.sandbox.peers import Peer
from exchange.sandbox.user_events import user_events
from exchange.sandbox.venue import At, Event, RevokeKey

QUIET_S = 0.1


@dataclass(eq=False)
class Subscription:
    """`number` is the client's subscriptionId, counted per connection."""

    peer: Peer
    number: int
    uid: int
    api_key: str
    is_quiet: bool = True
    waiting: list[str] = field(default_factory=list)

    def tell(self, raw: str) -> None:
        text = f'{{"subscriptionId":{self.number},"event":{raw}}}'
        if self.is_quiet:
            self.waiting.append(text)
        else:
            self.peer.push(text)

    def speak_up(self) -> None:
        self.is_quiet = False
        for text in self.waiting:
            self.peer.push(text)
        self.waiting.clear()


class UserStreams:
    """All subscriptions to accounts of one desk."""

    def __init__(self, desk: Desk, quiet_s: float = QUIET_S):
        self._desk = desk
        self._quiet_s = quiet_s
        self._of_account: dict[int, list[Subscription]] = {}
        desk.listeners.append(self.hear)

    def subscribe(self, peer: Peer, *, number: int, uid: int, api_key: str) -> Subscription:
        subscription = Subscription(peer, number, uid, api_key)
        self._of_account.setdefault(uid, []).append(subscription)
        asyncio.get_running_loop().call_later(self._quiet_s, subscription.speak_up)
        return subscription

    def leave(self, subscription: Subscription) -> None:
        listening = self._of_account.get(subscription.uid, [])
        if subscription in listening:
            listening.remove(subscription)
        if not listening:
            self._of_account.pop(subscription.uid, None)

    def terminate(self, subscription: Subscription) -> None:
        """The last event of a subscription."""
        self.leave(subscription)
        subscription.tell(_encoded({"e": "eventStreamTerminated", "E": self._desk.state.market_ms}))

    def hear(self, events: Sequence[Event], at: At) -> None:
        """The desk's listener: nothing is made where nobody listens."""
        if not self._of_account:
            return
        for event in events:
            if isinstance(event, RevokeKey):
                self._end_key(event.api_key)
        for uid, told in user_events(self._desk.state, events):
            listening = self._of_account.get(uid)
            if listening:
                raw = _encoded(told)
                for subscription in listening:
                    subscription.tell(raw)

    def _end_key(self, api_key: str) -> None:
        everybody = [entry for listening in self._of_account.values() for entry in listening]
        for subscription in everybody:
            if subscription.api_key == api_key:
                self.terminate(subscription)


def _encoded(event: dict[str, Any]) -> str:
    return json.dumps(event, separators=(",", ":"))
