"""What can be asked of the venue, and when: commands are plain values, so that a journal can keep and repeat them."""

from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class At:
    """An instant on both clocks; the wall in µs because the bench measures with it."""

    server_us: int
    market_ms: int


@dataclass(frozen=True)
class OpenAccount:
    uid: int
    api_key: str
    balances: dict[str, int]


@dataclass(frozen=True)
class RevokeKey:
    api_key: str


@dataclass(frozen=True)
class Walk:
    """The market walked and something rested in its way: kept for the wall time at which that was noticed."""


@dataclass(frozen=True)
class PlaceOrder:
    """A MARKET order has exactly one of `quantity` and `quote`; other types have `quantity`. All numbers in 1e-8."""

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
    price: int = 0
    stop_price: int = 0
    time_in_force: str = "GTC"


@dataclass(frozen=True)
class PlaceList:
    """One cancels the other: two legs of one symbol, side and quantity, the one above the price first."""

    uid: int
    symbol: str
    list_client_order_id: str
    legs: tuple[PlaceOrder, PlaceOrder]


@dataclass(frozen=True)
class CancelOrder:
    """Ends one order, and the list it belongs to with it. `restriction` is the only status it may have, or None."""

    uid: int
    symbol: str
    order_id: int
    new_client_order_id: str
    restriction: str | None = None


@dataclass(frozen=True)
class CancelList:
    uid: int
    symbol: str
    list_id: int
    new_client_order_id: str


@dataclass(frozen=True)
class CancelAll:
    """Every open order and list of one symbol."""

    uid: int
    symbol: str
    new_client_order_id: str


Command = OpenAccount | RevokeKey | Walk | PlaceOrder | PlaceList | CancelOrder | CancelList | CancelAll
COMMANDS: dict[str, type[Command]] = {
    kind.__name__: kind
    for kind in (OpenAccount, RevokeKey, Walk, PlaceOrder, PlaceList, CancelOrder, CancelList, CancelAll)
}


def command_from(kind: str, body: dict[str, Any]) -> Command:
    """What `dataclasses.asdict` made of a command, turned back; what older journals lack has its default."""
    if kind == "PlaceList":
        above, below = (PlaceOrder(**leg) for leg in body["legs"])
        return PlaceList(**(body | {"legs": (above, below)}))
    return COMMANDS[kind](**body)
