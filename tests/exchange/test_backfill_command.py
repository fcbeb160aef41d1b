"""`backfill_candles`: from the paper market over real HTTP, from files and folders, and the shipped recordings."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from django.core.management import CommandError, call_command

from exchange import candles as store
from exchange.candles.recordings import recordings, store_recording
from exchange.candles.store import Series
from exchange.connect import market_data
from exchange.models import CandleBlock, CandleRow
from exchange.sandbox.running import SandboxProcess
from exchange.sandbox.tape import FUTURES_RECORDINGS, recorded_entries
from tests.exchange.test_candle_files import FIRST, lines, row, written, zipped

MAY = "BTCUSDT-1m-2025-05"
END = FIRST + 10**9


@pytest.fixture(autouse=True)
def _own_cache(settings: Any, tmp_path: Path) -> None:
    settings.DATA_DIR = tmp_path / "data"


def run(capsys: pytest.CaptureFixture[str], *arguments: object) -> list[str]:
    call_command("backfill_candles", *map(str, arguments))
    return capsys.readouterr().out.splitlines()


def refusal(*arguments: object) -> tuple[int, str]:
    with pytest.raises(CommandError) as refused:
        call_command("backfill_candles", *map(str, arguments))
    return refused.value.returncode, str(refused.value)


def stored(symbol: str, market: str = "spot", source: str = "binance") -> int:
    return len(store.history(source, market, symbol, "1m", start_ms=FIRST, end_ms=END))


@pytest.mark.django_db(transaction=True)
def test_the_paper_market_is_fetched_by_default(sandbox: SandboxProcess, capsys: Any) -> None:
    told = run(capsys, "btcusdt", "--from", "2025-08-03", "--to", "2025-08-03T02:30")
    assert told == ["BTCUSDT: 150 new candles, 2025-08-03 00:00 to 2025-08-03 02:30, source sandbox."]
    again = run(capsys, "BTCUSDT", "--from", "2025-08-03", "--to", "2025-08-03T02:30")
    assert again == ["BTCUSDT: 0 new candles, 2025-08-03 00:00 to 2025-08-03 02:30, source sandbox."]
    assert CandleRow.objects.count() == 0


@pytest.mark.django_db(transaction=True)
def test_what_the_exchange_does_not_have_is_said(sandbox: SandboxProcess, capsys: Any) -> None:
    told = run(capsys, "ETHUSDT", "--from", "2025-05-19T23:00", "--to", "2025-05-20T01:00")
    assert told == [
        "ETHUSDT: 60 new candles, 2025-05-19 23:00 to 2025-05-20 01:00, source sandbox.",
        "ETHUSDT: the exchange has none from 2025-05-19 23:00 to 2025-05-19 23:59.",
    ]


@pytest.mark.django_db(transaction=True)
def test_the_market_has_not_got_further_than_its_now(sandbox: SandboxProcess, capsys: Any) -> None:
    now_ms = market_data("sandbox").market_time_ms("BTCUSDT")
    run(capsys, "BTCUSDT", "--from", "2025-08-03T11:30", "--to", "2026-01-01")
    known = store.known_range("sandbox", "spot", "BTCUSDT")
    assert known is not None
    assert known[1] == now_ms // 60_000 * 60_000 - 60_000


@pytest.mark.django_db(transaction=True)
def test_an_unknown_symbol_is_the_exchanges_word(sandbox: SandboxProcess) -> None:
    code, said = refusal("NOSUCHUSDT", "--from", "2025-08-01")
    assert code == 1
    assert "ymbol" in said


@pytest.mark.django_db
@pytest.mark.parametrize("venue", ["testnet", "live"])
def test_no_other_venue_is_contacted_unless_it_is_allowed(venue: str) -> None:
    code, said = refusal("BTCUSDT", "--venue", venue)
    assert (code, said) == (1, f"This version trades on the paper market only, not on “{venue}”.")


@pytest.mark.django_db(transaction=True)
def test_futures_are_not_fetched_from_a_spot_market(sandbox: SandboxProcess) -> None:
    code, said = refusal("BTCUSDT", "--market", "futures", "--from", "2025-08-03")
    assert (code, said) == (
        1,
        "Candles of futures cannot be fetched by this version; import them from files.",
    )


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        ([], "Name at least one symbol"),
        (["--recordings", "BTCUSDT"], "--recordings stores all"),
        (["--recordings", "--from", "2025-01-01"], "--recordings stores all"),
        (["--file", "x.csv", "--venue", "sandbox"], "--file stores whole files"),
        (["BTCUSDT", "--source", "binance"], "--source goes with --file"),
    ],
)
def test_what_does_not_go_together_is_a_usage_error(arguments: list[str], said: str) -> None:
    code, told = refusal(*arguments)
    assert code == 2
    assert told.startswith(said)


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("name", "text"), [("--from", "yesterday"), ("--market", "options"), ("--venue", "moon")]
)
def test_words_that_mean_nothing_are_refused(name: str, text: str) -> None:
    _, said = refusal("BTCUSDT", name, text)
    assert text in said


@pytest.mark.django_db(transaction=True)
def test_an_empty_period_is_refused(sandbox: SandboxProcess) -> None:
    code, said = refusal("BTCUSDT", "--from", "2025-08-02", "--to", "2025-08-01")
    assert (code, said) == (2, "Nothing lies between 2025-08-02 00:00 and 2025-08-01 00:00.")


def archives(folder: Path) -> Path:
    """A folder as Binance's archives unpack, with other things in it."""
    monthly = folder / "data" / "spot" / "monthly" / "klines" / "BTCUSDT"
    for inside in ("1m", "5m"):
        (monthly / inside).mkdir(parents=True)
    zipped(monthly / "1m", f"{MAY}.zip", (f"{MAY}.csv", lines()))
    june = [row(number + 12 * 1440) for number in range(3)]
    zipped(monthly / "1m", "BTCUSDT-1m-2025-06.zip", ("BTCUSDT-1m-2025-06.csv", lines(june, times=1000)))
    zipped(monthly / "5m", "BTCUSDT-5m-2025-05.zip", ("BTCUSDT-5m-2025-05.csv", lines()))
    written(monthly, "readme.txt", "hello")
    zipped(monthly / "1m", "ETHUSDT-1m-2025-05.zip", ("ETHUSDT-1m-2025-05.csv", lines()))
    return folder / "data"


