"""What was accepted survives: a desk opened again on the same journal is the same desk."""

import json
import sqlite3

import pytest

from exchange.sandbox.commands import CancelOrder, PlaceOrder
from exchange.sandbox.credentials import mint_api_key
from exchange.sandbox.errors import Refused
from exchange.sandbox.journal import Journal, JournalInUse, OtherRecording
from exchange.sandbox.market import WEEK_MS
from exchange.sandbox.positioning import admissible_weeks
from exchange.sandbox.signing import Raw
from exchange.sandbox.tape import E8

ONE_KEY = mint_api_key()


def buy(desk, quote: int, client_order_id: str = "a"):
    at = desk.now()
    uid = desk.open_account(ONE_KEY, at)
    command = PlaceOrder(
        uid=uid, symbol="BTCUSDT", side="BUY", type="MARKET", quantity=None, quote=quote,
        client_order_id=client_order_id, prevention_mode="NONE",
    )  # fmt: skip
    return desk.place(command, at)


def reopened(open_desk, desk, *, snapshot: bool):
    """The desk after a clean stop (with snapshot) or after a kill (without)."""
    if snapshot:
        desk.close()
    else:
        desk.journal.close()
    return open_desk()


@pytest.mark.parametrize("snapshot", [True, False], ids=["stopped", "killed"])
def test_state_after_restart_equals_state_before(open_desk, wall, noon_ms, snapshot):
    desk = open_desk(mode="step", start_ms=noon_ms)
    for turn in range(5):
        wall.pass_ms(7)
        desk.set_clock(advance_candles=1)
        buy(desk, (20 + turn) * E8, f"order-{turn}")
    desk.revoke_key("revoked", desk.now())
    again = reopened(open_desk, desk, snapshot=snapshot)
    again.now()
    assert again.state == desk.state
    assert again.clock_report() == desk.clock_report()


def rest(desk, client_order_id: str, price: int):
    """A sale that waits at `price` dollars; bought for first."""
    at = desk.now()
    command = PlaceOrder(
        uid=desk.open_account(ONE_KEY, at), symbol="BTCUSDT", side="SELL", type="LIMIT_MAKER", quantity=10**4,
        quote=None, client_order_id=client_order_id, prevention_mode="NONE", price=price * E8,
    )  # fmt: skip
    return desk.place(command, at)


@pytest.mark.parametrize("snapshot", [True, False], ids=["stopped", "killed"])
def test_orders_that_rest_go_on_resting_and_fill_where_the_path_says(open_desk, wall, noon_ms, snapshot):
    """Two desks: one walks minute by minute, the other is stopped in between and looks once at the end."""
    desk = open_desk(mode="step", start_ms=noon_ms, snapshot_every=4)
    buy(desk, 500 * E8)
    for turn in range(8):
        rest(desk, f"rest-{turn}", 106_000 + 25 * turn)
    gone = desk.state.orders[3]
    desk.execute(
        CancelOrder(uid=gone.uid, symbol="BTCUSDT", order_id=gone.order_id, new_client_order_id="gone"),
        desk.now(),
    )
    for _ in range(60):
        desk.set_clock(advance_candles=1)
        desk.tick()
    filled = [(trade.order_id, trade.market_ms, trade.price) for trade in desk.state.trades]
    assert 3 < len(filled) < 9
    again = reopened(open_desk, desk, snapshot=snapshot)
    again.now()
    assert again.state == desk.state


def test_what_happened_while_nobody_ran_is_made_up_for(open_desk, wall, tmp_path):
    desk = open_desk()
    desk.set_clock(mode="real")
    buy(desk, 500 * E8)
    price = desk.market.price_e8("BTCUSDT", desk.now().market_ms)
    level = price * 1_001 // 1_000 // E8
    order = rest(desk, "away", level)
    expected_ms = desk.market.first_touch("BTCUSDT", order.market_ms, level * E8, rising=True)
    desk.journal.close()
    wall.pass_ms(expected_ms - order.market_ms + 3_600_000)
    again = open_desk()
    again.now()
    trade = again.state.trades[-1]
    assert (trade.order_id, trade.market_ms, trade.is_maker) == (order.order_id, expected_ms, True)
    assert trade.accepted_us == wall.at_us


def test_a_journal_from_before_orders_rested_is_still_read(open_desk, noon_ms):
    desk = open_desk(mode="step", start_ms=noon_ms)
    buy(desk, 20 * E8)
    old = [
        "seq", "order_id", "uid", "symbol", "client_order_id", "side", "type", "status", "original_quantity",
        "original_quote", "executed_quantity", "executed_quote", "prevention_mode", "market_ms", "accepted_us",
    ]  # fmt: skip
    desk.close()
    with sqlite3.connect(desk.journal.path) as database:
        body = json.loads(database.execute("SELECT body FROM orders").fetchone()[0])
        short = json.dumps({name: body[name] for name in old})
        database.execute("UPDATE orders SET body = ?", (short,))
        database.execute("DROP TABLE lists")
    again = open_desk()
    order = again.state.orders[0]
    assert (order.status, order.is_working, order.list_id, order.waits_since_ms) == (
        "FILLED",
        True,
        -1,
        noon_ms,
    )
    assert buy(again, 20 * E8).order_id == 2


