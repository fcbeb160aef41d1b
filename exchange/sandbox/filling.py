"""What a fill and an end do to an order, its list and the balances: events, nothing is changed here.

Money a resting order may spend is locked from its placement on; the two legs of a list share one lock.
"""

from dataclasses import replace

from exchange.sandbox.commands import At
from exchange.sandbox.filters import SymbolFilters
from exchange.sandbox.state import BalanceChanged, Order, OrderChanged, OrderList, State, Trade
from exchange.sandbox.tape import E8

TAKER_FEE_E6 = 1_000
MAKER_FEE_E6 = 1_000
OCO_TRIGGER = "OCO_TRIGGER"

Ending = list[OrderChanged | OrderList | Trade | BalanceChanged]


def spent_asset(order: Order, filters: SymbolFilters) -> str:
    return filters.quote if order.side == "BUY" else filters.base


def lock_of(order: Order) -> int:
    """What the order may spend: its quantity, or for a buy that quantity at its limit (without one: at its stop)."""
    if order.side == "SELL":
        return order.original_quantity
    return order.original_quantity * (order.price or order.stop_price) // E8


def list_of(state: State, order: Order) -> OrderList | None:
    return None if order.list_id < 0 else state.lists[order.list_id - 1]


def locked_for(state: State, order: Order) -> int:
    """The lock an open order stands on; in a list, the larger of both legs'."""
    order_list = list_of(state, order)
    legs = [order] if order_list is None else state.legs_of(order_list)
    return max(lock_of(leg) for leg in legs)


def locking(order: Order, amount: int, filters: SymbolFilters) -> BalanceChanged:
    """Out of what is free, into what is locked; a negative amount is the way back."""
    return BalanceChanged(
        uid=order.uid,
        asset=spent_asset(order, filters),
        free=-amount,
        locked=amount,
        market_ms=order.updated_ms or order.market_ms,
    )


def traded(
    state: State, order: Order, filters: SymbolFilters, *, price: int, at: At, is_maker: bool
) -> tuple[Order, Trade]:
    """The order filled whole at `price`, and its trade."""
    quantity = order.original_quantity
    quote = quantity * price // E8
    rate = MAKER_FEE_E6 if is_maker else TAKER_FEE_E6
    buys = order.side == "BUY"
    filled = replace(
        order,
        status="FILLED",
        executed_quantity=quantity,
        executed_quote=quote,
        updated_ms=at.market_ms,
        ended_ms=at.market_ms,
        ended_us=at.server_us,
    )
    trade = Trade(
        seq=len(state.trades) + 1,
        trade_id=state.next_trade_id.get(order.symbol, 1),
        order_id=order.order_id,
        uid=order.uid,
        symbol=order.symbol,
        client_order_id=order.client_order_id,
        side=order.side,
        price=price,
        quantity=quantity,
        quote=quote,
        market_ms=at.market_ms,
        accepted_us=at.server_us,
        commission=(quantity if buys else quote) * rate // 10**6,
        commission_asset=filters.base if buys else filters.quote,
        is_maker=is_maker,
        list_id=order.list_id,
    )
    return filled, trade


def settlement(trade: Trade, filters: SymbolFilters, *, locked: int) -> list[BalanceChanged]:
    """Both assets of a fill; it spends what was `locked` for it first, the commission comes out of what is received."""
    base = BalanceChanged(
        uid=trade.uid, asset=filters.base, free=trade.quantity, locked=0, market_ms=trade.market_ms
    )
    quote = replace(base, asset=filters.quote, free=trade.quote)
    spent, received = (quote, base) if trade.side == "BUY" else (base, quote)
    paid = replace(spent, free=locked - spent.free, locked=-locked)
    earned = replace(received, free=received.free - trade.commission)
    return [earned, paid] if trade.side == "BUY" else [paid, earned]


def fill_resting(
    state: State, order: Order, filters: SymbolFilters, *, price: int, at: At, is_maker: bool
) -> Ending:
    """An open order filled whole: it, its trade, the other leg's end, the list's end, the balances."""
    filled, trade = traded(state, order, filters, price=price, at=at, is_maker=is_maker)
    return [
        OrderChanged(filled, "TRADE"),
        trade,
        *expired_siblings(state, order, at),
        *finished_list(state, order, at),
        *settlement(trade, filters, locked=locked_for(state, order)),
    ]


def ended(order: Order, status: str, at: At) -> Order:
    return replace(
        order, status=status, updated_ms=at.market_ms, ended_ms=at.market_ms, ended_us=at.server_us
    )


def expired_siblings(state: State, order: Order, at: At) -> list[OrderChanged]:
    """The other leg of an order that was triggered or filled, where it is still open."""
    order_list = list_of(state, order)
    legs = [] if order_list is None else state.legs_of(order_list)
    return [
        OrderChanged(replace(ended(leg, "EXPIRED", at), expiry_reason=OCO_TRIGGER), "EXPIRED")
        for leg in legs
        if leg.is_open and leg.seq != order.seq
    ]


def finished_list(
    state: State, order: Order, at: At, *, cancel_client_order_id: str | None = None
) -> list[OrderList]:
    """The list of an order whose end ends the list."""
    order_list = list_of(state, order)
    if order_list is None:
        return []
    return [
        replace(
            order_list,
            status_type="ALL_DONE",
            order_status="ALL_DONE",
            updated_ms=at.market_ms,
            ended_ms=at.market_ms,
            ended_us=at.server_us,
            cancel_client_order_id=cancel_client_order_id,
        )
    ]
