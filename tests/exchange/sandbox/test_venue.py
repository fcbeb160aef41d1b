"""The core on integers: what a market order does, and that nothing appears or disappears."""

from collections import defaultdict
from copy import deepcopy

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from exchange.sandbox.commands import At, OpenAccount, PlaceOrder
from exchange.sandbox.errors import Refused
from exchange.sandbox.filters import filters_of
from exchange.sandbox.state import State
from exchange.sandbox.tape import E8, load_exchange_info
from exchange.sandbox.venue import OPENING_BALANCES, apply
from exchange.sandbox.world import World

FILTERS = {entry["symbol"]: filters_of(entry) for entry in load_exchange_info()["symbols"]}
PRICES = {"BTCUSDT": 106_831_95 * 10**6, "ETHUSDT": 2_442_93 * 10**6}


def price_at(symbol: str, market_ms: int) -> int:
    """A price of whole ticks that moves with time."""
    return PRICES[symbol] + market_ms % 1_000 * 10**6


WORLD = World(
    filters=FILTERS,
    price_e8=price_at,
    average_e8=price_at,
    is_trading=lambda symbol, at_ms: at_ms < 10**12,
    first_touch=lambda symbol, after_ms, level, rising: None,
)


def at(market_ms: int) -> At:
    return At(server_us=market_ms * 1_000, market_ms=market_ms)


def opened(*uids: int) -> State:
    state = State()
    for uid in uids:
        apply(state, OpenAccount(uid=uid, api_key=f"key{uid}", balances=dict(OPENING_BALANCES)), at(0), WORLD)
    return state


def order(side: str = "BUY", **given) -> PlaceOrder:
    blank = {"uid": 1, "symbol": "BTCUSDT", "type": "MARKET", "quantity": None, "quote": None}
    return PlaceOrder(**{**blank, "client_order_id": "a", "prevention_mode": "NONE", "side": side, **given})


def refusal_of(state: State, command: PlaceOrder, market_ms: int = 0) -> tuple[int, str]:
    before = deepcopy(state)
    with pytest.raises(Refused) as refused:
        apply(state, command, at(market_ms), WORLD)
    before.market_ms = state.market_ms
    assert state == before
    return refused.value.code, refused.value.message


def test_a_buy_for_quote_money_buys_whole_steps_and_pays_its_fee_in_base():
    state, _ = apply(opened(1), order(quote=100 * E8), at(0), WORLD)
    placed, trade = state.orders[-1], state.trades[-1]
    assert (placed.status, placed.executed_quantity, placed.executed_quote) == (
        "FILLED",
        93_000,
        9_935_371_350,
    )
    assert (placed.original_quantity, placed.original_quote) == (93_000, 100 * E8)
    assert (trade.price, trade.quantity, trade.commission, trade.commission_asset) == (
        PRICES["BTCUSDT"], 93_000, 93, "BTC",
    )  # fmt: skip
    assert state.accounts[1].balances == {"USDT": [10_000 * E8 - 9_935_371_350, 0], "BTC": [93_000 - 93, 0]}


def test_a_sale_pays_its_fee_in_quote_cut_to_eight_places():
    state, _ = apply(opened(1), order(quote=100 * E8), at(0), WORLD)
    apply(state, order("SELL", quantity=50_000), at(0), WORLD)
    trade = state.trades[-1]
    assert (trade.quote, trade.commission, trade.commission_asset) == (5_341_597_500, 5_341_597, "USDT")


def test_ids_count_per_symbol_and_rows_over_all():
    state = opened(1)
    for symbol in ("BTCUSDT", "ETHUSDT", "BTCUSDT"):
        apply(state, order(symbol=symbol, quote=20 * E8), at(0), WORLD)
    assert [(placed.symbol, placed.order_id, placed.seq) for placed in state.orders] == [
        ("BTCUSDT", 1, 1), ("ETHUSDT", 1, 2), ("BTCUSDT", 2, 3),
    ]  # fmt: skip
    assert [(trade.trade_id, trade.order_id, trade.seq) for trade in state.trades] == [
        (1, 1, 1),
        (1, 1, 2),
        (2, 2, 3),
    ]


def test_the_same_client_id_executes_twice_because_the_first_is_not_open_any_more():
    state = opened(1)
    for _ in range(2):
        apply(state, order(quote=20 * E8, client_order_id="same"), at(0), WORLD)
    assert [placed.client_order_id for placed in state.orders] == ["same", "same"]
    assert state.latest_by_client_id(1, "BTCUSDT", "same").order_id == 2


