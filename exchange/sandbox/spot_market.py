"""Answers about the market that need no key: time, rules, candles, tickers."""

from collections.abc import Callable
from typing import Any

from exchange.sandbox import errors, tickers
from exchange.sandbox.call import Call, Json
from exchange.sandbox.klines import INTERVAL_MS, Window
from exchange.sandbox.reading import Field, choice_field
from exchange.sandbox.shapes import symbol_info
from exchange.sandbox.tape import MINUTE_MS

INTERVAL_FIELD = choice_field("interval", tuple(INTERVAL_MS), errors.invalid_interval, required=True)
DEFAULT_KLINES = 500
WINDOW_MS = (
    {f"{minutes}m": minutes * MINUTE_MS for minutes in range(1, 60)}
    | {f"{hours}h": hours * 60 * MINUTE_MS for hours in range(1, 24)}
    | {f"{days}d": days * 24 * 60 * MINUTE_MS for days in range(1, 8)}
)


def _window(text: str) -> int:
    if text not in WINDOW_MS:
        raise errors.invalid_data("windowSize")
    return WINDOW_MS[text]


WINDOW_FIELD = Field("windowSize", None, _window)


def ping(call: Call) -> dict[str, Any]:
    return {}


def time(call: Call) -> dict[str, Any]:
    return {"serverTime": call.at.server_us // 1000}


def wanted_symbols(call: Call) -> list[str]:
    """The symbols a request names, or all; -1121 for one this venue has no candles of."""
    values, known = call.values, call.desk.market.tapes
    if "symbol" in values and "symbols" in values:
        raise errors.invalid_combination()
    wanted = [values["symbol"]] if "symbol" in values else values.get("symbols", list(known))
    if any(symbol not in known for symbol in wanted):
        raise errors.invalid_symbol()
    return wanted


def exchange_info(call: Call) -> dict[str, Any]:
    wanted = set(wanted_symbols(call))
    market, info = call.desk.market, call.desk.info
    return {
        "timezone": "UTC",
        "serverTime": call.at.server_us // 1000,
        "rateLimits": call.desk.limits.in_exchange_info(info["rateLimits"]),
        "exchangeFilters": info["exchangeFilters"],
        "symbols": [
            symbol_info(entry, market.status(entry["symbol"], call.at.market_ms))
            for entry in info["symbols"]
            if entry["symbol"] in wanted
        ],
    }


def other_exchange_info(call: Call) -> dict[str, Any]:
    """Of a market this venue has nothing in: clients that load every market at once ask for it."""
    return {
        "timezone": "UTC",
        "serverTime": call.at.server_us // 1000,
        "rateLimits": [],
        "exchangeFilters": [],
        "symbols": [],
    }


def margin_pairs(call: Call) -> list[Any]:
    """None."""
    return []


def klines(call: Call) -> list[Any]:
    values = call.values
    symbol = known_symbol(call)
    window = Window(
        values["interval"],
        values.get("limit", DEFAULT_KLINES),
        values.get("startTime"),
        values.get("endTime"),
    )
    return tickers.kline_rows(call.desk.market, symbol, window, call.at.market_ms)


def known_symbol(call: Call) -> str:
    symbol: str = call.values["symbol"]
    if symbol not in call.desk.market.tapes:
        raise errors.invalid_symbol()
    return symbol


def _for_each(call: Call, ticker: Callable[[str], dict[str, Any]]) -> Json:
    """One object when `symbol` is named, else a list."""
    found = [ticker(symbol) for symbol in wanted_symbols(call)]
    return found[0] if "symbol" in call.values else found


def price_tickers(call: Call) -> Json:
    return _for_each(call, lambda symbol: tickers.price_ticker(call.desk.market, symbol, call.at.market_ms))


def book_tickers(call: Call) -> Json:
    return _for_each(call, lambda symbol: tickers.book_ticker(call.desk.market, symbol, call.at.market_ms))


def rolling_tickers(call: Call) -> Json:
    """One window for all symbols; `symbol` or `symbols` must be named, as on Binance."""
    if "symbol" not in call.values and "symbols" not in call.values:
        raise errors.missing_both(("symbol", "symbols"))
    mini = call.values.get("type") == "MINI"
    window_ms = call.values.get("windowSize", WINDOW_MS["1d"])
    return _for_each(
        call,
        lambda symbol: tickers.rolling_ticker(
            call.desk.market, symbol, call.at.market_ms, mini=mini, window_ms=window_ms
        ),
    )


def day_tickers(call: Call) -> Json:
    mini = call.values.get("type") == "MINI"
    return _for_each(
        call, lambda symbol: tickers.day_ticker(call.desk.market, symbol, call.at.market_ms, mini=mini)
    )