def test_snapshots_in_between_change_nothing(open_desk, wall, noon_ms):
    desk = open_desk(mode="step", start_ms=noon_ms, snapshot_every=3)
    for turn in range(10):
        wall.pass_ms(7)
        buy(desk, (20 + turn) * E8)
    assert desk.journal.fact("snapshot")["through"] == 9
    again = reopened(open_desk, desk, snapshot=False)
    again.now()
    assert again.state == desk.state


def test_the_next_ids_go_on_after_a_restart(open_desk, noon_ms):
    desk = open_desk(mode="step", start_ms=noon_ms)
    buy(desk, 20 * E8)
    again = reopened(open_desk, desk, snapshot=True)
    order = buy(again, 20 * E8)
    assert (order.order_id, order.seq, again.state.trades[-1].trade_id) == (2, 2, 2)


def test_a_refused_command_leaves_no_trace(open_desk, noon_ms):
    desk = open_desk(mode="step", start_ms=noon_ms)
    buy(desk, 20 * E8)
    with pytest.raises(Refused):
        buy(desk, 99_999 * E8)
    again = reopened(open_desk, desk, snapshot=False)
    assert len(again.state.orders) == 1


def test_in_step_mode_the_market_stands_where_it_stood(open_desk, wall, noon_ms):
    desk = open_desk(mode="step", start_ms=noon_ms)
    desk.set_clock(advance_candles=7)
    wall.pass_ms(3_600_000)
    again = reopened(open_desk, desk, snapshot=False)
    assert again.now().market_ms == noon_ms + 7 * 60_000


def test_in_real_mode_market_time_is_simply_now(open_desk, wall):
    desk = open_desk()
    shift = desk.market.shift_ms
    wall.pass_ms(3_600_000)
    again = reopened(open_desk, desk, snapshot=False)
    assert again.now().market_ms == wall.at_us // 1000
    assert (again.market.shift_ms, shift % WEEK_MS, again.placement) == (shift, 0, None)


def test_the_first_start_places_the_market_within_bounds(open_desk, wall):
    desk = open_desk()
    assert desk.placement.weeks in admissible_weeks(desk.market.tapes, wall.at_us // 1000)
    assert desk.placement.weeks * WEEK_MS == desk.market.shift_ms


def test_a_start_inside_the_recording_needs_no_shift(open_desk, noon_ms):
    assert open_desk(mode="step", start_ms=noon_ms).market.shift_ms == 0


def test_a_wall_set_back_does_not_take_the_market_back(open_desk, wall):
    desk = open_desk()
    before = desk.now().market_ms
    wall.pass_ms(-5_000)
    assert desk.now().market_ms == before


def test_faults_and_what_is_left_of_them_survive(open_desk, noon_ms):
    desk = open_desk(mode="step", start_ms=noon_ms)
    desk.faults.replace([{"kind": "drop_before", "method": "GET", "path": "/x", "count": 2}])
    desk.faults.draw(Raw("GET", "/x", b"", b"", None))
    again = reopened(open_desk, desk, snapshot=False)
    assert again.faults.as_list() == desk.faults.as_list()
    assert [again.faults.draw(Raw("GET", "/x", b"", b"", None)) is None for _ in range(2)] == [False, True]


def test_a_journal_is_not_replayed_over_other_candles(tmp_path):
    opened = Journal(tmp_path)
    opened.hold_to_recording({"BTCUSDT": "a"})
    opened.hold_to_recording({"BTCUSDT": "a", "ETHUSDT": "b"})
    for other in ({"BTCUSDT": "a"}, {"BTCUSDT": "a", "ETHUSDT": "c"}):
        with pytest.raises(OtherRecording, match="ETHUSDT"):
            opened.hold_to_recording(other)
    opened.close()


def test_one_journal_has_one_sandbox(tmp_path):
    held = Journal(tmp_path)
    with pytest.raises(JournalInUse):
        Journal(tmp_path)
    held.close()
    Journal(tmp_path).close()


def test_a_commit_reaches_the_disk_before_it_returns(tmp_path):
    opened = Journal(tmp_path)
    settings = [
        opened._database.execute(f"PRAGMA {name}").fetchone()[0] for name in ("journal_mode", "synchronous")
    ]
    opened.close()
    assert settings == ["wal", 2]
