"""Faults of connections: switched by a driver, in force until switched off, and only where they are meant to strike."""

import json
import time
from contextlib import contextmanager

import pytest
from websockets.exceptions import ConnectionClosed
from websockets.sync.client import connect

from exchange.sandbox.control import ControlRefused
from exchange.sandbox.running import SandboxProcess
from exchange.sandbox.stream_faults import StreamFaultError, StreamFaults

SOON_S = 5


@pytest.fixture(scope="module")
def one_sandbox(tmp_path_factory, noon_ms):
    with SandboxProcess(tmp_path_factory.mktemp("faults"), clock="step", start_ms=noon_ms) as running:
        yield running


@pytest.fixture
def moving(one_sandbox):
    """The sandbox of this module, which tests release, and which is left without faults."""
    yield one_sandbox
    one_sandbox.control.clear_stream_faults()


@pytest.fixture
def now_ms(moving):
    """Where its market stands."""
    return moving.control.clock()["market_ms"]


@contextmanager
def listening(sandbox, path="/ws/btcusdt@kline_1m"):
    with connect(sandbox.url.replace("http", "ws") + path, proxy=None) as socket:
        yield socket


def drain(socket):
    while True:
        socket.recv(timeout=SOON_S)


def openings(socket, count):
    """Of the closed candles heard."""
    found = []
    while len(found) < count:
        candle = json.loads(socket.recv(timeout=SOON_S))["k"]
        if candle["x"]:
            found.append(candle["t"])
    return found


def test_drop_cuts_every_connection_at_once(moving):
    with listening(moving) as first, listening(moving) as second:
        moving.control.set_stream_faults([{"kind": "drop"}])
        for socket in (first, second):
            with pytest.raises(ConnectionClosed):
                drain(socket)
    assert moving.control.stream_faults() == []
    with listening(moving):
        pass  # It happened once: a new connection stands.


def test_a_fault_on_the_user_stream_leaves_the_market_alone(moving, now_ms):
    with listening(moving) as market:
        moving.control.set_stream_faults([{"kind": "drop", "on": "user"}])
        moving.control.advance(1)
        assert openings(market, 1) == [now_ms]


def test_silence_swallows_events_and_ends(moving, now_ms):
    with listening(moving) as socket:
        moving.control.set_stream_faults([{"kind": "silence", "seconds": 60}])
        moving.control.advance(2)
        socket.send(json.dumps({"method": "LIST_SUBSCRIPTIONS", "id": 1}))
        while "id" not in json.loads(socket.recv(timeout=SOON_S)):
            pass  # Sent before the silence; answers are no events, and come through it.
        moving.control.set_stream_faults([])
        moving.control.advance(1)
        assert openings(socket, 1) == [now_ms + 120_000]


def test_duplicates(moving, now_ms):
    with listening(moving) as socket:
        moving.control.set_stream_faults([{"kind": "duplicate", "on": "market"}])
        moving.control.advance(2)
        assert openings(socket, 4) == [now_ms, now_ms, now_ms + 60_000, now_ms + 60_000]


def test_reordering_swaps_neighbours_and_loses_none(moving, now_ms):
    with listening(moving) as socket:
        moving.control.set_stream_faults([{"kind": "reorder"}])
        moving.control.advance(5)
        moving.control.clear_stream_faults()
        moving.control.advance(1)
        found = openings(socket, 6)
    assert found != sorted(found)
    assert sorted(found) == [now_ms + 60_000 * minute for minute in range(6)]


def test_cut_after_ends_connections_old_and_new(moving):
    with listening(moving) as old:
        moving.control.set_stream_faults([{"kind": "cut_after", "seconds": 0.3}])
        with listening(moving) as new:
            started = time.monotonic()
            for socket in (old, new):
                with pytest.raises(ConnectionClosed) as ended:
                    drain(socket)
                assert ended.value.rcvd.code == 1001
            assert time.monotonic() - started < 2


def test_a_stopping_server_says_so_first(own_sandbox):
    with (
        listening(own_sandbox) as raw,
        listening(own_sandbox, "/stream?streams=btcusdt@kline_1m") as combined,
    ):
        own_sandbox.stop()
        heard = [_until_shutdown(socket) for socket in (raw, combined)]
    assert heard[0]["e"] == "serverShutdown"
    assert (heard[1]["stream"], heard[1]["data"]["e"]) == ("!serverShutdown", "serverShutdown")


def _until_shutdown(socket):
    while True:
        message = json.loads(socket.recv(timeout=SOON_S))
        if "serverShutdown" in (message.get("e"), message.get("data", {}).get("e")):
            return message


def test_a_shutdown_can_be_announced_without_one(moving):
    with listening(moving) as socket:
        moving.control.set_stream_faults([{"kind": "server_shutdown"}])
        assert _until_shutdown(socket)["e"] == "serverShutdown"
        assert json.loads(socket.recv(timeout=SOON_S))["e"] == "kline"


@pytest.mark.parametrize(
    ("rule", "said"),
    [
        ({"kind": "hiccup"}, "kind must be one of"),
        ({"kind": "silence"}, "silence needs seconds"),
        ({"kind": "drop", "on": "all"}, "on must be market, user or null"),
        ({"kind": "silence", "seconds": -1}, "seconds must be a number"),
        ({"kind": "silence", "seconds": True}, "seconds must be a number"),
        ({"kind": "drop", "when": "now"}, "unknown field when"),
    ],
)
def test_rules_that_make_no_sense(rule, said):
    with pytest.raises(StreamFaultError, match=said):
        StreamFaults().replace([rule])


def test_a_refused_rule_changes_nothing(moving):
    kept = moving.control.set_stream_faults([{"kind": "duplicate"}])
    with pytest.raises(ControlRefused, match="400"):
        moving.control.set_stream_faults([{"kind": "reorder"}, {"kind": "hiccup"}])
    assert moving.control.stream_faults() == kept == [{"kind": "duplicate", "on": None, "seconds": 0.0}]


def test_silence_is_over_when_its_seconds_are():
    now_s = [100.0]
    faults = StreamFaults(monotonic_s=lambda: now_s[0])
    faults.replace([{"kind": "silence", "seconds": 2, "on": "market"}])
    assert (faults.is_silent("market"), faults.is_silent("user")) == (True, False)
    now_s[0] = 102.0
    assert not faults.is_silent("market")
