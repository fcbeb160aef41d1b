"""Candles from files: every layout gives the same candles; whatever is wrong is refused whole, with its place."""

from __future__ import annotations

import hashlib
import zipfile
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st
from pyarrow import feather, parquet

from engine.amounts import decimal_from_e8
from engine.market import MINUTE_MS, Candles, candles_of
from exchange import candles as store
from exchange.candles.blocks import add
from exchange.candles.files import FileRefused, Imported, import_file
from exchange.candles.files.numbers import NotUsable, e8_of, exact_floats
from exchange.candles.recordings import candles_of_tape
from exchange.candles.store import Series
from exchange.models import CandleBlock, CandleRow
from exchange.sandbox.tape import load_tape, recorded_entries

FIRST = 1_747_699_200_000  # 2025-05-20 00:00 UTC
NOW = FIRST + 10**10
SERIES = Series("binance", "spot", "BTCUSDT", "1m")
HEADER = "open_time,open,high,low,close,volume,close_time,quote_volume,count,taker_buy_volume,taker_buy_quote,ignore"


@pytest.fixture(autouse=True)
def _own_cache(settings: Any, tmp_path: Path) -> None:
    settings.DATA_DIR = tmp_path / "data"


def row(number: int, **other: Any) -> dict[str, Any]:
    """Minute `number`; prices and volume as texts."""
    return {
        "open_time": FIRST + number * MINUTE_MS,
        "open": f"{100 + number}.10000000",
        "high": f"{101 + number}.12345678",
        "low": f"{99 + number}.00000001",
        "close": f"{100 + number}.50000000",
        "volume": f"0.{number:08d}",
        "close_time": FIRST + (number + 1) * MINUTE_MS - 1,
    } | other


ROWS = [row(number) for number in range(5)]
EXPECTED = candles_of(
    (
        FIRST + number * MINUTE_MS,
        (100 + number) * 10**8 + 10_000_000,
        (101 + number) * 10**8 + 12_345_678,
        (99 + number) * 10**8 + 1,
        (100 + number) * 10**8 + 50_000_000,
        number,
    )
    for number in range(5)
)


def line(values: dict[str, Any], *, times: int = 1) -> str:
    """As in Binance's archives; in microseconds with `times=1000`, where a candle ends on the last of them."""
    end = (values["close_time"] + 1) * times - 1
    cells = [
        values["open_time"] * times,
        *(values[name] for name in ("open", "high", "low", "close", "volume")),
        end,
    ]
    return ",".join(map(str, [*cells, "1234.5", "17", "0.5", "50.1", "0"]))


def lines(rows: list[dict[str, Any]] = ROWS, **how: Any) -> str:
    return "".join(f"{line(values, **how)}\n" for values in rows)


def plain(rows: list[dict[str, Any]], header: str = "open_time,open,high,low,close,volume") -> str:
    names = ("open_time", "open", "high", "low", "close", "volume")
    return "\n".join([header, *(",".join(str(values[name]) for name in names) for values in rows)])


def written(folder: Path, name: str, content: str | bytes) -> Path:
    path = folder / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    return path


def zipped(folder: Path, name: str, *inside: tuple[str, str]) -> Path:
    path = folder / name
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for member, content in inside:
            archive.writestr(member, content)
    return path


def import_it(path: Path, now_ms: int = NOW) -> Imported:
    return import_file(path, "binance", "spot", "BTCUSDT", now_ms=now_ms)


def held() -> list[tuple[int, ...]]:
    found = store.history("binance", "spot", "BTCUSDT", "1m", start_ms=FIRST, end_ms=NOW)
    return [tuple(found.at(number)) for number in range(len(found))]


def rows_of(candles: Candles) -> list[tuple[int, ...]]:
    return [tuple(candles.at(number)) for number in range(len(candles))]


def iso(values: dict[str, Any], form: str) -> str:
    return datetime.fromtimestamp(values["open_time"] / 1000, UTC).strftime(form)


