"""Resting orders against hand-worked minutes: which millisecond touches them, at what price, as maker or taker."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from exchange.sandbox.commands import At, CancelOrder, OpenAccount, PlaceList, PlaceOrder
from exchange.sandbox.errors import Refused
from exchange.sandbox.filters import filters_of
from exchange.sandbox.market import Market
from exchange.sandbox.path import first_touch, price_inside
from exchange.sandbox.state import State
from exchange.sandbox.tape import E8, Tape, load_exchange_info
from exchange.sandbox.venue import advance, apply
from exchange.sandbox.world import World

INFO = load_exchange_info()["symbols"][0]
ALL_TYPES = [*INFO["orderTypes"], "STOP_LOSS", "TAKE_PROFIT"]
FILTERS = {"BTCUSDT": filters_of(INFO | {"orderTypes": ALL_TYPES})}
TICK = 10**6
BTC = 10**5  # 0.001 BTC: one tick of price is 0.00001 of quote

# Open, high, low, close in whole dollars. Low first in the flat start; then a climb, a fall, a gap down, a gap up.
MINUTES = [
    (100_000, 100_000, 100_000, 100_000),
    (100_000, 100_180, 99_910, 100_090),
    (100_090, 100_100, 99_000, 99_100),
    (98_000, 98_180, 97_820, 98_000),
    (98_000, 98_000, 98_000, 98_000),
    (101_000, 101_180, 100_820, 101_000),
    (101_000, 101_000, 101_000, 101_000),
]  # fmt: skip


def world_of(minutes) -> World:
    columns = [np.array(column, dtype=np.int64) * 100 for column in zip(*minutes, strict=True)]
    volume = np.full(len(minutes), E8, dtype=np.int64)
    market = Market({"BTCUSDT": Tape("BTCUSDT", 0, TICK, *columns, volume)}, 0)
    return World(
        filters=FILTERS,
        price_e8=market.price_e8,
        average_e8=market.average_e8,
        is_trading=lambda symbol, at_ms: True,
        first_touch=lambda symbol, after, level, rising: market.first_touch(
            symbol, after, level, rising=rising
        ),
    )


WORLD = world_of(MINUTES)


def at(market_ms: int) -> At:
    return At(server_us=market_ms * 1_000, market_ms=market_ms)


def rich() -> State:
    state = State()
    balances = {"USDT": 10_000 * E8, "BTC": E8}
    apply(state, OpenAccount(uid=1, api_key="key", balances=balances), at(0), WORLD)
    return state


def order(kind: str, side: str = "SELL", *, price: int = 0, stop: int = 0, **given) -> PlaceOrder:
    blank = {
        "uid": 1, "symbol": "BTCUSDT", "quantity": BTC, "quote": None, "client_order_id": "a",
        "prevention_mode": "NONE",
    }  # fmt: skip
    return PlaceOrder(
        **{**blank, "type": kind, "side": side, "price": price * E8, "stop_price": stop * E8, **given}
    )


def fills(state: State) -> list[tuple[int, int, bool]]:
    """(market ms, dollars, whether as maker) of every trade."""
    return [(trade.market_ms, trade.price / E8, trade.is_maker) for trade in state.trades]


# Minute 1 opens at 60,000: 100000 until 65,000; 99910 at 83,000; 100180 at 101,000; 100090 at 119,000.
# Minute 2 opens at 120,000: 100100 at 143,000; 99000 at 161,000; 99100 at 179,000. Minute 3 opens at 180,000 with
# 98000: 97820 at 203,000 (a tie goes low first); 98180 at 221,000. Minute 5 opens at 300,000 with 101000.
@pytest.mark.parametrize(
    ("placed", "expected"),
    [
        (order("LIMIT_MAKER", price=100_045), (92_000, 100_045, True)),
        (order("LIMIT", price=100_180), (101_000, 100_180, True)),
        (order("LIMIT_MAKER", price=100_500), (300_000, 100_500, True)),  # the opening jumped over it: its own price
        (order("LIMIT", "BUY", price=99_955), (74_000, 99_955, True)),
        (order("LIMIT", "BUY", price=98_500), (180_000, 98_500, True)),
        (order("STOP_LOSS", stop=99_955), (74_000, 99_955, False)),
        (order("STOP_LOSS", stop=98_500), (180_000, 98_000, False)),  # an opening passed it: the opening
        (order("STOP_LOSS", stop=98_000), (180_000, 98_000, False)),
        (order("STOP_LOSS", "BUY", stop=100_045), (92_000, 100_045, False)),
        (order("STOP_LOSS", "BUY", stop=100_500), (300_000, 101_000, False)),
        (order("TAKE_PROFIT", stop=100_090), (95_000, 100_090, False)),
        (order("TAKE_PROFIT", stop=100_500), (300_000, 101_000, False)),
        (order("TAKE_PROFIT", "BUY", stop=99_955), (74_000, 99_955, False)),
        (order("STOP_LOSS_LIMIT", stop=99_955, price=99_000), (74_000, 99_955, False)),
        (order("STOP_LOSS_LIMIT", stop=99_955, price=99_955), (74_000, 99_955, False)),
        (order("STOP_LOSS_LIMIT", stop=98_500, price=98_100), (217_000, 98_100, True)),  # gapped: rests
        (order("STOP_LOSS_LIMIT", stop=98_500, price=98_200), (300_000, 98_200, True)),
        (order("STOP_LOSS_LIMIT", stop=99_955, price=100_000), (89_000, 100_000, True)),
        (order("STOP_LOSS_LIMIT", "BUY", stop=100_045, price=100_500), (92_000, 100_045, False)),
        (order("TAKE_PROFIT_LIMIT", stop=100_090, price=100_000), (95_000, 100_090, False)),
        (order("TAKE_PROFIT_LIMIT", stop=100_090, price=100_135), (98_000, 100_135, True)),
        (order("TAKE_PROFIT_LIMIT", "BUY", stop=99_955, price=100_000), (74_000, 99_955, False)),
    ],
)  # fmt: skip
def test_a_resting_order_meets_the_market(placed, expected):
    state, _ = apply(rich(), placed, at(30_000), WORLD)
    advance(state, WORLD, expected[0] - 1, server_us=0)
    assert fills(state) == []
    advance(state, WORLD, expected[0], server_us=7)
    assert fills(state) == [expected]
    assert (state.orders[0].status, state.trades[0].accepted_us) == ("FILLED", 7)
    assert all(locked == 0 for _, locked in state.accounts[1].balances.values())


@pytest.mark.parametrize(
    ("placed", "text"),
    [
        (order("LIMIT_MAKER", price=100_000), "Order would immediately match and take."),
        (order("LIMIT_MAKER", "BUY", price=100_000), "Order would immediately match and take."),
        (order("STOP_LOSS", stop=100_000), "Order would trigger immediately."),
        (order("STOP_LOSS_LIMIT", stop=100_001, price=99_000), "Order would trigger immediately."),
        (order("STOP_LOSS", "BUY", stop=100_000), "Order would trigger immediately."),
        (order("TAKE_PROFIT", stop=100_000), "Order would trigger immediately."),
        (order("TAKE_PROFIT_LIMIT", "BUY", stop=100_000, price=99_000), "Order would trigger immediately."),
    ],
)
def test_what_the_market_has_reached_is_refused(placed, text):
    with pytest.raises(Refused) as refused:
        apply(rich(), placed, at(30_000), WORLD)
    assert (refused.value.code, refused.value.message) == (-2010, text)


def test_a_limit_the_market_is_beyond_takes_the_market_price():
    state, _ = apply(rich(), order("LIMIT", price=99_000), at(30_000), WORLD)
    assert fills(state) == [(30_000, 100_000, False)]
    assert (state.orders[0].price, state.orders[0].status) == (99_000 * E8, "FILLED")


@pytest.mark.parametrize("time_in_force", ["IOC", "FOK"])
def test_what_must_match_at_once_and_does_not_expires(time_in_force):
    state, _ = apply(rich(), order("LIMIT", price=100_500, time_in_force=time_in_force), at(30_000), WORLD)
    assert (state.orders[0].status, state.accounts[1].balances["BTC"]) == ("EXPIRED", [E8, 0])


def pair(side: str = "SELL", **given) -> PlaceList:
    if side == "SELL":
        legs = (
            order("LIMIT_MAKER", price=100_180, client_order_id="above", **given),
            order("STOP_LOSS_LIMIT", stop=98_500, price=98_100, client_order_id="below", **given),
        )
    else:
        legs = (
            order("STOP_LOSS_LIMIT", side, stop=100_500, price=100_600, client_order_id="above", **given),
            order("LIMIT_MAKER", side, price=99_955, client_order_id="below", **given),
        )
    return PlaceList(uid=1, symbol="BTCUSDT", list_client_order_id="list", legs=legs)


def test_the_target_of_a_list_fills_and_the_stop_expires():
    state, _ = apply(rich(), pair(), at(30_000), WORLD)
    assert state.accounts[1].balances["BTC"] == [E8 - BTC, BTC]
    advance(state, WORLD, 101_000, server_us=0)
    stop, target = state.orders
    assert [(leg.status, leg.expiry_reason) for leg in (stop, target)] == [
        ("EXPIRED", "OCO_TRIGGER"), ("FILLED", None),
    ]  # fmt: skip
    assert (state.lists[0].order_status, state.lists[0].ended_ms) == ("ALL_DONE", 101_000)
    assert state.accounts[1].balances["BTC"] == [E8 - BTC, 0]


def test_the_stop_of_a_list_triggers_and_the_target_expires_though_the_stop_still_rests():
    state, _ = apply(rich(), pair(), at(102_000), WORLD)
    advance(state, WORLD, 180_000, server_us=0)
    stop, target = state.orders
    assert (stop.status, stop.is_working, stop.working_ms, target.status) == ("NEW", True, 180_000, "EXPIRED")
    assert (state.lists[0].order_status, state.accounts[1].balances["BTC"]) == ("EXECUTING", [E8 - BTC, BTC])
    advance(state, WORLD, 217_000, server_us=0)
    assert fills(state) == [(217_000, 98_100, True)]
    assert (state.lists[0].order_status, state.accounts[1].balances["BTC"]) == ("ALL_DONE", [E8 - BTC, 0])


def test_a_buying_list_locks_the_dearer_leg_once():
    state, _ = apply(rich(), pair("BUY"), at(30_000), WORLD)
    assert state.accounts[1].balances["USDT"][1] == 100_600 * E8 // 1_000
    advance(state, WORLD, 74_000, server_us=0)
    assert fills(state) == [(74_000, 99_955, True)]
    assert state.accounts[1].balances["USDT"] == [10_000 * E8 - 99_955 * E8 // 1_000, 0]


def test_cancelling_one_leg_ends_the_list():
    state, _ = apply(rich(), pair(), at(30_000), WORLD)
    cancel = CancelOrder(uid=1, symbol="BTCUSDT", order_id=2, new_client_order_id="gone")
    apply(state, cancel, at(40_000), WORLD)
    assert [leg.status for leg in state.orders] == ["CANCELED", "CANCELED"]
    assert {leg.cancel_client_order_id for leg in state.orders} == {"gone"}
    assert (state.lists[0].order_status, state.accounts[1].balances["BTC"]) == ("ALL_DONE", [E8, 0])
    advance(state, WORLD, 400_000, server_us=0)
    assert fills(state) == []
    with pytest.raises(Refused, match="Unknown order sent"):
        apply(state, cancel, at(400_000), WORLD)


@pytest.mark.parametrize("prices", [(99_000, 98_500), (100_180, 100_000), (100_180, 100_090)])
def test_the_market_must_lie_between_the_legs(prices):
    above, below = prices
    legs = (
        order("LIMIT_MAKER", price=above, client_order_id="x"),
        order("STOP_LOSS_LIMIT", stop=below, price=below, client_order_id="y"),
    )
    with pytest.raises(Refused) as refused:
        apply(
            rich(), PlaceList(uid=1, symbol="BTCUSDT", list_client_order_id="l", legs=legs), at(30_000), WORLD
        )
    assert refused.value.message == "The relationship of the prices for the orders is not correct."


def test_a_stop_bought_through_a_gap_needs_money_for_the_opening():
    poor = State()
    apply(poor, OpenAccount(uid=1, api_key="key", balances={"USDT": 100_600 * E8 // 1_000}), at(0), WORLD)
    apply(poor, order("STOP_LOSS", "BUY", stop=100_500), at(30_000), WORLD)
    advance(poor, WORLD, 400_000, server_us=0)
    assert (poor.orders[0].status, poor.accounts[1].balances["USDT"]) == (
        "EXPIRED",
        [100_600 * E8 // 1_000, 0],
    )


@st.composite
def walks(draw):
    """A few minutes around 100,000 dollars, with gaps between them."""
    price = st.integers(99_900, 100_100)
    minutes = []
    for _ in range(draw(st.integers(2, 6))):
        open_, close = draw(price), draw(price)
        minutes.append((open_, max(open_, close, draw(price)), min(open_, close, draw(price)), close))
    return minutes


@given(walks(), st.integers(99_890, 100_110), st.booleans(), st.integers(0, 360_000))
@settings(max_examples=150)
def test_a_touch_is_the_first_millisecond_the_path_is_there(minutes, level, rising, after):
    def is_there(ms: int) -> bool:
        price = price_inside(minutes[ms // 60_000], ms % 60_000)
        return price >= level if rising else price <= level

    market = Market(
        {"X": Tape("X", 0, E8, *(np.array(c) for c in zip(*minutes, strict=True)), np.zeros(len(minutes)))}, 0
    )  # fmt: skip
    end = len(minutes) * 60_000
    found = market.first_touch("X", after, level * E8, rising=rising)
    if found is None:
        assert not any(is_there(ms) for ms in range(after + 1, end, 97))
        assert not any(is_there(ms) for ms in range(60_000 * (after // 60_000 + 1), end, 1_000))
    else:
        assert after < found < end
        assert is_there(found)
        assert found == after + 1 or not is_there(found - 1)
        assert not any(is_there(ms) for ms in range(after + 1, found, 97))


kinds = st.sampled_from(
    ["LIMIT", "LIMIT_MAKER", "STOP_LOSS", "STOP_LOSS_LIMIT", "TAKE_PROFIT", "TAKE_PROFIT_LIMIT", "MARKET"]
)
levels = st.integers(99_890, 100_110)
placements = st.builds(
    lambda kind, side, price, stop, name: order(
        kind, side, client_order_id=name,
        price=0 if kind in ("STOP_LOSS", "TAKE_PROFIT", "MARKET") else price,
        stop=stop if kind.startswith(("STOP", "TAKE")) else 0,
    ),
    kinds, st.sampled_from(["BUY", "SELL"]), levels, levels, st.sampled_from("abc"),
)  # fmt: skip
lists = st.builds(
    lambda above, below, limit: PlaceList(
        uid=1, symbol="BTCUSDT", list_client_order_id="l",
        legs=(order("LIMIT_MAKER", price=above, client_order_id="d"),
              order("STOP_LOSS_LIMIT", stop=below, price=limit, client_order_id="e")),
    ),
    levels, levels, levels,
)  # fmt: skip
cancels = st.builds(
    lambda order_id: CancelOrder(uid=1, symbol="BTCUSDT", order_id=order_id, new_client_order_id="c"),
    st.integers(1, 6),
)
scripts = st.lists(st.tuples(st.one_of(placements, lists, cancels), st.integers(0, 60_000)), max_size=12)


def run(world: World, script, looks: list[int]) -> State:
    """The script at its instants, with extra looks in between; everything noticed at the same wall time."""
    state = State()
    opening = {"USDT": 1_000 * E8, "BTC": 10 * BTC}
    apply(state, OpenAccount(uid=1, api_key="key", balances=opening), at(0), world)
    now = 0
    for command, gap in script:
        for look in sorted(look for look in looks if now < look < now + gap):
            advance(state, world, look, server_us=0)
        now += gap
        try:
            apply(state, command, At(server_us=0, market_ms=now), world)
        except Refused:
            continue
    for look in sorted(look for look in looks if look > now):
        advance(state, world, look, server_us=0)
    advance(state, world, 500_000, server_us=0)
    return state


@given(walks(), scripts, st.lists(st.integers(0, 500_000), max_size=30))
@settings(max_examples=120)
def test_how_often_anybody_looks_changes_nothing(minutes, script, looks):
    world = world_of(minutes)
    assert run(world, script, looks) == run(world, script, [])


@given(walks(), scripts)
@settings(max_examples=120)
def test_nothing_is_made_or_lost_and_locks_belong_to_open_orders(minutes, script):
    state = run(world_of(minutes), script, [])
    held = state.accounts[1].balances
    expected = {"USDT": 1_000 * E8, "BTC": 10 * BTC}
    for trade in state.trades:
        sign = 1 if trade.side == "BUY" else -1
        expected["BTC"] += sign * trade.quantity
        expected["USDT"] -= sign * trade.quote
        expected[trade.commission_asset] -= trade.commission
    assert {asset: sum(amounts) for asset, amounts in held.items()} == expected
    assert all(free >= 0 and locked >= 0 for free, locked in held.values())
    standing = state.open_orders_of(1)
    if not standing:
        assert all(locked == 0 for _, locked in held.values())
    assert held["BTC"][1] == sum(
        leg.original_quantity for leg in standing if leg.side == "SELL" and _counts(state, leg)
    )


def _counts(state: State, leg) -> bool:
    """Of a list only one open leg stands for the lock both share."""
    return leg.list_id < 0 or leg == next(
        entry for entry in state.legs_of(state.lists[leg.list_id - 1]) if entry.is_open
    )


def test_touches_of_cancelled_orders_do_not_pile_up():
    state = rich()
    for number in range(1, 3_001):
        apply(state, order("LIMIT_MAKER", price=100_500), at(30_000), WORLD)
        cancel = CancelOrder(uid=1, symbol="BTCUSDT", order_id=number, new_client_order_id="c")
        apply(state, cancel, at(30_000), WORLD)
    assert len(state.touches) <= 1_001


def test_first_touch_of_a_minute_matches_its_walk():
    minute = (1_000, 1_018, 982, 1_000)
    assert first_touch(minute, 991, rising=False, after_ms=-1) == 14_000
    assert first_touch(minute, 1_009, rising=True, after_ms=-1) == 36_500
    assert first_touch(minute, 1_000, rising=True, after_ms=-1) == 0
    assert first_touch(minute, 1_019, rising=True, after_ms=-1) is None
