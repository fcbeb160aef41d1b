"""Settles what is not final: orders left planned, senders gone silent, unknown ends, positions that want something.

Every pass finds its work by state in the database, so it can run anywhere, any number of times. An unknown end is
settled by asking (`asking`), never by sending again.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable
from datetime import datetime, timedelta

import structlog
from celery.exceptions import SoftTimeLimitExceeded
from django.db import InterfaceError, OperationalError
from django.db.models import Exists, OuterRef, Q
from django.utils import timezone

from accounts.vault import VaultError
from engine.orders import PROTECTION, OrderState, Purpose
from exchange.port import CredentialsRefused, ExchangeError
from exchange.symbols import UnknownSymbol
from trading.models import Order, Position
from trading.models.money import PositionAction
from trading.orders import ledger
from trading.orders.asking import IN_DOUBT, settle
from trading.orders.execution import ask_about_the_key, load, mark_unknown, send
from trading.orders.placing import place
from trading.orders.protection import tend

logger = structlog.get_logger(__name__)

# A sender answers or gives up within 15 s; one silent for longer is gone. Protection is not waited for that long.
SENDING_TIMEOUT = timedelta(seconds=20)
PROTECTION_TIMEOUT = timedelta(seconds=3)
# The answer of one silent for this long is looked for: a sender that is gone must not leave what it bought bare.
SENDING_ASKED = timedelta(seconds=3)
# The run that planned an order sends it at once; one still planned after this has lost its sender.
PLANNED_TIMEOUT = timedelta(seconds=2)
# No freshness limit is longer than 30 s: an entry this old is dropped without asking anybody.
STALE_ENTRY = timedelta(seconds=60)
# A stop or target that stands is asked about this often, should nothing else have told.
STANDING_ASKED = timedelta(seconds=20)
# Less than the pace of the passes, so that every pass asks.
UNKNOWN_ASKED = timedelta(seconds=0.5)
# So long a position without its stop is left to the run that bought it.
AT_WORK = timedelta(seconds=0.5)
RESTS = "rests"
# The database is away, or the pass has lasted too long: nothing that has to do with one order.
ENDS_A_PASS = (OperationalError, InterfaceError, SoftTimeLimitExceeded)


def settle_orders() -> Counter[str]:
    """One pass over everything that is not final. Returns how many orders ended in which state."""
    now = timezone.now()
    _give_up_on_silent_senders(now)
    touched: Counter[str] = Counter()
    for order_id in _unsent(now):
        touched[_quietly(order_id, _send_or_drop)] += 1
    asked = _to_ask(now)
    for order_id in asked:
        touched[_quietly(order_id, settle)] += 1
    for position_id in _to_tend(asked, now):
        touched[_tend_quietly(position_id)] += 1
    del touched[RESTS]
    return touched


def _to_ask(now: datetime) -> list[int]:
    """Unknown ends, senders slow to answer, unfilled market orders, stops and targets not asked about for a while, and
    what a closed position left behind. What is being cancelled is asked about by the cancelling."""
    in_doubt = Order.objects.filter(state__in=IN_DOUBT).filter(
        Q(cancel_wanted_at__isnull=True) | Q(state=OrderState.UNKNOWN)
    )
    due = (
        Q(asked_at__isnull=True)
        | ~Q(purpose__in=PROTECTION)
        | Q(state=OrderState.UNKNOWN, asked_at__lt=now - UNKNOWN_ASKED)
        | Q(asked_at__lt=now - STANDING_ASKED)
        | Q(triggered_at__isnull=False)
        | Q(position__closed_at__isnull=False)
    )
    silent = Order.objects.filter(state=OrderState.SENDING, claimed_at__lt=now - SENDING_ASKED)
    return list((in_doubt.filter(due) | silent).order_by("id").values_list("pk", flat=True))


def _to_tend(asked: Iterable[int], now: datetime) -> Iterable[int]:
    """Positions of the orders just asked about; those that are being closed or changed, that stand without the stop
    they want, whose standing orders differ from what they want; and closed ones with an order left. One that was bare
    a moment ago has somebody at work on it: whoever bought it protects it next."""
    alive = Order.objects.unsettled().filter(position_id=OuterRef("pk"))
    stop = alive.filter(purpose=Purpose.STOP, stop_price=OuterRef("stop_price"))
    target = alive.filter(purpose=Purpose.TARGET, price=OuterRef("target_price"))
    changing = ~Q(action=PositionAction.NONE) | Q(unprotected_since__isnull=False)
    differs = (
        Q(stop_price__isnull=False) & ~Exists(stop)
        | Q(target_price__isnull=False) & ~Exists(target)
        | Exists(alive.filter(Q(cancel_wanted_at__isnull=False) | Q(triggered_at__isnull=False)))
        | Q(stop_price__isnull=True) & Exists(alive.filter(purpose=Purpose.STOP))
        | Q(target_price__isnull=True) & Exists(alive.filter(purpose=Purpose.TARGET))
    )
    a_moment_ago = Q(
        unprotected_since__gte=now - AT_WORK, action__in=(PositionAction.NONE, PositionAction.PROTECT)
    )
    heard = Q(orders__in=asked)
    open_ones = Position.objects.open().filter(heard | ~a_moment_ago & (changing | differs))
    leftovers = Position.objects.filter(closed_at__isnull=False).filter(Exists(alive))
    ids = open_ones.order_by("pk").distinct().values_list("pk", flat=True)
    return [*ids, *leftovers.order_by("pk").values_list("pk", flat=True)]


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


def _tend_quietly(position_id: int) -> str:
    """One position that cannot be dealt with must not keep the others open or bare."""
    try:
        moves = tend(position_id)
    except (ExchangeError, VaultError, UnknownSymbol) as error:
        logger.warning("position_waits", position_id=position_id, cause=str(error))
        return "unreachable"
    except ledger.LedgerConflict as conflict:
        logger.error("order_conflict", position_id=position_id, cause=str(conflict))
        return "conflict"
    except ENDS_A_PASS:
        raise
    except Exception:
        logger.exception("tending_broke", position_id=position_id)
        return "failed"
    return "tended" if moves else RESTS


def _give_up_on_silent_senders(now: datetime) -> None:
    sending = Order.objects.filter(state=OrderState.SENDING)
    silent = sending.filter(
        Q(claimed_at__lt=now - SENDING_TIMEOUT)
        | Q(claimed_at__lt=now - PROTECTION_TIMEOUT, purpose__in=PROTECTION)
    )
    for order_id in silent.values_list("pk", flat=True):
        mark_unknown(order_id, message="The process that sent this order ended before it had the answer.")


def _unsent(now: datetime) -> Iterable[int]:
    """One order of each request: those of a list go out together."""
    waiting = Order.objects.filter(state=OrderState.PLANNED, planned_at__lt=now - PLANNED_TIMEOUT)
    legs = waiting.exclude(list_client_order_id="").filter(purpose=Purpose.TARGET)
    return list(waiting.exclude(pk__in=legs.values("pk")).order_by("id").values_list("pk", flat=True))


def _send_or_drop(order_id: int) -> Order:
    order = load(order_id)
    if order.purpose in PROTECTION:
        together = Order.objects.filter(
            list_client_order_id=order.list_client_order_id, position=order.position
        )
        in_list = bool(order.list_client_order_id)
        place(list(together.order_by("pk").values_list("pk", flat=True)) if in_list else [order_id])
        return load(order_id)
    if order.purpose == Purpose.ENTRY and order.planned_at < timezone.now() - STALE_ENTRY:
        ledger.close_without_fill(
            order_id,
            OrderState.DROPPED,
            only_from=OrderState.PLANNED,
            message="Too late: the entry could not be sent in time.",
        )
        return load(order_id)
    return send(order_id)
