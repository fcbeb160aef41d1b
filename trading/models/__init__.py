"""The trading tables, a file a family. An order row exists before the exchange hears of it."""

from trading.models.decisions import Decision
from trading.models.flat import FlatLine, FlatReceipt
from trading.models.installation import Installation
from trading.models.money import Position, Trade, Wallet
from trading.models.optimization import Optimization, Trial
from trading.models.orders import Fill, Order
from trading.models.parity import ParityCheck
from trading.models.research import Backtest

__all__ = [
    "Backtest", "Decision", "Fill", "FlatLine", "FlatReceipt", "Installation", "Optimization", "Order", "ParityCheck",
    "Position", "Trade", "Trial", "Wallet",
]  # fmt: skip
