"""Settles what is not final: orders left planned, senders that went silent, unknown ends, exits that came to nothing.

Every pass finds its work by state in the database, so it can run anywhere, any number of times. An unknown end is
settled by asking, never by sending again (SPEC §7.4): "exists" is believed at once, "does not exist" only after three
negative answers, well after the request could still have been accepted, and only if everything else agrees.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable
from datetime import datetime, timedelta
from decimal import Decimal

import structlog
from celery.exceptions import SoftTimeLimitExceeded
from django.db import InterfaceError, OperationalError
from django.db.models import F, Q, Sum
from django.utils import timezone

from accounts.keys import client_of
from accounts.vault import VaultError
from bots.models import BotState
from engine.amounts import decimal_from_e8
from engine.orders import OrderState, Purpose, Side
from exchange.port import CredentialsRefused, Exchange, ExchangeError, FillReport
from exchange.symbols import UnknownSymbol
from trading.models import Order
from trading.orders import ledger
from trading.orders.execution import ask_about_the_key, load, mark_unknown, send

logger = structlog.get_logger(__name__)

# A sender answers or gives up within 15 s; one silent for longer is gone.
SENDING_TIMEOUT = timedelta(seconds=20)
# The run that planned an order sends it at once; one still planned after this has lost its sender.
PLANNED_TIMEOUT = timedelta(seconds=2)
# No freshness limit is longer than 30 s: an entry this old is dropped without asking anybody.
STALE_ENTRY = timedelta(seconds=60)
NEGATIVES_NEEDED = 3
QUIET_MS = 10_000
NEGATIVES_SPAN_MS = 5_000
# The database is away, or the pass has lasted too long: nothing that has to do with one order.
ENDS_A_PASS = (OperationalError, InterfaceError, SoftTimeLimitExceeded)


def settle_orders() -> Counter[str]:
    """One pass over everything that is not final. Returns how many orders ended in which state."""
    now = timezone.now()
    _give_up_on_silent_senders(now)
    touched: Counter[str] = Counter()
    for order_id in _unsent(now):
        touched[_quietly(order_id, _send_or_drop)] += 1
    in_doubt = Order.objects.filter(
        state__in=(OrderState.UNKNOWN, OrderState.OPEN, OrderState.PARTIALLY_FILLED)
    ).order_by("id")
    for order_id in in_doubt.values_list("pk", flat=True):
        touched[_quietly(order_id, settle)] += 1
    return touched


def _quietly(order_id: int, act: Callable[[int], Order]) -> str:
    """One order that cannot be reached must not keep the others waiting; it stays as it is and is asked again."""
    try:
        return str(act(order_id).state)
    except (ExchangeError, VaultError, UnknownSymbol) as error:
        logger.warning("order_unsettled", order_id=order_id, cause=str(error))
        order = load(order_id)
        if isinstance(error, CredentialsRefused) and order.bot_config.api_key.is_valid:
            ask_about_the_key(order)
        return "unreachable"
    except ledger.LedgerConflict as conflict:
        logger.error("order_conflict", order_id=order_id, cause=str(conflict))
        return "conflict"
    except ENDS_A_PASS:
        raise
    except Exception:
        logger.exception("order_settlement_broke", order_id=order_id)
        return "failed"


def _give_up_on_silent_senders(now: datetime) -> None:
    silent = Order.objects.filter(state=OrderState.SENDING, claimed_at__lt=now - SENDING_TIMEOUT)
    for order_id in silent.values_list("pk", flat=True):
        mark_unknown(order_id, message="The process that sent this order ended before it had the answer.")


def _unsent(now: datetime) -> Iterable[int]:
    waiting = Order.objects.filter(state=OrderState.PLANNED, planned_at__lt=now - PLANNED_TIMEOUT)
    return list(waiting.order_by("id").values_list("pk", flat=True))


def _send_or_drop(order_id: int) -> Order:
    order = load(order_id)
    if order.purpose == Purpose.ENTRY and order.planned_at < timezone.now() - STALE_ENTRY:
        ledger.close_without_fill(
            order_id,
            OrderState.DROPPED,
            only_from=OrderState.PLANNED,
            message="Too late: the entry could not be sent in time.",
        )
        return load(order_id)
    return send(order_id)


def settle(order_id: int) -> Order:
    """Ask the exchange about one order and book what it says. Raises ExchangeError when it does not answer."""
    order = load(order_id)
    if order.state not in (OrderState.UNKNOWN, OrderState.OPEN, OrderState.PARTIALLY_FILLED):
        return order
    exchange = client_of(order.bot_config.api_key)
    report = exchange.find_order(order.symbol, client_order_id=order.client_order_id)
    if report is not None:
        fills = exchange.fills_of_order(order.symbol, report.order_id) if report.executed_e8 else []
        ledger.book(order.pk, report, fills)
    elif order.state == OrderState.UNKNOWN:
        _count_negative(order, exchange)
    else:
        logger.error("order_vanished", order=order.client_order_id, state=order.state)
    return load(order_id)


def _count_negative(order: Order, exchange: Exchange) -> None:
    """One more "does not exist", if it came late enough to count; the order is dropped when it is believed."""
    assert order.request_timestamp_ms is not None
    assert order.recv_window_ms is not None
    server_ms = exchange.server_time_ms()
    if server_ms < order.request_timestamp_ms + order.recv_window_ms + QUIET_MS:
        return
    first_ms = order.first_negative_ms or server_ms
    answers = order.negative_answers + 1
    counted = Order.objects.filter(
        pk=order.pk, state=OrderState.UNKNOWN, negative_answers=order.negative_answers
    ).update(
        negative_answers=F("negative_answers") + 1,
        first_negative_ms=first_ms,
        last_negative_ms=server_ms,
        updated_at=timezone.now(),
    )
    if not counted or answers < NEGATIVES_NEEDED or server_ms - first_ms < NEGATIVES_SPAN_MS:
        return
    if _everything_agrees(order, exchange):
        ledger.close_without_fill(
            order.pk,
            OrderState.DROPPED,
            only_from=OrderState.UNKNOWN,
            message="The exchange never had this order: asked until that was certain.",
        )
    else:
        logger.error("order_contradiction", order=order.client_order_id)


def _everything_agrees(order: Order, exchange: Exchange) -> bool:
    """Open orders, our own trades since the claim, and the balance must not speak for an execution either."""
    if any(
        open_order.client_order_id == order.client_order_id
        for open_order in exchange.open_orders(order.symbol)
    ):
        return False
    for order_id in _strangers(order, exchange.fills_after(order.symbol, order.last_trade_id_at_claim or 0)):
        stranger = exchange.find_order(order.symbol, order_id=order_id)
        if stranger is None or stranger.client_order_id == order.client_order_id:
            return False
    return order.side != Side.SELL or _coins_are_there(order, exchange)


def _strangers(order: Order, fills: list[FillReport]) -> set[int]:
    """Ids of executed orders on this account and symbol that we have not booked."""
    executed = {fill.order_id for fill in fills}
    known = Order.objects.filter(
        account_id=order.account_id, market=order.market, symbol=order.symbol, exchange_order_id__in=executed
    ).values_list("exchange_order_id", flat=True)
    return executed - set(known)


def _coins_are_there(order: Order, exchange: Exchange) -> bool:
    """A sell that never happened leaves at least what our bots hold."""
    asset = order.bot_config.base_asset
    held = BotState.objects.filter(
        bot_config__account_id=order.account_id, bot_config__base_asset=asset
    ).aggregate(
        coins=Sum("current_position_size_coins"), dust=Sum("dust_quantity", filter=Q(dust_quantity__gt=0))
    )
    balance = exchange.balances().get(asset)
    total = decimal_from_e8(balance.free_e8 + balance.locked_e8) if balance else Decimal(0)
    return total >= (held["coins"] or Decimal(0)) + (held["dust"] or Decimal(0))
