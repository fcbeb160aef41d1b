"""The exchange's core: a command at an instant becomes events, events become state. No clock, no I/O, integers only.

`apply(state, command, at, world)` depends on its arguments alone, so replaying a journal gives the same state.
Prices come from the tape through `world`; liquidity is unlimited at the path price; bots never match each other.
"""

from collections.abc import Callable
from dataclasses import dataclass

from exchange.sandbox import errors
from exchange.sandbox.filters import SymbolFilters, check_market_order, quantity_for_quote
from exchange.sandbox.state import Account, Order, State, Trade
from exchange.sandbox.tape import E8

TAKER_FEE_E6 = 1_000
MAKER_FEE_E6 = 1_000
OPENING_BALANCES = {"USDT": 10_000 * E8}
ACCEPTED_TYPES = ("MARKET",)


@dataclass(frozen=True)
class At:
    """An instant on both clocks; the wall in µs because the bench measures with it."""

    server_us: int
    market_ms: int


@dataclass(frozen=True)
class World:
    """What the venue looks up and never changes: filters by symbol, the price and the openness of a market."""

    filters: dict[str, SymbolFilters]
    price_e8: Callable[[str, int], int]
    is_trading: Callable[[str, int], bool]


@dataclass(frozen=True)
class OpenAccount:
    uid: int
    api_key: str
    balances: dict[str, int]


@dataclass(frozen=True)
class RevokeKey:
    api_key: str


@dataclass(frozen=True)
class PlaceOrder:
    """Exactly one of `quantity` and `quote` (1e-8) is set."""

    uid: int
    symbol: str
    side: str
    type: str
    quantity: int | None
    quote: int | None
    client_order_id: str
    prevention_mode: str
    strategy_id: int | None = None
    strategy_type: int | None = None


Command = OpenAccount | RevokeKey | PlaceOrder
COMMANDS = {kind.__name__: kind for kind in (OpenAccount, RevokeKey, PlaceOrder)}


@dataclass(frozen=True)
class BalanceChanged:
    uid: int
    asset: str
    free: int
    locked: int
    market_ms: int


Event = Account | RevokeKey | Order | Trade | BalanceChanged


def apply(state: State, command: Command, at: At, world: World) -> tuple[State, list[Event]]:
    """Uses `state` up: it evolves in place and comes back. Raises errors.Refused before anything has changed."""
    advance(state, world, at.market_ms)
    events = decide(state, command, at, world)
    evolve(state, events)
    return state, events


def advance(state: State, world: World, to_ms: int) -> list[Event]:
    """Lets market time pass to `to_ms` and returns the fills of resting orders on the way, in order.

    No kind that rests is accepted yet, so only time moves; it never moves back.
    """
    state.market_ms = max(state.market_ms, to_ms)
    return []


def decide(state: State, command: Command, at: At, world: World) -> list[Event]:
    """What the command would do. Reads only; raises errors.Refused."""
    match command:
        case OpenAccount():
            if command.uid in state.accounts:
                return []
            balances = {asset: [free, 0] for asset, free in command.balances.items()}
            return [
                Account(
                    uid=command.uid,
                    api_key=command.api_key,
                    opened_server_ms=at.server_us // 1000,
                    opened_market_ms=at.market_ms,
                    updated_market_ms=at.market_ms,
                    balances=balances,
                )
            ]
        case RevokeKey():
            return [command]
        case PlaceOrder():
            return _fill_at_market(state, command, at, world)


def _fill_at_market(state: State, command: PlaceOrder, at: At, world: World) -> list[Event]:
    filters = world.filters[command.symbol]
    if command.type not in ACCEPTED_TYPES:
        raise errors.invalid_order_type()
    if not world.is_trading(command.symbol, at.market_ms):
        raise errors.market_closed()
    price = world.price_e8(command.symbol, at.market_ms)
    quantity = command.quantity
    if quantity is None:
        quantity = quantity_for_quote(command.quote or 0, price, filters)
    quote = quantity * price // E8
    check_market_order(
        filters, quantity_e8=quantity, notional_e8=quote if command.quote is None else command.quote
    )
    _check_funds(state, command, filters, quantity=quantity, quote=quote)
    _check_client_id(state, command)
    order, trade = _order_and_trade(
        state, command, at, price=price, quantity=quantity, quote=quote, filters=filters
    )
    return [order, trade, *_balance_changes(trade, filters)]


def _check_funds(
    state: State, command: PlaceOrder, filters: SymbolFilters, *, quantity: int, quote: int
) -> None:
    asset, needed = (filters.quote, quote) if command.side == "BUY" else (filters.base, quantity)
    free = state.accounts[command.uid].balances.get(asset, [0, 0])[0]
    if free < needed:
        raise errors.insufficient_balance()


def _check_client_id(state: State, command: PlaceOrder) -> None:
    """Unique among OPEN orders only: a closed order's id may be used again, as on Binance."""
    order_ids = state.orders_of_client_id.get((command.uid, command.symbol, command.client_order_id), [])
    if any((command.symbol, order_id) in state.open_order_ids for order_id in order_ids):
        raise errors.duplicate_order()


def _order_and_trade(
    state: State,
    command: PlaceOrder,
    at: At,
    *,
    price: int,
    quantity: int,
    quote: int,
    filters: SymbolFilters,
) -> tuple[Order, Trade]:
    buys = command.side == "BUY"
    order = Order(
        seq=len(state.orders) + 1,
        order_id=state.next_order_id.get(command.symbol, 1),
        uid=command.uid,
        symbol=command.symbol,
        client_order_id=command.client_order_id,
        side=command.side,
        type=command.type,
        status="FILLED",
        original_quantity=quantity,
        original_quote=command.quote or 0,
        executed_quantity=quantity,
        executed_quote=quote,
        prevention_mode=command.prevention_mode,
        market_ms=at.market_ms,
        accepted_us=at.server_us,
        strategy_id=command.strategy_id,
        strategy_type=command.strategy_type,
    )
    trade = Trade(
        seq=len(state.trades) + 1,
        trade_id=state.next_trade_id.get(command.symbol, 1),
        order_id=order.order_id,
        uid=command.uid,
        symbol=command.symbol,
        client_order_id=command.client_order_id,
        side=command.side,
        price=price,
        quantity=quantity,
        quote=quote,
        market_ms=at.market_ms,
        accepted_us=at.server_us,
        commission=(quantity if buys else quote) * TAKER_FEE_E6 // 10**6,
        commission_asset=filters.base if buys else filters.quote,
    )
    return order, trade


def _balance_changes(trade: Trade, filters: SymbolFilters) -> list[BalanceChanged]:
    """Both assets of a fill; the commission comes out of what is received."""
    base, quote = trade.quantity, -trade.quote
    if trade.side == "SELL":
        base, quote = -base, -quote
    if trade.commission_asset == filters.base:
        base -= trade.commission
    else:
        quote -= trade.commission
    return [
        BalanceChanged(uid=trade.uid, asset=asset, free=change, locked=0, market_ms=trade.market_ms)
        for asset, change in ((filters.base, base), (filters.quote, quote))
    ]


def evolve(state: State, events: list[Event]) -> None:
    """The only writer of a state."""
    for event in events:
        match event:
            case Account():
                state.accounts[event.uid] = event
            case RevokeKey():
                state.revoked_keys.add(event.api_key)
            case Order():
                state.add_order(event)
            case Trade():
                state.add_trade(event)
            case BalanceChanged():
                account = state.accounts[event.uid]
                balance = account.balances.setdefault(event.asset, [0, 0])
                balance[0] += event.free
                balance[1] += event.locked
                account.updated_market_ms = event.market_ms
