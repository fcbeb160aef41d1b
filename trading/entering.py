"""Bots of one account that want to enter at the same close: decided together under one look at their money, then each
is sent and protected before the next.

The same rules as a run alone, and the same rows: the wallet is locked, and every bot is asked with what the bots before
it have left.
"""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Iterable
from dataclasses import replace
from datetime import datetime

import structlog

from accounts.vault import VaultError
from bots.models import BotConfig
from engine.amounts import decimal_from_e8, e8_from_decimal
from engine.decide import Action, Snapshot, decide, freshness_ms
from engine.decide import Decision as Decided
from engine.market import INTERVAL_MS
from engine.reasons import Reason
from exchange.connect import market_data
from exchange.port import MOST_OFFSET_MS, ExchangeError
from trading.broken_runs import PASSES, show_broken_run
from trading.carrying_out import in_words, see_through
from trading.chunk_views import Glance, look_for_all, wanted_bots
from trading.chunks import finish
from trading.entrance import Wish
from trading.models import Order, Wallet
from trading.money import read_wallet
from trading.orders.execution import load_all
from trading.orders.planning import Entry, plan_entries
from trading.runner import CANNOT_LOOK, could_not_look
from trading.snapshots import worst_sale_e6
from trading.stop_slots import free_stop_slots, wants_a_stop

logger = structlog.get_logger(__name__)

MOMENT_SECONDS = 0.5


def run_entering_bots(bot_ids: Iterable[int]) -> Counter[str]:
    """Ask these bots of one account, which have an entry signal, whether they enter, and see to it that they do.
    Returns how many came to what."""
    bots = {bot.pk: bot for bot in _bots(bot_ids)}
    if not bots:
        return Counter()
    try:
        entrance = SharedWallet(bots)
    except CANNOT_LOOK as error:
        return Counter(could_not_look(bot, error) for bot in bots.values())
    tally = finish(look_for_all(wanted_bots(bots)), entrance)
    market_now = MarketNow()
    for order in load_all([order.pk for order in entrance.planned]):
        _carry_out(order, market_now)
    return tally


class MarketNow:
    """A venue's market time, asked for once for orders that leave within a moment of each other."""

    def __init__(self) -> None:
        self._known: dict[str, tuple[float, int]] = {}

    def of(self, order: Order) -> int:
        """At most `MOMENT_SECONDS` old. Raises ExchangeError."""
        asked_at, now_ms = self._known.get(order.symbol, (-MOMENT_SECONDS, 0))
        if time.monotonic() - asked_at > MOMENT_SECONDS:
            asked_at, now_ms = time.monotonic(), market_data(order.venue).market_time_ms(order.symbol)
            self._known[order.symbol] = asked_at, now_ms
        return now_ms


def _carry_out(order: Order, market_now: MarketNow) -> None:
    """One order that breaks must not keep the others: what is planned goes on from the rows."""
    bot = order.bot_config
    try:
        line = in_words(see_through(order, market_now_ms=market_now.of(order)))
    except VaultError as error:
        line = could_not_look(bot, error)
    except ExchangeError as error:
        line = f"interrupted ({error})"
    except PASSES:
        raise
    except Exception as error:
        logger.exception("entry_broke", bot_config_id=bot.pk)
        show_broken_run(bot.pk, error)
        return
    logger.info("bot_run", bot_config_id=bot.pk, outcome=line)


def _bots(bot_ids: Iterable[int]) -> list[BotConfig]:
    rows = BotConfig.objects.select_related("state", "api_key", "account", "user")
    return list(rows.filter(pk__in=list(bot_ids), archived_at__isnull=True).order_by("pk"))


class SharedWallet:
    """What these bots may spend. Read from the exchange when it is made, which raises one of `CANNOT_LOOK`; locked when
    it is opened."""

    def __init__(self, bots: dict[int, BotConfig]) -> None:
        self.bots = bots
        self.planned: list[Order] = []
        payer = next(iter(bots.values()))
        read_wallet(payer.api_key, payer.position_type, payer.quote_asset)
        offset_ms = market_data(payer.api_key.venue).clock_offset_ms()
        self._is_clock_right = abs(offset_ms) <= MOST_OFFSET_MS
        self._pays_for = (payer.account_id, payer.position_type, payer.quote_asset)
        self._slots: dict[str, int] = {}

    def open(self, bot_ids: Iterable[int]) -> None:
        account, market, asset = self._pays_for
        wallet = Wallet.objects.select_for_update().get(account_id=account, market=market, asset=asset)
        self._left_e8 = e8_from_decimal(wallet.available)

    def decide(self, bot_id: int, flat: Snapshot, glance: Glance) -> Decided | None:
        bot = self.bots[bot_id]
        if (
            bot.account_id,
            bot.position_type,
            bot.quote_asset,
        ) != self._pays_for or bot.version != glance.version:
            return None
        snapshot = replace(
            flat,
            available_e8=self._left_e8,
            worst_sale_e6=worst_sale_e6(bot, glance.rules),
            entry_block=flat.entry_block or (None if self._is_clock_right else Reason.CLOCK_OFF),
            stop_slot_free=self._has_stop_slot(bot, glance),
        )
        decided = decide(snapshot, glance.bar)
        if decided.action is Action.ENTER:
            self._left_e8 -= decided.quote_e8
            if wants_a_stop(bot):
                self._slots[bot.symbol] -= 1
        return decided

    def plan(self, wishes: list[Wish], at: datetime) -> None:
        self.planned = plan_entries([self._entry(wish) for wish in wishes], at=at)

    def _has_stop_slot(self, bot: BotConfig, glance: Glance) -> bool:
        if not wants_a_stop(bot):
            return True
        if bot.symbol not in self._slots:
            self._slots[bot.symbol] = free_stop_slots(bot.account, bot.symbol, glance.rules)
        return self._slots[bot.symbol] > 0

    def _entry(self, wish: Wish) -> Entry:
        bot = self.bots[wish.bot_id]
        fresh_ms = freshness_ms(INTERVAL_MS[bot.timeframe])
        return Entry(
            bot=bot,
            decision=wish.decision,
            quote_quantity=decimal_from_e8(wish.decided.quote_e8),
            rules_version=wish.glance.rules_version,
            fresh_until_ms=wish.decided.acts_at_ms + fresh_ms,
        )
