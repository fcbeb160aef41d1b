"""Stream names mean on this venue what they mean on Binance, or nothing."""

import pytest

from exchange.sandbox.klines import INTERVAL_MS
from exchange.sandbox.stream_names import Stream, stream_of

SYMBOLS = {"BTCUSDT", "ETHUSDT"}


@pytest.mark.parametrize("interval", INTERVAL_MS)
def test_klines_of_every_interval(interval):
    name = f"btcusdt@kline_{interval}"
    assert stream_of(name, SYMBOLS) == Stream(name, "kline", 2_000_000, "BTCUSDT", interval)


@pytest.mark.parametrize(
    ("name", "kind", "every_us"),
    [
        ("ethusdt@miniTicker", "miniTicker", 1_000_000),
        ("ethusdt@ticker", "ticker", 1_000_000),
        ("ethusdt@bookTicker", "bookTicker", 100_000),
        ("ethusdt@trade", "trade", 100_000),
        ("ethusdt@aggTrade", "aggTrade", 100_000),
        ("ethusdt@depth", "depth", 1_000_000),
        ("ethusdt@depth@100ms", "depth", 100_000),
    ],
)
def test_streams_of_one_symbol(name, kind, every_us):
    assert stream_of(name, SYMBOLS) == Stream(name, kind, every_us, "ETHUSDT")


@pytest.mark.parametrize("levels", [5, 10, 20])
@pytest.mark.parametrize(("pace", "every_us"), [("", 1_000_000), ("@1000ms", 1_000_000), ("@100ms", 100_000)])
def test_partial_books(levels, pace, every_us):
    name = f"btcusdt@depth{levels}{pace}"
    assert stream_of(name, SYMBOLS) == Stream(name, "book", every_us, "BTCUSDT", levels=levels)


@pytest.mark.parametrize("name", ["!miniTicker@arr", "!miniTicker@arr@1000ms"])
def test_all_mini_tickers_under_both_names(name):
    assert stream_of(name, SYMBOLS) == Stream(name, "miniTickers", 1_000_000)


@pytest.mark.parametrize(
    "name",
    [
        "",
        "btcusdt",
        "btcusdt@",
        "BTCUSDT@kline_1m",
        "xrpusdt@kline_1m",
        "btcusdt@kline_1s",
        "btcusdt@kline_1M",
        "btcusdt@kline_1m@+08:00",
        "btcusdt@depth7",
        "btcusdt@depth5@250ms",
        "!ticker@arr",
        "!miniTicker@arr@3000ms",
        "btcusdt_perpetual@continuousKline_1m",
    ],
)
def test_everything_else_means_nothing(name):
    assert stream_of(name, SYMBOLS) is None
