"""The seam between a chunk and the money: who of a chunk wants to enter, in groups that share a wallet, and what asks
them with what is left in it."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from datetime import datetime
from itertools import batched, groupby
from operator import itemgetter
from typing import NamedTuple, Protocol

from bots.models import BotConfig
from engine.decide import Decision as Decided
from engine.decide import Snapshot
from trading.chunk_views import Glance
from trading.models import Decision

ENTER_TASK = "trading.run_entering_bots"
# So many plan their entries together; each is then sent and protected before the next.
TOGETHER = 5


class Wish(NamedTuple):
    """An entry a bot has decided on, and the row that says so."""

    bot_id: int
    glance: Glance
    decided: Decided
    decision: Decision


class Entrance(Protocol):
    """Where bots of one account with an entry signal are asked, one after the other, with the money that is left."""

    def open(self, bot_ids: Iterable[int]) -> None:
        """Under the bots' locks: takes the wallet's."""

    def decide(self, bot_id: int, flat: Snapshot, glance: Glance) -> Decided | None:
        """None: this bot has another wallet, and is to be run by itself."""

    def plan(self, wishes: list[Wish], at: datetime) -> None: ...


def sharing_a_wallet(bot_ids: list[int]) -> Iterator[list[int]]:
    """These bots in groups of one account, market and quote asset, a few in each."""
    if not bot_ids:
        return
    money = ("account_id", "position_type", "quote_asset")
    rows = BotConfig.objects.filter(pk__in=bot_ids).order_by(*money, "pk").values_list(*money, "pk")
    for _wallet, bots in groupby(rows, itemgetter(0, 1, 2)):
        for few in batched((row[3] for row in bots), TOGETHER):
            yield list(few)