def test_a_duplicate_of_an_open_order_is_refused():
    resting = order(type="LIMIT", quantity=93_000, price=100_000 * E8, client_order_id="same")
    state, _ = apply(opened(1), resting, at(0), WORLD)
    assert refusal_of(state, order(quote=20 * E8, client_order_id="same")) == (-2010, "Duplicate order sent.")


@pytest.mark.parametrize(
    ("command", "message"),
    [
        (order(quantity=93_500), "Filter failure: LOT_SIZE"),
        (order(quantity=500), "Filter failure: LOT_SIZE"),
        (order(quantity=9_001 * E8), "Filter failure: LOT_SIZE"),
        (order(quantity=130 * E8), "Filter failure: MARKET_LOT_SIZE"),
        (order(quantity=4_000), "Filter failure: NOTIONAL"),
        (order(quote=5 * E8 - 1), "Filter failure: NOTIONAL"),
        (order(quote=100), "Invalid quantity."),
        (order(quote=10**22), "Filter failure: LOT_SIZE"),
    ],
)
def test_filters_speak_in_binances_order(command, message):
    assert refusal_of(opened(1), command) == (-1013, message)


def test_what_is_not_there_cannot_be_spent():
    poor = (-2010, "Account has insufficient balance for requested action.")
    assert refusal_of(opened(1), order(quote=20_000 * E8)) == poor
    assert refusal_of(opened(1), order("SELL", quantity=E8)) == poor


def test_filters_come_before_balance():
    assert refusal_of(opened(1), order("SELL", quantity=1)) == (-1013, "Filter failure: LOT_SIZE")


def test_a_closed_market_takes_no_orders():
    assert refusal_of(opened(1), order(quote=20 * E8), market_ms=10**12) == (-2010, "Market is closed.")


def test_types_the_symbol_does_not_list_are_refused_by_name():
    stop = order("SELL", quantity=93_000, type="STOP_LOSS", stop_price=100_000 * E8)
    assert refusal_of(opened(1), stop) == (-1013, "Stop loss orders are not supported for this symbol.")


def test_an_account_is_opened_once():
    state = opened(1)
    apply(state, order(quote=100 * E8), at(0), WORLD)
    kept = deepcopy(state)
    apply(state, OpenAccount(uid=1, api_key="key1", balances=dict(OPENING_BALANCES)), at(5), WORLD)
    assert state.ledger() == kept.ledger()


def test_market_time_never_goes_back():
    state, _ = apply(opened(1), order(quote=20 * E8), at(500), WORLD)
    apply(state, order(quote=20 * E8), at(400), WORLD)
    assert state.market_ms == 500


commands = st.builds(
    lambda uid, symbol, side, size, by_quote: order(
        side, uid=uid, symbol=symbol, client_order_id=str(size),
        quantity=None if by_quote else size * FILTERS[symbol].step, quote=size * 10**6 if by_quote else None,
    ),
    st.sampled_from([1, 2]), st.sampled_from(sorted(FILTERS)), st.sampled_from(["BUY", "SELL"]),
    st.integers(1, 200_000), st.booleans(),
)  # fmt: skip


def send_all(state: State, sent: list) -> State:
    """Every command in turn; the refused ones change nothing."""
    for command, market_ms in sent:
        try:
            apply(state, command, at(market_ms), WORLD)
        except Refused:
            continue
    return state


@settings(max_examples=80)
@given(st.lists(st.tuples(commands, st.integers(0, 10**6)), max_size=25))
def test_balances_are_opening_plus_fills_less_fees_and_never_negative(sent):
    state = opened(1, 2)
    send_all(state, sent)
    expected: dict = defaultdict(int)
    for uid in (1, 2):
        expected[uid, "USDT"] = OPENING_BALANCES["USDT"]
    for trade in state.trades:
        sign = 1 if trade.side == "BUY" else -1
        expected[trade.uid, FILTERS[trade.symbol].base] += sign * trade.quantity
        expected[trade.uid, "USDT"] -= sign * trade.quote
        expected[trade.uid, trade.commission_asset] -= trade.commission
    held = {
        (uid, asset): free + locked
        for uid, account in state.accounts.items()
        for asset, (free, locked) in account.balances.items()
    }
    assert held == dict(expected)
    assert all(amount >= 0 for amount in held.values())


@settings(max_examples=40)
@given(st.lists(st.tuples(commands, st.integers(0, 10**6)), max_size=25))
def test_the_same_commands_give_the_same_state(sent):
    assert send_all(opened(1, 2), sent) == send_all(opened(1, 2), sent)
