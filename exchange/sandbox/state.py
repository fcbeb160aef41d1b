"""What the venue remembers: accounts, orders, trades, counters. Integers in 1e-8; only `venue.evolve` changes it."""

from dataclasses import asdict, dataclass, field
from typing import Any


@dataclass
class Account:
    uid: int
    api_key: str
    opened_server_ms: int
    opened_market_ms: int
    updated_market_ms: int
    balances: dict[str, list[int]]  # asset → [free, locked]


@dataclass(frozen=True)
class Order:
    """One accepted order. `seq` counts over all symbols, `order_id` per symbol; `accepted_us` is the wall in µs."""

    seq: int
    order_id: int
    uid: int
    symbol: str
    client_order_id: str
    side: str
    type: str
    status: str
    original_quantity: int
    original_quote: int
    executed_quantity: int
    executed_quote: int
    prevention_mode: str
    market_ms: int
    accepted_us: int
    strategy_id: int | None = None
    strategy_type: int | None = None


@dataclass(frozen=True)
class Trade:
    """One fill. `trade_id` increases per symbol, `seq` over all symbols."""

    seq: int
    trade_id: int
    order_id: int
    uid: int
    symbol: str
    client_order_id: str
    side: str
    price: int
    quantity: int
    quote: int
    commission: int
    commission_asset: str
    market_ms: int
    accepted_us: int


@dataclass
class State:
    """`orders` and `trades` in order of `seq`; the indexes beside them are rebuilt from them."""

    accounts: dict[int, Account] = field(default_factory=dict)
    revoked_keys: set[str] = field(default_factory=set)
    orders: list[Order] = field(default_factory=list)
    trades: list[Trade] = field(default_factory=list)
    next_order_id: dict[str, int] = field(default_factory=dict)
    next_trade_id: dict[str, int] = field(default_factory=dict)
    market_ms: int = 0
    order_by_id: dict[tuple[str, int], Order] = field(default_factory=dict)
    orders_of_client_id: dict[tuple[int, str, str], list[int]] = field(default_factory=dict)
    trades_of: dict[tuple[int, str], list[Trade]] = field(default_factory=dict)
    open_order_ids: set[tuple[str, int]] = field(default_factory=set)

    def add_order(self, order: Order) -> None:
        self.orders.append(order)
        self.next_order_id[order.symbol] = order.order_id + 1
        self.order_by_id[order.symbol, order.order_id] = order
        self.orders_of_client_id.setdefault((order.uid, order.symbol, order.client_order_id), []).append(
            order.order_id
        )
        if order.status in ("NEW", "PARTIALLY_FILLED"):
            self.open_order_ids.add((order.symbol, order.order_id))

    def add_trade(self, trade: Trade) -> None:
        self.trades.append(trade)
        self.next_trade_id[trade.symbol] = trade.trade_id + 1
        self.trades_of.setdefault((trade.uid, trade.symbol), []).append(trade)

    def find_order(self, uid: int, symbol: str, order_id: int) -> Order | None:
        order = self.order_by_id.get((symbol, order_id))
        return order if order is not None and order.uid == uid else None

    def latest_by_client_id(self, uid: int, symbol: str, client_order_id: str) -> Order | None:
        """Binance lets a closed order's id be used again; the newest answers."""
        order_ids = self.orders_of_client_id.get((uid, symbol, client_order_id))
        return self.order_by_id[symbol, order_ids[-1]] if order_ids else None

    def open_orders_of(self, uid: int) -> list[Order]:
        orders = (self.order_by_id[key] for key in self.open_order_ids)
        return sorted((order for order in orders if order.uid == uid), key=lambda order: order.seq)

    def ledger(self) -> dict[str, Any]:
        """Accounts as plain JSON values; orders and trades are kept as rows of their own."""
        return {
            "accounts": [asdict(account) for account in self.accounts.values()],
            "revoked_keys": sorted(self.revoked_keys),
        }

    def load_ledger(self, ledger: dict[str, Any]) -> None:
        self.accounts = {entry["uid"]: Account(**entry) for entry in ledger["accounts"]}
        self.revoked_keys = set(ledger["revoked_keys"])
