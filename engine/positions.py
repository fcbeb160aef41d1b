"""A spot position as its fills accumulate: quantity, cost, fees, realised profit, dust (SPEC §5.9, §5.10).

Everything is an integer in 1e-8, and to the last digit, whatever the fills:

    sum of realised results  =  change of money  +  change of dust at cost

where money is what was received less what was spent less fees (a third asset's fees at the value given).
"""

from dataclasses import dataclass, replace
from typing import Self

from engine.amounts import E8
from engine.orders import Side


class PositionError(ValueError):
    """A fill that this position cannot have had."""


@dataclass(frozen=True, kw_only=True)
class Fill:
    """One execution as the exchange reports it; quote_e8 = price x quantity, before fees.

    A commission in a third asset (BNB) comes with its value in quote, supplied by the caller who
    knows a price; it is never guessed here.
    """

    side: Side
    quantity_e8: int
    quote_e8: int
    commission_e8: int
    commission_asset: str
    commission_value_e8: int | None = None


@dataclass(frozen=True, kw_only=True)
class Dust:
    """What is too little to sell, kept at cost until the bot's next exit takes it along."""

    quantity_e8: int = 0
    cost_e8: int = 0


@dataclass(frozen=True, kw_only=True)
class Position:
    """`quantity_e8` is held net of fees taken in base and `cost_e8` what exactly that cost, fees included.

    Totals beside them: gross of the fills (`bought`/`spent`, `sold`/`received`), `fees_e8` the value of
    all commissions in quote, `realized_pnl_e8` the result of what was sold, net of all fees.
    """

    base_asset: str
    quote_asset: str
    quantity_e8: int = 0
    cost_e8: int = 0
    bought_e8: int = 0
    spent_e8: int = 0
    sold_e8: int = 0
    received_e8: int = 0
    fees_e8: int = 0
    realized_pnl_e8: int = 0

    @classmethod
    def opened(cls, base_asset: str, quote_asset: str, dust: Dust | None = None) -> Self:
        """A new round trip; the dust of earlier ones joins it and leaves with its exit."""
        kept = dust or Dust()
        return cls(
            base_asset=base_asset, quote_asset=quote_asset, quantity_e8=kept.quantity_e8, cost_e8=kept.cost_e8
        )

    @property
    def entry_price_e8(self) -> int | None:
        """Average price of the entry's fills, before fees, rounded down; None before the first."""
        return self.spent_e8 * E8 // self.bought_e8 if self.bought_e8 else None

    @property
    def exit_price_e8(self) -> int | None:
        return self.received_e8 * E8 // self.sold_e8 if self.sold_e8 else None

    def sellable_steps(self, step_e8: int) -> int:
        """What an exit sells: floor(quantity, step), in steps."""
        return self.quantity_e8 // step_e8

    def is_flat(self, step_e8: int) -> bool:
        """Nothing left that could be sold."""
        return self.sellable_steps(step_e8) == 0

    def dust(self) -> Dust:
        """What remains once the position is flat, at cost."""
        return Dust(quantity_e8=self.quantity_e8, cost_e8=self.cost_e8)


def after_fill(position: Position, fill: Fill) -> Position:
    """The position after one more execution. Raises `PositionError`."""
    if fill.quantity_e8 <= 0 or fill.quote_e8 < 0 or fill.commission_e8 < 0:
        raise PositionError("a fill has a positive quantity, and neither money nor fee below zero")
    charged = replace(position, fees_e8=position.fees_e8 + commission_value_e8(position, fill))
    return _after_buy(charged, fill) if fill.side is Side.BUY else _after_sale(charged, fill)


def commission_value_e8(position: Position, fill: Fill) -> int:
    """A commission's value in quote: itself, at the fill's own price (rounded down), or as supplied."""
    if fill.commission_asset == position.quote_asset or not fill.commission_e8:
        return fill.commission_e8
    if fill.commission_asset == position.base_asset:
        return fill.commission_e8 * fill.quote_e8 // fill.quantity_e8
    if fill.commission_value_e8 is None:
        raise PositionError(
            f"a commission in {fill.commission_asset} needs its value in {position.quote_asset}"
        )
    return fill.commission_value_e8


def _fee_parts(position: Position, fill: Fill) -> tuple[int, int]:
    """(taken from the coins, taken as money): a fee in base shrinks the quantity, any other costs money."""
    if fill.commission_asset == position.base_asset:
        return fill.commission_e8, 0
    return 0, commission_value_e8(position, fill)


def _after_buy(position: Position, fill: Fill) -> Position:
    coins, money = _fee_parts(position, fill)
    if coins > fill.quantity_e8:
        raise PositionError("a fee in base cannot exceed what was bought")
    return replace(
        position,
        quantity_e8=position.quantity_e8 + fill.quantity_e8 - coins,
        cost_e8=position.cost_e8 + fill.quote_e8 + money,
        bought_e8=position.bought_e8 + fill.quantity_e8,
        spent_e8=position.spent_e8 + fill.quote_e8,
    )


def _after_sale(position: Position, fill: Fill) -> Position:
    """Cost leaves in proportion, rounded down: the rest of it, odd digits too, stays with what is kept."""
    coins, money = _fee_parts(position, fill)
    gone = fill.quantity_e8 + coins
    if gone > position.quantity_e8:
        raise PositionError("a position cannot sell more than it holds")
    cost = position.cost_e8 * gone // position.quantity_e8
    return replace(
        position,
        quantity_e8=position.quantity_e8 - gone,
        cost_e8=position.cost_e8 - cost,
        sold_e8=position.sold_e8 + fill.quantity_e8,
        received_e8=position.received_e8 + fill.quote_e8,
        realized_pnl_e8=position.realized_pnl_e8 + fill.quote_e8 - money - cost,
    )