@pytest.mark.django_db
def test_a_folder_of_archives_is_imported(tmp_path: Path, capsys: Any) -> None:
    told = run(capsys, "--file", archives(tmp_path))
    assert told == [
        f"{MAY}.zip: 5 new of 5 candles of BTCUSDT, 2025-05-20 00:00 to 2025-05-20 00:04, source binance.",
        "BTCUSDT-1m-2025-06.zip: 3 new of 3 candles of BTCUSDT, 2025-06-01 00:00 to 2025-06-01 00:02, source binance.",
        "ETHUSDT-1m-2025-05.zip: 5 new of 5 candles of ETHUSDT, 2025-05-20 00:00 to 2025-05-20 00:04, source binance.",
        "Skipped: BTCUSDT-5m-2025-05.zip: it holds 5m candles; only one-minute candles are stored, others are made of "
        "them.",
        "Skipped: readme.txt: only .csv, .zip, .parquet, .feather, .arrow can be read.",
    ]
    assert (stored("BTCUSDT"), stored("ETHUSDT")) == (5, 5)


@pytest.mark.django_db
def test_only_the_symbols_named_are_taken(tmp_path: Path, capsys: Any) -> None:
    told = run(capsys, "ETHUSDT", "--file", archives(tmp_path))
    assert told[0] == f"Skipped: {MAY}.zip holds BTCUSDT."
    assert (stored("BTCUSDT"), stored("ETHUSDT")) == (0, 5)


@pytest.mark.django_db
def test_futures_are_kept_apart(tmp_path: Path, capsys: Any) -> None:
    assert refusal(
        "--market", "futures", "--file", archives(tmp_path) / "spot/monthly/klines/BTCUSDT/1m" / f"{MAY}.zip"
    ) == (
        1,
        f"{MAY}.zip: its folder is one of spot candles, not of futures.",
    )
    path = written(tmp_path / "own", f"{MAY}.csv", lines())
    run(capsys, "--market", "futures", "--file", path, "--source", "mine")
    assert stored("BTCUSDT", "futures", "mine") == 5


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("folder", "said"),
    [
        ("futures/cm/monthly/klines", "its folder is one of coin-margined futures candles, not of futures."),
        ("futures/um/daily/markPriceKlines", "its folder markPriceKlines holds no traded prices."),
        ("futures/um/daily/indexPriceKlines", "its folder indexPriceKlines holds no traded prices."),
    ],
)
def test_archives_of_other_prices_are_refused(tmp_path: Path, folder: str, said: str) -> None:
    path = written(tmp_path / folder / "BTCUSDT" / "1m", f"{MAY}.csv", lines())
    assert refusal("--market", "futures", "--file", path) == (1, f"{MAY}.csv: {said}")
    assert CandleBlock.objects.count() == 0


