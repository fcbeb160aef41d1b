"""The trading tables, a file a family. An order row exists before the exchange hears of it."""

from trading.models.decisions import Decision
from trading.models.flat import FlatLine, FlatReceipt
from trading.models.installation import Installation
from trading.models.money import Position, Trade, Wallet
from trading.models.orders import Fill, Order

__all__ = [
    "Decision", "Fill", "FlatLine", "FlatReceipt", "Installation", "Order", "Position", "Trade", "Wallet",
]  # fmt: skip
