"""Compares the paper market's own records with ours: every fill exactly once, every balance to the last digit.

The sandbox is the witness: it keeps its own journal and knows nothing of our database.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable
from dataclasses import asdict, dataclass
from decimal import Decimal
from typing import Any

from django.db.models import Sum

from accounts.models import ExchangeAccount
from bots.models import BotState
from exchange.models import Venue
from exchange.sandbox.control import ControlClient
from trading.models import Fill, Position

OPENING_BALANCE = {"USDT": Decimal(10_000)}


@dataclass(frozen=True)
class AuditReport:
    """`fills` the market's own count; the others must be 0. `details` names what differs."""

    fills: int
    missing: int
    extra: int
    different: int
    balance_differences: int
    details: tuple[str, ...] = ()

    @property
    def is_clean(self) -> bool:
        return not (self.missing or self.extra or self.different or self.balance_differences)

    def as_json(self) -> dict[str, Any]:
        return {name: value for name, value in asdict(self).items() if name != "details"}


def audit_fills(control: ControlClient) -> AuditReport:
    """Raises ControlRefused or OSError when the sandbox does not answer."""
    accounts = {
        account.external_id: account for account in ExchangeAccount.objects.filter(venue=Venue.SANDBOX)
    }
    theirs_rows = [row for row in control.fills() if str(row["uid"]) in accounts]
    theirs = Counter((str(row["uid"]), row["symbol"], row["tradeId"]) for row in theirs_rows)
    booked = Fill.objects.filter(account__venue=Venue.SANDBOX).select_related("account", "order")
    ours = {(fill.account.external_id, fill.symbol, fill.trade_id): fill for fill in booked}
    details = [f"missing: fill {key}" for key in theirs if key not in ours]
    missing = len(details)
    details += [f"extra: fill {key}" for key in ours if key not in theirs]
    extra = len(details) - missing
    details += _differences(theirs_rows, ours)
    details += [f"different: the market executed order {oid} twice" for oid in _doubled(theirs_rows)]
    different = len(details) - missing - extra
    details += _balance_differences(control, accounts)
    balance_differences = len(details) - missing - extra - different
    return AuditReport(
        fills=len(theirs_rows),
        missing=missing,
        extra=extra,
        different=different,
        balance_differences=balance_differences,
        details=tuple(details),
    )


def _differences(rows: Iterable[dict[str, Any]], ours: dict[tuple[str, str, int], Fill]) -> list[str]:
    found = []
    for row in rows:
        fill = ours.get((str(row["uid"]), row["symbol"], row["tradeId"]))
        if fill is None:
            continue
        their_words = (row["side"], row["clientOrderId"], row["orderId"], row["commissionAsset"])
        our_words = (
            fill.order.side,
            fill.order.client_order_id,
            fill.order.exchange_order_id,
            fill.commission_asset,
        )
        their_numbers = tuple(Decimal(row[name]) for name in ("price", "qty", "quoteQty", "commission"))
        our_numbers = (fill.price, fill.quantity, fill.quote_quantity, fill.commission)
        if their_words != our_words or their_numbers != our_numbers:
            found.append(
                f"different: fill {row['tradeId']}: {their_words + their_numbers} is {our_words + our_numbers}"
            )
    return found


def _doubled(rows: Iterable[dict[str, Any]]) -> list[str]:
    """Client order ids that the market executed as more than one order."""
    orders: dict[str, set[int]] = defaultdict(set)
    for row in rows:
        orders[row["clientOrderId"]].add(row["orderId"])
    return sorted(client_id for client_id, ids in orders.items() if len(ids) > 1)


def _balance_differences(control: ControlClient, accounts: dict[str, ExchangeAccount]) -> list[str]:
    """Their balances against what our fills make of the opening balance, and against what our bots hold."""
    found = []
    for row in control.accounts():
        account = accounts.get(str(row["uid"]))
        if account is None:
            continue
        theirs = {b["asset"]: Decimal(b["free"]) + Decimal(b["locked"]) for b in row["balances"]}
        for asset, expected in _expected(account).items():
            if theirs.get(asset, Decimal(0)) != expected:
                found.append(
                    f"balance: account {row['uid']} {asset} is {theirs.get(asset)}, our fills make {expected}"
                )
        for asset, held in _held(account).items():
            if theirs.get(asset, Decimal(0)) != held:
                found.append(
                    f"balance: account {row['uid']} {asset} is {theirs.get(asset)}, our bots hold {held}"
                )
    return found


def _expected(account: ExchangeAccount) -> dict[str, Decimal]:
    sums: dict[str, Decimal] = defaultdict(Decimal, OPENING_BALANCE)
    for fill in Fill.objects.filter(account=account).select_related("order__bot_config"):
        sign = 1 if fill.order.side == "BUY" else -1
        sums[fill.order.bot_config.base_asset] += sign * fill.quantity
        sums[fill.order.bot_config.quote_asset] -= sign * fill.quote_quantity
        sums[fill.commission_asset] -= fill.commission
    return dict(sums)


def _held(account: ExchangeAccount) -> dict[str, Decimal]:
    """Coins by our bots' books: open positions and dust."""
    held: dict[str, Decimal] = defaultdict(Decimal)
    bots = {"bot_config__account": account}
    for row in (
        Position.objects.open().filter(**bots).values("bot_config__base_asset").annotate(sum=Sum("quantity"))
    ):
        held[row["bot_config__base_asset"]] += row["sum"]
    for row in (
        BotState.objects.filter(**bots).values("bot_config__base_asset").annotate(sum=Sum("dust_quantity"))
    ):
        held[row["bot_config__base_asset"]] += row["sum"]
    return dict(held)
