"""Stop everything and go flat: halt, have every position of ours sold, ask again until nothing is left, show a receipt.

Unfinished receipts are found by state, so any process can go on with one, any number of times. Ending the halt ends the
asking. Coins that no bot of ours bought are never touched.
"""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal
from functools import partial
from typing import Any, Final

import structlog
from django.db import IntegrityError, transaction
from django.db.models import Exists, OuterRef, Q, QuerySet
from django.utils import timezone
from django.utils.translation import gettext as _

from accounts import audit
from accounts.models import AuditEvent
from bots.halts import OF_EVERYONE, bots_under, scope_of
from bots.models import BotConfig, BotState, Halt
from trading.closing import drop_planned_entries, sell_what_it_holds
from trading.halts import check_may_halt, halt, tell_about
from trading.models import FlatLine, FlatReceipt, Order, Position
from trading.orders.settlement import ENDS_A_PASS
from trading.waking import queue

logger = structlog.get_logger(__name__)

TASK: Final = "trading.keep_going_flat"
REASON: Final = "close_all"


@dataclass(frozen=True, slots=True)
class WouldSell:
    """A position that going flat would sell: how many coins, and what they cost."""

    bot: BotConfig
    quantity: Decimal
    cost: Decimal
    entry_price: Decimal | None


@dataclass(frozen=True, slots=True)
class Preview:
    """What going flat would sell now, and the bots whose entry is on its way: what it buys would be sold too."""

    positions: tuple[WouldSell, ...]
    about_to_enter: tuple[BotConfig, ...]


def preview(by: Any, *, bot: BotConfig | None = None, user: Any = None, everything: bool = False) -> Preview:
    """What `go_flat` with the same words would ask to be sold. Changes nothing. Two queries."""
    check_may_halt(by, bot=bot, user=user, everything=everything)
    bots = bots_under(Halt(bot_config=bot, user=user))
    held = Position.objects.open().filter(bot_config__in=bots).select_related("bot_config")
    entering = bots.filter(_has_order_in_flight()).exclude(state__in_position=True)
    return Preview(
        positions=tuple(
            WouldSell(position.bot_config, position.quantity, position.cost, position.entry_price)
            for position in held.order_by("bot_config__name", "pk")
        ),
        about_to_enter=tuple(entering.order_by("name", "pk")),
    )


def go_flat(
    by: Any, *, bot: BotConfig | None = None, user: Any = None, everything: bool = False, reason: str
) -> FlatReceipt:
    """Halt, and ask for every exit below the halt. Asked again, the receipt under way is returned. Raises
    LifecycleRefused where the halt is not for `by` to set."""
    standing = halt(by, bot=bot, user=user, everything=everything, reason=reason)
    receipt = _receipt_of(standing, by)
    pursue(receipt)
    return FlatReceipt.objects.select_related("halt").get(pk=receipt.pk)


def _receipt_of(standing: Halt, by: Any) -> FlatReceipt:
    unfinished = FlatReceipt.objects.filter(halt=standing, finished_at__isnull=True)
    try:
        with transaction.atomic():
            found: FlatReceipt | None = unfinished.first()
            if found is not None:
                return found
            receipt: FlatReceipt = FlatReceipt.objects.create(halt=standing, started_by=by)
            audit.record(AuditEvent.WENT_FLAT, standing, by=by, after={"scope": scope_of(standing)})
            transaction.on_commit(partial(queue, TASK))
            return receipt
    except IntegrityError:
        # A second click in the same instant: the first one's receipt goes on.
        return FlatReceipt.objects.get(halt=standing, finished_at__isnull=True)


def pursue(receipt: FlatReceipt) -> bool:
    """Ask for what has not been asked for yet; whether the receipt is finished. Harmless any number of times."""
    if receipt.halt.ended_at is not None:
        return _finish(receipt)
    busy = _busy_bots(receipt.halt)
    for bot in busy.order_by("pk"):
        try:
            _ask(receipt, bot)
        except ENDS_A_PASS:
            raise
        except Exception:
            logger.exception("going_flat_broke", receipt_id=receipt.pk, bot_config_id=bot.pk)
    return False if busy.exists() else _finish(receipt)


def keep_going_flat() -> int:
    """Every unfinished receipt once more. Returns how many are finished now."""
    unfinished = FlatReceipt.objects.filter(finished_at__isnull=True).select_related("halt").order_by("pk")
    return sum(pursue(receipt) for receipt in unfinished)


def receipts_seen_by(user: Any) -> QuerySet[FlatReceipt]:
    """Newest first: those that concern the user, all of them for operators."""
    receipts: QuerySet[FlatReceipt] = FlatReceipt.objects.select_related(
        "halt__bot_config", "halt__user", "started_by"
    ).order_by("-created_at", "-pk")
    if user.is_staff:
        return receipts
    own = OF_EVERYONE | Q(user_id=user.pk) | Q(bot_config__user_id=user.pk)
    return receipts.filter(halt__in=Halt.objects.filter(own))


def _busy_bots(standing: Halt) -> Any:
    """Those that hold something, or may come to hold it."""
    holding = Q(pk__in=Position.objects.open().values("bot_config_id"))
    return bots_under(standing).filter(holding | Q(_has_order_in_flight()))


def _has_order_in_flight() -> Exists:
    return Exists(Order.objects.unsettled().filter(bot_config_id=OuterRef("pk")))


def _ask(receipt: FlatReceipt, bot: BotConfig) -> None:
    with transaction.atomic():
        BotState.objects.select_for_update().get(pk=bot.pk)
        drop_planned_entries(bot, why=_("Everything is being sold."))
        position = sell_what_it_holds(bot, reason=REASON)
        if position is not None:
            FlatLine.objects.get_or_create(
                receipt=receipt,
                position=position,
                defaults={"quantity": position.quantity, "cost": position.cost},
            )


def _finish(receipt: FlatReceipt) -> bool:
    now = timezone.now()
    done = FlatReceipt.objects.filter(pk=receipt.pk, finished_at__isnull=True)
    if done.update(finished_at=now, updated_at=now):
        logger.warning("went_flat", receipt_id=receipt.pk)
        tell_about(receipt.halt)
    return True
