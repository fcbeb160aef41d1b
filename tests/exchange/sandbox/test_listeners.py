"""Who listens to a desk hears everything that happens, once, in order, whoever caused it."""

from exchange.sandbox.commands import OpenAccount, PlaceList, PlaceOrder
from exchange.sandbox.state import BalanceChanged, Order, OrderChanged, OrderList, Trade
from exchange.sandbox.tape import E8


def leg(kind: str, client_order_id: str, **prices: int) -> PlaceOrder:
    return PlaceOrder(
        uid=1, symbol="BTCUSDT", side="SELL", type=kind, quantity=10**5, quote=None,
        client_order_id=client_order_id, prevention_mode="NONE", **{name: at * E8 for name, at in prices.items()},
    )  # fmt: skip


def told(events) -> list[str]:
    names = {Order: "order", OrderList: "list", Trade: "trade", BalanceChanged: "balance"}
    return [
        event.execution if isinstance(event, OrderChanged) else names.get(type(event), "account")
        for event in events
    ]


def test_commands_and_the_market_are_heard_alike(open_desk, noon_ms):
    desk = open_desk(mode="step", start_ms=noon_ms)
    heard: list[tuple[list[str], int]] = []
    desk.listeners.append(lambda events, at: heard.append((told(events), at.market_ms)))
    desk.execute(OpenAccount(uid=1, api_key="key", balances={"BTC": E8}), desk.now())
    legs = (
        leg("LIMIT_MAKER", "target", price=106_000),
        leg("STOP_LOSS_LIMIT", "stop", price=100_000, stop_price=104_000),
    )
    desk.place_list(PlaceList(uid=1, symbol="BTCUSDT", list_client_order_id="l", legs=legs), desk.now())
    filled_ms = desk.market.first_touch("BTCUSDT", noon_ms, 106_000 * E8, rising=True)
    while desk.now().market_ms < filled_ms:
        desk.set_clock(advance_candles=1)
        desk.tick()
    assert heard == [
        (["account"], noon_ms),
        (["list", "order", "order", "balance"], noon_ms),
        (["TRADE", "trade", "EXPIRED", "list", "balance", "balance"], -(-filled_ms // 60_000) * 60_000),
    ]


def test_a_refused_command_is_not_heard(open_desk, noon_ms):
    desk = open_desk(mode="step", start_ms=noon_ms)
    heard: list = []
    desk.listeners.append(lambda events, at: heard.append(events))
    desk.now()
    desk.tick()
    assert heard == []