@pytest.mark.django_db
def test_archives_of_futures_are_imported(tmp_path: Path, capsys: Any) -> None:
    path = written(tmp_path / "futures/um/monthly/klines/BTCUSDT/1m", f"{MAY}.csv", lines())
    run(capsys, "--market", "futures", "--file", path)
    assert stored("BTCUSDT", "futures") == 5


@pytest.mark.django_db
def test_a_file_without_a_symbol_in_its_name_needs_one(tmp_path: Path, capsys: Any) -> None:
    path = written(tmp_path, "mine.csv", lines())
    code, said = refusal("--file", path)
    assert (code, said) == (
        2,
        "mine.csv does not say whose candles it holds: name one SYMBOL, or call it SYMBOL-1m.csv.",
    )
    run(capsys, "SOLUSDT", "--file", path)
    assert stored("SOLUSDT") == 5


@pytest.mark.django_db
def test_files_before_a_bad_one_stay_and_the_bad_one_is_named(tmp_path: Path, capsys: Any) -> None:
    good = written(tmp_path, "BTCUSDT-1m-2025-05.csv", lines())
    bad = written(tmp_path, "BTCUSDT-1m-2025-06.csv", lines([row(20_000, low="0")]))
    code, said = refusal("--file", good, bad, tmp_path / "BTCUSDT-1m-2025-07.csv")
    assert code == 1
    assert said.endswith("BTCUSDT-1m-2025-07.csv: there is no such file.")
    assert stored("BTCUSDT") == 0
    assert refusal("--file", good, bad) == (1, "BTCUSDT-1m-2025-06.csv, line 1: low 0 is not a price.")
    assert stored("BTCUSDT") == 5


@pytest.mark.django_db
def test_the_recordings_are_stored_at_their_true_dates_once(capsys: Any) -> None:
    assert run(capsys, "--recordings") == [
        "BTCUSDT: 130,708 new candles of source binance, at their true dates.",
        "ETHUSDT: 130,708 new candles of source binance, at their true dates.",
        "BTCUSDT (futures): 43,199 new candles of source binance, at their true dates.",
        "ETHUSDT (futures): 60,191 new candles of source binance, at their true dates.",
        "Futures: 236 new funding rates of source binance.",
    ]
    entry = recorded_entries()[0]
    assert store.known_range("binance", "spot", "BTCUSDT") == (entry["first_open_ms"], entry["last_open_ms"])
    assert CandleBlock.objects.filter(market="spot", symbol="BTCUSDT").count() == 4
    of_futures = recorded_entries(FUTURES_RECORDINGS)[1]
    known = store.known_range("binance", "futures", "ETHUSDT")
    assert known == (of_futures["first_open_ms"], of_futures["last_open_ms"])
    assert [store_recording(recording) for recording in recordings()] == [0, 0, 0, 0]


@pytest.mark.django_db
def test_recordings_never_replace_what_is_stored_otherwise(capsys: Any) -> None:
    from exchange.candles.blocks import add
    from tests.exchange.test_candle_files import EXPECTED

    add(Series("binance", "spot", "BTCUSDT", "1m"), EXPECTED)
    code, said = refusal("--recordings")
    assert code == 1
    assert "is stored with other numbers" in said
    assert stored("BTCUSDT") == 5


@pytest.mark.django_db(transaction=True)
def test_a_signal_ends_it_between_two_answers(sandbox: SandboxProcess, capsys: Any) -> None:
    code, said = _interrupted(signal.SIGTERM)
    assert (code, said) == (1, "Stopped. What was stored stays; the same command goes on from there.")
    assert signal.getsignal(signal.SIGTERM) is signal.SIG_DFL


def _interrupted(number: int) -> tuple[int, str]:
    """The signal comes as soon as the command listens: its own handler is there while it asks for the market's time."""
    import threading

    main = threading.main_thread().ident
    assert main is not None
    before = signal.getsignal(number)

    def send() -> None:
        while signal.getsignal(number) is before:
            continue
        os.kill(os.getpid(), number)

    sender = threading.Thread(target=send)
    sender.start()
    try:
        return refusal("BTCUSDT", "--from", "2025-06-01")
    finally:
        sender.join()


def test_the_exit_code_reaches_the_shell() -> None:
    command = [sys.executable, "manage.py", "backfill_candles", "--recordings", "BTCUSDT"]
    ended = subprocess.run(command, check=False, capture_output=True, text=True, timeout=60)
    assert ended.returncode == 2
    assert "CommandError: --recordings stores all" in ended.stderr