@pytest.mark.django_db
@pytest.mark.parametrize(
    "content",
    [
        lines(),
        f"{HEADER}\n{lines()}",
        lines(times=1000),
        f"{HEADER}\r\n{lines(times=1000)}".replace("\n", "\r\n").replace("\r\r", "\r"),
        "\ufeff" + plain(ROWS),
        plain(ROWS) + "\n\n",
        plain(ROWS, "Timestamp,Open,High,Low,Close,Volume"),
        plain([values | {"open_time": values["open_time"] // 1000} for values in ROWS]),
        plain([values | {"open_time": f"{values['open_time']}.0"} for values in ROWS]),
        plain([values | {"open_time": f"{values['open_time']}000000"} for values in ROWS]),
        plain([values | {"open_time": iso(values, "%Y-%m-%d %H:%M:%S")} for values in ROWS]),
        plain([values | {"open_time": iso(values, "%Y-%m-%dT%H:%M:%SZ")} for values in ROWS]),
        plain([values | {"open_time": iso(values, "%Y-%m-%dT%H:%M:%S+00:00")} for values in ROWS]),
    ],
    ids=[
        "binance", "binance with header", "microseconds", "microseconds, header, CRLF", "byte order mark", "blank end",
        "other names", "seconds", "with .0", "nanoseconds", "dates", "dates with Z", "dates with zone",
    ],
)  # fmt: skip
def test_every_text_layout_gives_the_same_candles(tmp_path: Path, content: str) -> None:
    found = import_it(written(tmp_path, "x.csv", content))
    assert found == Imported(5, 5, FIRST, FIRST + 4 * MINUTE_MS)
    assert held() == rows_of(EXPECTED)
    assert CandleRow.objects.count() == 0


def table(kind: str) -> Any:
    texts = {name: [values[name] for values in ROWS] for name in ROWS[0]}
    amounts = {
        "float": lambda values: pa.array([float(value) for value in values]),
        "text": pa.array,
        "decimal": lambda values: pa.array([Decimal(value) for value in values], pa.decimal128(38, 12)),
    }[kind.split()[0]]
    opens = pa.array(texts["open_time"], pa.int64())
    if "stamp" in kind:
        opens = pa.array([value * 1000 for value in texts["open_time"]], pa.timestamp("us", tz="UTC"))
    columns = {name: amounts(texts[name]) for name in ("open", "high", "low", "close", "volume")}
    return pa.table({"quote_volume": pa.array([1.5] * 5), "open_time": opens, **columns})


@pytest.mark.django_db
@pytest.mark.parametrize("kind", ["float", "text", "decimal", "float stamp"])
def test_parquet_and_feather_give_the_same_candles(tmp_path: Path, kind: str) -> None:
    parquet.write_table(table(kind), tmp_path / "x.parquet")
    feather.write_feather(table(kind), str(tmp_path / "x.feather"))
    assert import_it(tmp_path / "x.parquet").new == 5
    assert held() == rows_of(EXPECTED)
    assert import_it(tmp_path / "x.feather") == Imported(5, 0, FIRST, FIRST + 4 * MINUTE_MS)


@pytest.mark.django_db
@pytest.mark.parametrize("times", [1, 1000])
def test_archives_are_read_and_proved_by_the_checksum_beside_them(tmp_path: Path, times: int) -> None:
    path = zipped(tmp_path, "BTCUSDT-1m-2025-05.zip", ("BTCUSDT-1m-2025-05.csv", lines(times=times)))
    beside = written(tmp_path, path.name + ".CHECKSUM", f"{'0' * 64}  {path.name}\n")
    with pytest.raises(
        FileRefused, match=r"BTCUSDT-1m-2025-05.zip: its SHA-256 is \w{64}, which is not what"
    ):
        import_it(path)
    beside.write_text(f"{hashlib.sha256(path.read_bytes()).hexdigest()}  {path.name}\n")
    assert import_it(path).new == 5
    assert held() == rows_of(EXPECTED)


def broken(number: int, **other: Any) -> str:
    return lines([*ROWS[:number], row(number, **other), *ROWS[number + 1 :]])


# What a file says → what is said of it.
FAULTS: list[tuple[str, str]] = [
    (plain([ROWS[0], ROWS[1] | {"open_time": "soon"}]), "x.csv, line 3: open_time: 'soon' is no time."),
    (plain([ROWS[0], ROWS[1] | {"open_time": ""}]), "x.csv, line 3: open_time: it is missing."),
    (plain([ROWS[0], ROWS[1] | {"open_time": FIRST // 1000 + 60}]),
     f"x.csv, line 3: open_time: {FIRST // 1000 + 60} is in another unit than the times before it."),
    (plain([ROWS[0] | {"open_time": f"{FIRST}001"}]), f"x.csv, line 2: open_time: {FIRST}001 is not on a millisecond."),
    (plain([ROWS[0], ROWS[1] | {"open_time": FIRST + 61_500}]),
     "x.csv, line 3: 2025-05-20 00:01:01.5 is not the beginning of a minute."),
    (plain([ROWS[0], ROWS[1], ROWS[1]]), "x.csv, line 4: 2025-05-20 00:01 is there twice, first on line 3."),
    (plain([ROWS[0], ROWS[2], ROWS[1]]),
     "x.csv, line 4: 2025-05-20 00:01 follows a later time; candles go from old to new."),
    (plain([ROWS[0] | {"open_time": "1999-01-01"}]), "x.csv, line 2: 1999-01-01 00:00 is too long ago for a candle."),
    (plain([ROWS[0] | {"open_time": -5}]), "x.csv, line 2: open_time: '-5' is no time."),
    (broken(2, open="12e"), "x.csv, line 3: open: '12e' is not a number."),
    (broken(2, open="1_0"), "x.csv, line 3: open: '1_0' is not a number."),
    (broken(2, volume=""), "x.csv, line 3: volume: it is missing."),
    (broken(2, close="nan"), "x.csv, line 3: close: 'nan' is not a number."),
    (broken(2, close="102.123456789"), "x.csv, line 3: close: 102.123456789 has more than 8 decimal places."),
    (broken(2, high="93000000000"), "x.csv, line 3: high: 93000000000 is more than can be stored."),
    (broken(2, high="90"), "x.csv, line 3: high 90 is below low 101.00000001."),
    (broken(2, high="102"), "x.csv, line 3: high 102 is below open 102.1 or close 102.5."),
    (broken(2, low="102.2"), "x.csv, line 3: low 102.2 is above open 102.1 or close 102.5."),
    (broken(2, low="0"), "x.csv, line 3: low 0 is not a price."),
    (broken(2, volume="-0.1"), "x.csv, line 3: volume -0.1 is negative."),
    (broken(2, close_time=FIRST + 7 * MINUTE_MS - 1),
     "x.csv, line 3: it ends at 2025-05-20 00:06:59.999: that is no one-minute candle."),
    (plain([row(number * 5) for number in range(4)]),
     "x.csv: its candles are 300 s apart; only one-minute candles are stored."),
    (lines() + "1,2,3\n", "x.csv, line 6: it has 3 values, the lines before it have 12."),
    ("1,2,3\n", "x.csv, line 1: it has 3 values; a candle has at least open_time, open, high, low, close, volume."),
    ("time,open,high,close\n", "x.csv, line 1: it has no column low and no column volume."),
    (HEADER + "\n", "x.csv: it holds no candles."),
    ("", "x.csv: it holds no candles."),
]  # fmt: skip


@pytest.mark.django_db
@pytest.mark.parametrize(("content", "said"), FAULTS, ids=[said[7:60] for _, said in FAULTS])
def test_what_is_wrong_is_refused_with_its_place(tmp_path: Path, content: str, said: str) -> None:
    with pytest.raises(FileRefused) as refused:
        import_it(written(tmp_path, "x.csv", content))
    assert str(refused.value) == said
    assert CandleBlock.objects.count() == 0


@pytest.mark.django_db
def test_the_first_of_several_faults_is_named(tmp_path: Path) -> None:
    rows = [ROWS[0], row(1, volume="-1"), row(2, low="0"), ROWS[3]]
    with pytest.raises(FileRefused, match=r"line 2: volume -1 is negative"):
        import_it(written(tmp_path, "x.csv", lines(rows)))


@pytest.mark.django_db
def test_a_minute_that_is_not_over_is_refused(tmp_path: Path) -> None:
    path = written(tmp_path, "x.csv", lines())
    with pytest.raises(FileRefused, match=r"line 5: 2025-05-20 00:04 is not over yet"):
        import_it(path, now_ms=FIRST + 5 * MINUTE_MS - 1)
    assert import_it(path, now_ms=FIRST + 5 * MINUTE_MS).new == 5


@pytest.mark.django_db
def test_a_stored_candle_never_changes_and_the_other_one_is_shown(tmp_path: Path) -> None:
    add(SERIES, EXPECTED[:2])
    path = written(tmp_path, "x.csv", broken(1, close="101.7", volume="3"))
    with pytest.raises(FileRefused) as refused:
        import_it(path)
    assert str(refused.value) == (
        "x.csv, line 2: 2025-05-20 00:01 is stored with other numbers: close 101.7 instead of 101.5, volume 3 instead "
        "of 0.00000001. A stored candle never changes."
    )
    assert held() == rows_of(EXPECTED[:2])
    assert import_it(written(tmp_path, "y.csv", lines())) == Imported(5, 3, FIRST, FIRST + 4 * MINUTE_MS)


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("name", "content", "said"),
    [
        ("x.zip", b"no zip", "x.zip: it cannot be unpacked"),
        ("x.parquet", b"PAR1nonsense", "x.parquet: it is no Parquet file"),
        ("x.feather", b"ARROW1nonsense", "x.feather: it is no Feather file"),
        ("x.csv", b"\xff\xfe\x00", "x.csv, after line 0: it is not a text of values"),
    ],
)
def test_what_is_no_such_file_is_refused(tmp_path: Path, name: str, content: bytes, said: str) -> None:
    with pytest.raises(FileRefused) as refused:
        import_it(written(tmp_path, name, content))
    assert str(refused.value).startswith(said)


@pytest.mark.django_db
def test_an_archive_holds_one_csv_and_nothing_else(tmp_path: Path) -> None:
    for number, inside in enumerate(([], [("a.txt", "")], [("a.csv", lines()), ("b.csv", lines())])):
        with pytest.raises(FileRefused, match=r"an archive holds one CSV file and nothing else"):
            import_it(zipped(tmp_path, f"{number}.zip", *inside))


@pytest.mark.django_db
def test_an_archive_cut_short_is_refused(tmp_path: Path) -> None:
    path = zipped(tmp_path, "x.zip", ("x.csv", lines([row(number) for number in range(2000)])))
    content = bytearray(path.read_bytes())
    content[200:300] = bytes(100)
    path.write_bytes(content)
    with pytest.raises(FileRefused, match=r"x\.zip"):
        import_it(path)
    assert CandleBlock.objects.count() == 0


def changed(kind: str, name: str, values: Any) -> Any:
    whole = table(kind)
    return whole.set_column(whole.column_names.index(name), name, values)


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("whole", "said"),
    [
        (table("float").drop_columns(["low", "close"]), "x.parquet: it has no column low and no column close."),
        (changed("float", "low", pa.array([1.0, None, 1, 1, 1])), "x.parquet, row 2: low: it is missing."),
        (changed("float", "low", pa.array([1.0, np.nan, 1, 1, 1])), "x.parquet, row 2: low: 'nan' is not a number."),
        (changed("float", "low", pa.array([1.0, 0.1 + 0.2, 1, 1, 1])),
         "x.parquet, row 2: low: 0.30000000000000004 has more than 8 decimal places."),
        (changed("float", "volume", pa.array([1.0, 2, -3, 1, 1])), "x.parquet, row 3: volume -3 is negative."),
        (changed("text", "open", pa.array(["1", "2", "x", "4", "5"])), "x.parquet, row 3: open: 'x' is not a number."),
        (changed("float", "open_time", pa.array([True] * 5)), "x.parquet, row 1: open_time: 'True' is no time."),
    ],
    ids=["column", "null", "nan", "decimals", "negative", "text", "time"],
)  # fmt: skip
def test_what_is_wrong_in_a_table_is_refused_with_its_row(tmp_path: Path, whole: Any, said: str) -> None:
    parquet.write_table(whole, tmp_path / "x.parquet")
    with pytest.raises(FileRefused) as refused:
        import_it(tmp_path / "x.parquet")
    assert str(refused.value) == said
    assert CandleBlock.objects.count() == 0


@pytest.mark.django_db
def test_real_candles_as_floats_come_back_exactly(tmp_path: Path) -> None:
    whole = candles_of_tape(load_tape(recorded_entries()[0]))
    names = ("open_time", "open", "high", "low", "close", "volume")
    columns = [whole.open_ms, *(column / 1e8 for column in whole.columns()[1:])]
    parquet.write_table(pa.table(dict(zip(names, columns, strict=True))), tmp_path / "x.parquet")
    import_it(tmp_path / "x.parquet")
    found = store.history("binance", "spot", "BTCUSDT", "1m", start_ms=FIRST, end_ms=NOW)
    assert store.fingerprint(found) == store.fingerprint(whole)


@given(st.integers(0, 2**63 - 1))
def test_texts_become_exact_integers(amount: int) -> None:
    text = f"{decimal_from_e8(amount):f}"
    assert [e8_of(form) for form in (text, f"{text}000", f" +{text} ", f"{amount}e-8", Decimal(text))] == [
        amount
    ] * 5


@given(st.lists(st.integers(0, 10**15 - 1), min_size=1))
def test_floats_become_what_was_written(amounts: list[int]) -> None:
    floats = [float(decimal_from_e8(amount)) for amount in amounts]
    quick = exact_floats(np.array(floats))
    assert [e8_of(value) for value in floats] == amounts
    assert quick is not None
    assert quick.tolist() == amounts


@given(st.lists(st.floats(0, 1e7), min_size=1))
def test_many_floats_at_once_are_never_taken_otherwise_than_one(values: list[float]) -> None:
    quick = exact_floats(np.array(values))
    if quick is not None:
        assert quick.tolist() == [e8_of(value) for value in values]


@pytest.mark.parametrize("value", ["", " ", "١", "0x10", "Infinity", "1e", "--1", "1e99999999999"])
def test_what_is_no_number_is_refused(value: str) -> None:
    with pytest.raises(NotUsable):
        e8_of(value)
