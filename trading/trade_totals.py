"""What a list of trades adds up to: how many, how much was bought and sold, fees by asset, and the result."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal
from typing import Any, Final

from django.db.models import Count, Q, QuerySet, Sum

ZERO: Final = Decimal(0)


@dataclass(frozen=True, slots=True)
class TradeTotals:
    """`result` is net of all fees, of the round trips that ended within the list; `fees` by asset, USDT first."""

    count: int
    bought: Decimal
    sold: Decimal
    result: Decimal
    ended: int
    won: int
    fees: list[tuple[str, Decimal]]

    @property
    def win_rate(self) -> Decimal | None:
        return Decimal(100) * self.won / self.ended if self.ended else None


def totals_of(trades: QuerySet[Any]) -> TradeTotals:
    """Two queries over the whole list, not only the page of it that is shown."""
    every = trades.order_by()
    sums = every.aggregate(
        count=Count("pk"),
        bought=Sum("quote_quantity_filled", filter=Q(side="BUY")),
        sold=Sum("quote_quantity_filled", filter=Q(side="SELL")),
        result=Sum("realized_pnl"),
        ended=Count("realized_pnl"),
        won=Count("pk", filter=Q(realized_pnl__gt=0)),
    )
    fees = every.values_list("commission_asset").annotate(paid=Sum("commission_amount"))
    known: dict[str, Any] = {name: value if value is not None else ZERO for name, value in sums.items()}
    return TradeTotals(**known, fees=sorted(fees, key=lambda pair: (pair[0] != "USDT", pair[0])))
