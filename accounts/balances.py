"""What an account holds, as its exchange says now. An exchange error is an error, never a zero."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal

from engine.amounts import E8, decimal_from_e8
from exchange.port import Exchange, Rejected


@dataclass(frozen=True, slots=True)
class AssetBalance:
    """One asset; `value_usdt` is None where the exchange quotes no USDT price for it."""

    asset: str
    free: Decimal
    locked: Decimal
    value_usdt: Decimal | None

    @property
    def total(self) -> Decimal:
        return self.free + self.locked


def balances_at(exchange: Exchange) -> list[AssetBalance]:
    """Every asset the account holds, worth most first. Raises ExchangeError."""
    rows = [
        AssetBalance(
            asset=held.asset,
            free=decimal_from_e8(held.free_e8),
            locked=decimal_from_e8(held.locked_e8),
            value_usdt=_value_usdt(exchange, held.asset, held.free_e8 + held.locked_e8),
        )
        for held in exchange.balances().values()
        if held.free_e8 or held.locked_e8
    ]
    return sorted(rows, key=lambda row: (-(row.value_usdt or Decimal(0)), row.asset))


def _value_usdt(exchange: Exchange, asset: str, amount_e8: int) -> Decimal | None:
    if asset == "USDT":
        return decimal_from_e8(amount_e8)
    try:
        price_e8 = exchange.price_e8(f"{asset}USDT")
    except Rejected:
        # No such market: the amount is known, its worth is not.
        return None
    return decimal_from_e8(amount_e8 * price_e8 // E8)
