"""Funding rates: read exactly, stored once, never changed, missing where they are missing."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from django.core.management import CommandError, call_command

from engine.market import DAY_MS, MINUTE_MS
from exchange.candles.files import FileRefused
from exchange.futures.funding import (
    SETTLEMENT_MS,
    RatesDiffer,
    Settlement,
    add_rates,
    funding_of,
    missing_settlements,
    settlements_within,
)
from exchange.futures.funding_files import import_rates, read_rates, store_recorded_rates
from exchange.models import FundingRate
from tests.exchange.test_candle_files import zipped

MAY = 1_746_057_600_000  # 2025-05-01 00:00 UTC
NOW = MAY + 400 * DAY_MS


def written(folder: Path, name: str, *lines: str) -> Path:
    path = folder / name
    path.write_text("".join(f"{line}\n" for line in lines))
    return path


def refused(path: Path, **options: Any) -> str:
    with pytest.raises(FileRefused) as found:
        read_rates(path, now_ms=NOW, **options)
    return str(found.value)


def test_what_the_exchange_answers_is_read_exactly(tmp_path: Path) -> None:
    path = written(
        tmp_path, "rates.csv", "symbol,fundingTime,fundingRate",
        f"BTCUSDT,{MAY},3.519e-05", f"BTCUSDT,{MAY + SETTLEMENT_MS + 3},-0.00012232", f"ETHUSDT,{MAY},0.0",
    )  # fmt: skip
    assert read_rates(path, now_ms=NOW) == [
        Settlement("BTCUSDT", MAY, 3519),
        # Noted three milliseconds late, settled on the hour.
        Settlement("BTCUSDT", MAY + SETTLEMENT_MS, -12232),
        Settlement("ETHUSDT", MAY, 0),
    ]


def test_an_archive_says_by_its_name_whose_rates_it_holds(tmp_path: Path) -> None:
    text = f"calc_time,funding_interval_hours,last_funding_rate\n{MAY},8,0.00010000\n"
    path = zipped(tmp_path, "BTCUSDT-fundingRate-2025-05.zip", ("BTCUSDT-fundingRate-2025-05.csv", text))
    assert read_rates(path, now_ms=NOW) == [Settlement("BTCUSDT", MAY, 10_000)]


def test_a_file_that_cannot_be_believed_is_refused_whole(tmp_path: Path) -> None:
    head, good = "symbol,fundingTime,fundingRate", f"BTCUSDT,{MAY},0.0001"
    for lines, why in (
        (
            (head, good, f"BTCUSDT,{MAY + 1},0.0002"),
            "line 3: 2025-05-01 00:00 is there twice, first on line 2.",
        ),
        ((head, good, f"BTCUSDT,{MAY + 5},x"), "line 3: 'x' is not a number"),
        (
            (head, f"BTCUSDT,{MAY},97000.5"),
            "line 2: 97000.5 is no funding rate: it is more than ten percent.",
        ),
        (
            (head, f"BTCUSDT,{NOW + DAY_MS},0.0001"),
            "line 2: 2026-06-06 00:00 cannot be the time of a settlement.",
        ),
        ((head, "BTCUSDT,then,0.0001"), "line 2: 'then' is no time"),
        ((head, f"BTCUSDT,{MAY}"), "line 2: it has only 2 values."),
        ((head, f"BTC/USDT,{MAY},0.0001"), "line 2: 'BTC/USDT' is no symbol."),
        ((head,), "it holds no funding rates."),
        (("a,b,c", good), "its first line must name the columns fundingTime and fundingRate."),
    ):
        assert why in refused(written(tmp_path, "rates.csv", *lines))
    anonymous = written(tmp_path, "x.csv", "fundingTime,fundingRate", f"{MAY},0.0001")
    assert "name --symbol" in refused(anonymous)
    assert read_rates(anonymous, symbol="ethusdt", now_ms=NOW) == [Settlement("ETHUSDT", MAY, 10_000)]
    assert "only .csv, .zip can be read" in refused(written(tmp_path, "rates.txt", good))
    assert "there is no such file" in refused(tmp_path / "none.csv")


@pytest.mark.django_db
def test_rates_are_stored_once_and_never_change(tmp_path: Path) -> None:
    rows = [Settlement("BTCUSDT", MAY, 5), Settlement("BTCUSDT", MAY + SETTLEMENT_MS, -7)]
    assert (add_rates("binance", rows), add_rates("binance", rows)) == (2, 0)
    with pytest.raises(RatesDiffer, match=r"2025-05-01 00:00 is stored as 0\.00000005, not 0\.00000006"):
        add_rates("binance", [Settlement("BTCUSDT", MAY + DAY_MS, 1), Settlement("BTCUSDT", MAY, 6)])
    assert FundingRate.objects.count() == 2
    # Another source may know them otherwise.
    assert add_rates("elsewhere", [Settlement("BTCUSDT", MAY, 6)]) == 1


@pytest.mark.django_db
def test_a_stretch_has_its_settlements_and_knows_what_it_lacks() -> None:
    """After the start, up to and at the end: nothing is held before the start."""
    end = MAY + DAY_MS
    assert settlements_within(MAY, end) == [MAY + n * SETTLEMENT_MS for n in (1, 2, 3)]
    assert settlements_within(MAY - 1, MAY + MINUTE_MS) == [MAY]
    add_rates("binance", [Settlement("BTCUSDT", MAY + n * SETTLEMENT_MS, n) for n in (0, 1, 3, 4)])
    add_rates("binance", [Settlement("ETHUSDT", MAY + 2 * SETTLEMENT_MS, 9)])
    # One between the eight hours is paid too.
    add_rates("binance", [Settlement("BTCUSDT", MAY + SETTLEMENT_MS // 2, 5)])
    found = funding_of("binance", "BTCUSDT", start_ms=MAY, end_ms=end)
    times = [MAY + SETTLEMENT_MS // 2, MAY + SETTLEMENT_MS, MAY + 3 * SETTLEMENT_MS]
    assert (found.at_ms.tolist(), found.rate_e8.tolist()) == (times, [5, 1, 3])
    missing = missing_settlements("binance", "BTCUSDT", start_ms=MAY, end_ms=end)
    assert missing == [MAY + 2 * SETTLEMENT_MS]
    nothing = funding_of("binance", "SOLUSDT", start_ms=MAY, end_ms=end)
    assert (len(nothing.at_ms), nothing.at_ms.dtype, nothing.rate_e8.dtype) == (0, "int64", "int64")


@pytest.mark.django_db
def test_the_shipped_rates_are_the_recording() -> None:
    assert (store_recorded_rates(), store_recorded_rates()) == (236, 0)
    count = {symbol: FundingRate.objects.filter(symbol=symbol).count() for symbol in ("BTCUSDT", "ETHUSDT")}
    assert count == {"BTCUSDT": 100, "ETHUSDT": 136}
    first = funding_of("binance", "BTCUSDT", start_ms=MAY - 1, end_ms=MAY + SETTLEMENT_MS)
    assert first.rate_e8.tolist() == [3519, 5755]
    # Without a hole for as long as they reach; the last candles lie behind the last rate.
    end = MAY + 33 * DAY_MS
    assert missing_settlements("binance", "BTCUSDT", start_ms=MAY, end_ms=end) == []
    assert missing_settlements("binance", "BTCUSDT", start_ms=end, end_ms=end + SETTLEMENT_MS)


@pytest.mark.django_db
def test_the_command_stores_files_and_says_what_was_new(tmp_path: Path, capsys: Any) -> None:
    path = written(tmp_path, "rates.csv", "symbol,fundingTime,fundingRate", f"BTCUSDT,{MAY},0.0001")
    call_command("import_funding", str(path))
    call_command("import_funding", str(path))
    assert capsys.readouterr().out.splitlines() == [
        "rates.csv: 1 new of 1 funding rates of BTCUSDT, source binance.",
        "rates.csv: 0 new of 1 funding rates of BTCUSDT, source binance.",
    ]
    other = written(tmp_path, "other.csv", "symbol,fundingTime,fundingRate", f"BTCUSDT,{MAY},0.0002")
    with pytest.raises(CommandError, match="A stored rate never changes") as failed:
        call_command("import_funding", str(other))
    assert failed.value.returncode == 1
    done = import_rates(other, "mine", symbol=None, now_ms=NOW)
    assert (done.new, done.symbols) == (1, ["BTCUSDT"])
