"""Ownership of money: what a wallet holds, what planned entries have reserved on it, what the bots of an account claim.

A reservation rises in the transaction that plans an entry and ends with the order; two plans never share a coin.
Locks are taken in one order everywhere: the bot's state row, the order, the wallet.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Any

from django.db import transaction
from django.db.models import F, Q, Sum
from django.db.models.functions import Greatest
from django.utils import timezone
from django.utils.translation import gettext as _

from accounts.keys import client_of
from accounts.models import ApiKey
from bots.models import BotConfig
from bots.standing import claiming_bots
from bots.wording import money
from engine.amounts import decimal_from_e8
from trading.models import Order, Position, Wallet

NOTHING = Decimal(0)


class NotEnoughMoney(Exception):
    """A wallet has less free money than an entry needs. The text has the numbers."""


def reserve(account_id: int, market: str, asset: str, amount: Decimal) -> None:
    """Set `amount` aside for one planned entry, or NotEnoughMoney. Called inside the planning transaction."""
    wallet = Wallet.objects.filter(account_id=account_id, market=market, asset=asset)
    enough = wallet.filter(free__gte=F("reserved") + amount)
    if enough.update(reserved=F("reserved") + amount, updated_at=timezone.now()) == 1:
        return
    held = wallet.first()
    available = held.available if held else NOTHING
    raise NotEnoughMoney(
        _("The entry needs %(needed)s; %(available)s are free.")
        % {"needed": money(amount, asset), "available": money(available, asset)}
    )


def release(order: Order) -> None:
    """End what is left of the order's reservation. Any number of times; the caller holds the order's row."""
    _return_reservation(order, order.reserved, spent=NOTHING)


def spend(order: Order, amount: Decimal, *, ends: bool = False) -> None:
    """A buy's fill took `amount` of quote money: it leaves the wallet and the reservation together. With the fill that
    `ends` the order goes what is left of its reservation."""
    _return_reservation(order, order.reserved if ends else min(amount, order.reserved), spent=amount)


def earn(order: Order, amount: Decimal) -> None:
    """A sell's fill brought `amount` of quote money. Not added to a balance read since the order was claimed, which may
    hold it already: too little for one reading is safe, too much is not."""
    _wallet_of(order).filter(Q(read_at__isnull=True) | Q(read_at__lt=order.claimed_at)).update(
        free=F("free") + amount, updated_at=timezone.now()
    )


def _return_reservation(order: Order, returned: Decimal, *, spent: Decimal) -> None:
    if not returned and not spent:
        return
    with transaction.atomic(savepoint=False):
        held = Order.objects.filter(pk=order.pk, reserved__gte=returned)
        if held.update(reserved=F("reserved") - returned) != 1:
            order.refresh_from_db(fields=["reserved"])
            returned = min(returned, order.reserved)
            held.update(reserved=F("reserved") - returned)
        _wallet_of(order).update(
            free=Greatest(F("free") - spent, NOTHING),
            reserved=F("reserved") - returned,
            updated_at=timezone.now(),
        )
    order.reserved -= returned


def _wallet_of(order: Order) -> Any:
    asset = order.bot_config.quote_asset
    return Wallet.objects.filter(account_id=order.account_id, market=order.market, asset=asset)


def read_wallet(api_key: ApiKey, market: str, asset: str) -> Wallet:
    """Ask the exchange what the account holds and write it down. Never inside a transaction.

    Raises ExchangeError or VaultError, and then nothing is changed."""
    asked_at = timezone.now()
    balance = client_of(api_key).balances().get(asset)
    free, locked = (balance.free_e8, balance.locked_e8) if balance else (0, 0)
    return note_balance(
        Wallet(account_id=api_key.account_id, market=market, asset=asset),
        free=decimal_from_e8(free),
        locked=decimal_from_e8(locked),
        asked_at=asked_at,
    )


def note_balance(wallet: Wallet, *, free: Decimal, locked: Decimal, asked_at: datetime) -> Wallet:
    """What the exchange said when asked at `asked_at`; a later answer already written down stays."""
    key: dict[str, Any] = {"account_id": wallet.account_id, "market": wallet.market, "asset": wallet.asset}
    older = Wallet.objects.filter(Q(read_at__isnull=True) | Q(read_at__lt=asked_at), **key)
    said = {"free": free, "locked": locked, "read_at": asked_at, "updated_at": timezone.now()}
    if not older.update(**said):
        Wallet.objects.get_or_create(**key)
        older.update(**said)
    return Wallet.objects.get(**key)


@dataclass(frozen=True, slots=True)
class Claims:
    """The money of one account, market and quote asset, and who has a claim on it."""

    total: Decimal
    in_positions: Decimal
    claimed: Decimal
    names: tuple[str, ...]

    @property
    def worth(self) -> Decimal:
        """What may be claimed at all: the wallet, and what our open positions cost."""
        return self.total + self.in_positions

    @property
    def unclaimed(self) -> Decimal:
        return max(self.worth - self.claimed, NOTHING)


def claims_beside(bot: BotConfig) -> Claims:
    """What the *other* bots on the bot's money claim. Locks the wallet row, so that two starts cannot both see it free:
    call it inside the transaction that moves the bot."""
    wallet = Wallet.objects.select_for_update().get(
        account_id=bot.account_id, market=bot.position_type, asset=bot.quote_asset
    )
    same = {"account_id": bot.account_id, "position_type": bot.position_type, "quote_asset": bot.quote_asset}
    others = claiming_bots().filter(**same).exclude(pk=bot.pk).order_by("name")
    claims = others.values_list("name", F("initial_capital") + F("state__realized_pnl"))
    names, capitals = zip(*claims, strict=True) if claims else ((), ())
    positions = Position.objects.open().filter(
        **{f"bot_config__{name}": value for name, value in same.items()}
    )
    cost = positions.aggregate(cost=Sum("cost"))["cost"] or NOTHING
    return Claims(total=wallet.total, in_positions=cost, claimed=sum(capitals, NOTHING), names=tuple(names))


def objection_to_claim(claims: Claims, needed: Decimal, asset: str) -> str:
    """Why `needed` more may not be claimed, with the numbers; empty when it may."""
    if needed <= claims.unclaimed:
        return ""
    numbers = {
        "needed": money(needed, asset),
        "unclaimed": money(claims.unclaimed, asset),
        "worth": money(claims.worth, asset),
        "names": ", ".join(claims.names),
    }
    if not claims.names:
        return _("This bot needs %(needed)s; the account has %(worth)s.") % numbers
    sentence = _(
        "This bot needs %(needed)s; %(unclaimed)s of %(worth)s are not yet claimed by other bots: %(names)s."
    )
    return sentence % numbers
