"""The shipped files are the recording, whole: counts, ends, prices, checksums; of spot and of futures."""

import hashlib
import json

import numpy as np
import pytest

from exchange.futures.contracts import rules_of_contract
from exchange.sandbox.filters import filters_of
from exchange.sandbox.recordings.convert import columns_sha256, packed
from exchange.sandbox.tape import (
    FUTURES_RECORDINGS,
    RECORDINGS,
    load_exchange_info,
    load_tape,
    load_tapes,
    recorded_entries,
)

MANIFEST = json.loads((RECORDINGS / "manifest.json").read_text())
FILES = [(folder, entry) for folder in (RECORDINGS, FUTURES_RECORDINGS) for entry in recorded_entries(folder)]
# Market and symbol: rows, first opening, last opening, first minute (o, h, l, c in ticks, v in 1e-8).
KNOWN = {
    "recordings/BTCUSDT": (
        130_708,
        1_747_699_200_000,
        1_755_541_620_000,
        (10557373, 10559710, 10555431, 10555432, 1082647000),
    ),
    "recordings/ETHUSDT": (
        130_708,
        1_747_699_200_000,
        1_755_541_620_000,
        (252814, 253080, 252797, 252828, 56268790000),
    ),
    "futures/BTCUSDT": (
        43_199,
        1_746_372_780_000,
        1_748_964_660_000,
        (955054, 955055, 955027, 955027, 1653600000),
    ),
    "futures/ETHUSDT": (
        60_191,
        1_746_372_780_000,
        1_749_984_180_000,
        (182729, 182768, 182727, 182753, 76356100000),
    ),
}
DIGESTS = {
    "recordings/BTCUSDT": "341876490cc16807a523213ede28872e80df0c0aa8d6b8dea9a0995ed5ddc0bf",
    "recordings/ETHUSDT": "65cae278cc349208892a943657f9b2fe0356c5a9ad472cebab976efe0605b56c",
    "futures/BTCUSDT": "b1b1392e6b34bde12981f314ff49c878615d490ddac165a37d99c348e1d1e78d",
    "futures/ETHUSDT": "c997ca8c07037fb8ab4ee245160e55d2d58b7ad8632247f093cbd3fe8989cbb4",
}
each_file = pytest.mark.parametrize(("folder", "entry"), FILES, ids=list(KNOWN))


@each_file
def test_nothing_was_lost_in_conversion(folder, entry):
    tape, named = load_tape(entry, folder), f"{folder.name}/{entry['symbol']}"
    rows, first_ms, last_ms, first = KNOWN[named]
    columns = {name: getattr(tape, name) for name in ("open", "high", "low", "close", "volume")}
    assert (len(tape), tape.first_open_ms, tape.end_ms - 60_000) == (rows, first_ms, last_ms)
    assert tape.minute(0) == first
    # Volumes are digested in the units of the file.
    columns["volume"] = columns["volume"] // (10**8 // entry["volume_scale"])
    assert columns_sha256(columns) == entry["columns_sha256"] == DIGESTS[named]
    assert hashlib.sha256((folder / entry["file"]).read_bytes()).hexdigest() == entry["file_sha256"]


@each_file
def test_every_minute_is_consistent(folder, entry):
    tape = load_tape(entry, folder)
    assert (tape.low > 0).all()
    assert (tape.low <= np.minimum(tape.open, tape.close)).all()
    assert (tape.high >= np.maximum(tape.open, tape.close)).all()
    assert (tape.volume >= 0).all()


def test_packing_and_loading_give_the_columns_back(tmp_path):
    columns = {
        "open": np.array([100, 90, 2**40], dtype=np.int64)[:2],
        "high": np.array([120, 90], dtype=np.int64),
        "low": np.array([80, 70], dtype=np.int64),
        "close": np.array([90, 75], dtype=np.int64),
        "volume": np.array([1, 10**13], dtype=np.int64),
    }
    np.savez_compressed(tmp_path / "x.npz", **packed(columns))
    entry = {
        "symbol": "X",
        "file": "x.npz",
        "rows": 2,
        "first_open_ms": 0,
        "price_scale": 100,
        "volume_scale": 10**8,
    }
    tape = load_tape(entry, tmp_path)
    assert {name: getattr(tape, name).tolist() for name in columns} == {
        name: column.tolist() for name, column in columns.items()
    }


def test_a_file_of_another_length_is_refused(tmp_path):
    entry = MANIFEST[0] | {"rows": 7}
    with pytest.raises(ValueError, match="the manifest promises 7"):
        load_tape(entry)


def test_symbols_with_rules_are_the_symbols_with_candles():
    assert [entry["symbol"] for entry in load_exchange_info()["symbols"]] == list(load_tapes())


def test_prices_fit_the_recorded_ticks():
    ticks = {entry["symbol"]: filters_of(entry).tick for entry in load_exchange_info()["symbols"]}
    assert {symbol: tape.tick_e8 for symbol, tape in load_tapes().items()} == ticks


def test_prices_of_futures_fit_the_ticks_of_their_contracts():
    for entry in recorded_entries(FUTURES_RECORDINGS):
        tape = load_tape(entry, FUTURES_RECORDINGS)
        assert tape.tick_e8 == rules_of_contract(entry["symbol"]).tick_e8
