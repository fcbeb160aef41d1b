"""The exchange's core: a command at an instant becomes events, events become state. No clock, no I/O, integers only.

`apply(state, command, at, world)` depends on its arguments alone, so replaying a journal gives the same state.
Prices come from the tape through `world`; liquidity is unlimited at the path price; bots never match each other.
"""

from collections.abc import Sequence

from exchange.sandbox.cancelling import cancel_all, cancel_list, cancel_order
from exchange.sandbox.commands import (
    At,
    CancelAll,
    CancelList,
    CancelOrder,
    Command,
    OpenAccount,
    PlaceList,
    PlaceOrder,
    RevokeKey,
    Walk,
)
from exchange.sandbox.placing import place_list, place_order
from exchange.sandbox.state import (
    Account,
    BalanceChanged,
    Order,
    OrderChanged,
    OrderList,
    State,
    Trade,
)
from exchange.sandbox.tape import E8
from exchange.sandbox.waiting import next_touch, touched
from exchange.sandbox.world import World

OPENING_BALANCES = {"USDT": 10_000 * E8}

Event = Account | RevokeKey | Order | OrderChanged | OrderList | Trade | BalanceChanged


def apply(state: State, command: Command, at: At, world: World) -> tuple[State, list[Event]]:
    """Uses `state` up: it evolves in place and comes back. Raises errors.Refused when nothing but time has moved."""
    events = advance(state, world, at.market_ms, server_us=at.server_us)
    decided = decide(state, command, at, world)
    evolve(state, decided)
    return state, events + decided


def is_due(state: State, world: World, to_ms: int) -> bool:
    """Whether something rests in the way to `to_ms`."""
    touch = next_touch(state, world)
    return touch is not None and touch[0] <= to_ms


def advance(state: State, world: World, to_ms: int, *, server_us: int) -> list[Event]:
    """Lets market time pass to `to_ms` and returns what happened on the way, in order; it never moves back.

    `server_us` is when that was noticed, the wall time the fills carry.
    """
    events: list[Event] = []
    while (touch := next_touch(state, world)) is not None and touch[0] <= to_ms:
        touch_ms, order = touch
        found = touched(state, order, world, At(server_us=server_us, market_ms=touch_ms))
        evolve(state, found)
        events += found
    state.market_ms = max(state.market_ms, to_ms)
    return events


def decide(state: State, command: Command, at: At, world: World) -> list[Event]:
    """What the command would do. Reads only; raises errors.Refused."""
    match command:
        case OpenAccount():
            return _opened(state, command, at)
        case RevokeKey():
            return [command]
        case Walk():
            return []
        case PlaceOrder():
            return [*place_order(state, command, at, world)]
        case PlaceList():
            return [*place_list(state, command, at, world)]
        case CancelOrder():
            return [*cancel_order(state, command, at, world)]
        case CancelList():
            return [*cancel_list(state, command, at, world)]
        case CancelAll():
            return [*cancel_all(state, command, at, world)]


def _opened(state: State, command: OpenAccount, at: At) -> list[Event]:
    if command.uid in state.accounts:
        return []
    return [
        Account(
            uid=command.uid,
            api_key=command.api_key,
            opened_server_ms=at.server_us // 1000,
            opened_market_ms=at.market_ms,
            updated_market_ms=at.market_ms,
            balances={asset: [free, 0] for asset, free in command.balances.items()},
        )
    ]


def evolve(state: State, events: Sequence[Event]) -> None:
    """The only writer of a state."""
    for event in events:
        match event:
            case Account():
                state.accounts[event.uid] = event
            case RevokeKey():
                state.revoked_keys.add(event.api_key)
            case Order():
                state.add_order(event)
            case OrderChanged():
                state.change_order(event.order)
            case OrderList():
                state.put_list(event)
            case Trade():
                state.add_trade(event)
            case BalanceChanged():
                _change_balance(state, event)


def _change_balance(state: State, event: BalanceChanged) -> None:
    account = state.accounts[event.uid]
    balance = account.balances.setdefault(event.asset, [0, 0])
    balance[0] += event.free
    balance[1] += event.locked
    account.updated_market_ms = event.market_ms
