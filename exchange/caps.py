"""The last word on live money, at the port: no order above a cap, and no purchase that takes an account beyond another.

Whatever reduces (sales, on spot: exits and protection) is never capped. A refusal is definite and local: code 0,
nothing was sent.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final

import structlog
from django.conf import settings

from engine.amounts import E8, e8_from_decimal, plain_e8
from engine.orders import Side
from exchange.binance.client import BinanceExchange
from exchange.port import (
    ListReport,
    MarketOrder,
    OrderReport,
    ProtectiveList,
    Rejected,
    ReplaceReport,
    RestingOrder,
    Stamp,
)

logger = structlog.get_logger(__name__)

QUOTE_ASSET: Final = "USDT"


class CapExceeded(Rejected):
    """Refused here, before anything was sent."""

    def __init__(self, message: str) -> None:
        super().__init__(0, message)


@dataclass(frozen=True, slots=True)
class Caps:
    """Amounts of 1e-8 USDT."""

    order_e8: int
    account_e8: int


def caps_from_settings() -> Caps:
    return Caps(e8_from_decimal(settings.MAX_ORDER_NOTIONAL), e8_from_decimal(settings.MAX_ACCOUNT_EXPOSURE))


class CappedExchange(BinanceExchange):
    """An account's client that buys within its caps only. Checking costs a few requests that ask."""

    def __init__(self, *place: Any, caps: Caps | None = None, **options: Any) -> None:
        super().__init__(*place, **options)
        self._caps = caps or caps_from_settings()

    def place_market_order(self, order: MarketOrder, stamp: Stamp) -> OrderReport:
        if order.side == Side.BUY:
            self._check(order.symbol, self._market_notional_e8(order))
        return super().place_market_order(order, stamp)

    def place_resting_order(self, order: RestingOrder, stamp: Stamp) -> OrderReport:
        if order.side == Side.BUY:
            self._check(order.symbol, _notional_e8(order))
        return super().place_resting_order(order, stamp)

    def place_list(self, wanted: ProtectiveList, stamp: Stamp) -> ListReport:
        if wanted.target.side == Side.BUY:
            self._check(wanted.target.symbol, max(_notional_e8(wanted.target), _notional_e8(wanted.stop)))
        return super().place_list(wanted, stamp)

    def replace_order(self, cancel_client_order_id: str, order: RestingOrder, stamp: Stamp) -> ReplaceReport:
        if order.side == Side.BUY:
            self._check(order.symbol, _notional_e8(order))
        return super().replace_order(cancel_client_order_id, order, stamp)

    def exposure_e8(self) -> int:
        """What the account holds beside USDT, at today's prices, and what its open purchases may still add."""
        prices = {ticker.symbol: ticker.price_e8 for ticker in self.day_tickers()}
        held = 0
        for balance in self.balances().values():
            amount_e8 = balance.free_e8 + balance.locked_e8
            price_e8 = prices.get(balance.asset + QUOTE_ASSET)
            if balance.asset == QUOTE_ASSET or not amount_e8:
                continue
            if price_e8 is None:
                # Worth nothing that could be said in USDT: a coin dropped on the account must not stop its bots.
                logger.warning("asset_without_price", asset=balance.asset)
                continue
            held += amount_e8 * price_e8 // E8
        waiting = [order for order in self.open_orders(None) if order.side == Side.BUY]
        return held + sum(order.price_e8 * (order.original_e8 - order.executed_e8) // E8 for order in waiting)

    def _check(self, symbol: str, notional_e8: int) -> None:
        """Raises `CapExceeded`, or what a question may raise: then nothing was sent either."""
        if notional_e8 > self._caps.order_e8:
            raise CapExceeded(
                f"An order of {plain_e8(notional_e8)} USDT for {symbol} is above this installation's cap of "
                f"{plain_e8(self._caps.order_e8)} USDT (MAX_ORDER_NOTIONAL)."
            )
        exposure_e8 = self.exposure_e8() + notional_e8
        if exposure_e8 > self._caps.account_e8:
            raise CapExceeded(
                f"The account would hold {plain_e8(exposure_e8)} USDT beside USDT, more than this installation's cap "
                f"of {plain_e8(self._caps.account_e8)} USDT (MAX_ACCOUNT_EXPOSURE)."
            )

    def _market_notional_e8(self, order: MarketOrder) -> int:
        if order.quote_quantity_e8 is not None:
            return order.quote_quantity_e8
        return (order.quantity_e8 or 0) * self.price_e8(order.symbol) // E8


def _notional_e8(order: RestingOrder) -> int:
    """At the worst price it may be filled at."""
    return order.quantity_e8 * max(order.price_e8 or 0, order.stop_price_e8 or 0) // E8
