"""What the venue remembers: accounts, orders, lists, trades. Integers in 1e-8; only `venue.evolve` changes it.

An order that changes is a new value under its old `seq`; the indexes beside the rows are rebuilt from them.
"""

from dataclasses import asdict, dataclass, field
from typing import Any

OPEN_STATUSES = ("NEW", "PARTIALLY_FILLED")


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
    """One accepted order. `seq` counts over all symbols, `order_id` per symbol; `…_us` are the wall, `…_ms` the market.

    `working_ms` None: since it was accepted; a conditional order that waits for its trigger is not working.
    """

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
    price: int = 0
    stop_price: int = 0
    time_in_force: str = "GTC"
    list_id: int = -1
    is_working: bool = True
    working_ms: int | None = None
    updated_ms: int | None = None
    ended_us: int | None = None
    ended_ms: int | None = None
    cancel_client_order_id: str | None = None
    expiry_reason: str | None = None
    triggered_us: int | None = None

    @property
    def is_open(self) -> bool:
        return self.status in OPEN_STATUSES

    @property
    def waits_since_ms(self) -> int:
        """From when on the market may touch what this order waits for."""
        return self.market_ms if self.working_ms is None else self.working_ms


@dataclass(frozen=True)
class OrderList:
    """Two orders of which one ends the other. `list_id` counts over all symbols."""

    list_id: int
    uid: int
    symbol: str
    client_order_id: str
    order_ids: list[int]
    status_type: str
    order_status: str
    market_ms: int
    accepted_us: int
    updated_ms: int
    ended_us: int | None = None
    ended_ms: int | None = None
    cancel_client_order_id: str | None = None
    contingency_type: str = "OCO"

    @property
    def is_open(self) -> bool:
        return self.order_status == "EXECUTING"


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
    is_maker: bool = False
    list_id: int = -1


@dataclass(frozen=True)
class OrderChanged:
    """An order after what happened to it: TRADE, TRIGGERED, CANCELED or EXPIRED."""

    order: Order
    execution: str


@dataclass(frozen=True)
class BalanceChanged:
    uid: int
    asset: str
    free: int
    locked: int
    market_ms: int


@dataclass
class State:
    """`orders` and `trades` in order of `seq`, `lists` in order of `list_id`."""

    accounts: dict[int, Account] = field(default_factory=dict)
    revoked_keys: set[str] = field(default_factory=set)
    orders: list[Order] = field(default_factory=list)
    lists: list[OrderList] = field(default_factory=list)
    trades: list[Trade] = field(default_factory=list)
    next_order_id: dict[str, int] = field(default_factory=dict)
    next_trade_id: dict[str, int] = field(default_factory=dict)
    market_ms: int = 0
    order_by_id: dict[tuple[str, int], Order] = field(default_factory=dict)
    orders_of: dict[tuple[int, str], list[int]] = field(default_factory=dict)
    orders_of_client_id: dict[tuple[int, str, str], list[int]] = field(default_factory=dict)
    lists_of: dict[int, list[int]] = field(default_factory=dict)
    lists_of_client_id: dict[tuple[int, str], list[int]] = field(default_factory=dict)
    trades_of: dict[tuple[int, str], list[Trade]] = field(default_factory=dict)
    open_order_ids: dict[int, set[tuple[str, int]]] = field(default_factory=dict)
    # What follows is no part of what the venue knows: the next touch of every waiting order, and what is not yet saved.
    unwatched: list[int] = field(default_factory=list, compare=False)
    touches: list[tuple[int, int, int]] = field(default_factory=list, compare=False)
    most_touches: int = field(default=1_000, compare=False)
    unsaved_orders: set[int] = field(default_factory=set, compare=False)
    unsaved_lists: set[int] = field(default_factory=set, compare=False)

    def add_order(self, order: Order) -> None:
        self.orders.append(order)
        self.next_order_id[order.symbol] = order.order_id + 1
        self.orders_of.setdefault((order.uid, order.symbol), []).append(order.order_id)
        self.orders_of_client_id.setdefault((order.uid, order.symbol, order.client_order_id), []).append(
            order.order_id
        )
        self._index(order)

    def change_order(self, order: Order) -> None:
        self.orders[order.seq - 1] = order
        self._index(order)

    def _index(self, order: Order) -> None:
        key = (order.symbol, order.order_id)
        self.order_by_id[key] = order
        self.unsaved_orders.add(order.seq)
        if order.is_open:
            self.open_order_ids.setdefault(order.uid, set()).add(key)
            self.unwatched.append(order.seq)
        elif order.uid in self.open_order_ids:
            self.open_order_ids[order.uid].discard(key)

    def put_list(self, changed: OrderList) -> None:
        self.unsaved_lists.add(changed.list_id)
        if changed.list_id <= len(self.lists):
            self.lists[changed.list_id - 1] = changed
            return
        self.lists.append(changed)
        self.lists_of.setdefault(changed.uid, []).append(changed.list_id)
        self.lists_of_client_id.setdefault((changed.uid, changed.client_order_id), []).append(changed.list_id)

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
        orders = (self.order_by_id[key] for key in self.open_order_ids.get(uid, ()))
        return sorted(orders, key=lambda order: order.seq)

    def find_list(self, uid: int, list_id: int) -> OrderList | None:
        found = self.lists[list_id - 1] if 1 <= list_id <= len(self.lists) else None
        return found if found is not None and found.uid == uid else None

    def latest_list_by_client_id(self, uid: int, client_order_id: str) -> OrderList | None:
        list_ids = self.lists_of_client_id.get((uid, client_order_id))
        return self.lists[list_ids[-1] - 1] if list_ids else None

    def legs_of(self, order_list: OrderList) -> list[Order]:
        return [self.order_by_id[order_list.symbol, order_id] for order_id in order_list.order_ids]

    def ledger(self) -> dict[str, Any]:
        """Accounts as plain JSON values; orders, lists and trades are kept as rows of their own."""
        return {
            "accounts": [asdict(account) for account in self.accounts.values()],
            "revoked_keys": sorted(self.revoked_keys),
        }

    def load_ledger(self, ledger: dict[str, Any]) -> None:
        self.accounts = {entry["uid"]: Account(**entry) for entry in ledger["accounts"]}
        self.revoked_keys = set(ledger["revoked_keys"])
