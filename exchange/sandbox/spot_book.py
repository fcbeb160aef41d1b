"""Answers about book, single trades and averages: derived, not recorded (`book` and `public_trades` say how)."""

from typing import Any

from exchange.sandbox import book, errors
from exchange.sandbox.call import Call
from exchange.sandbox.market import AVERAGE_MINUTES
from exchange.sandbox.public_trades import (
    PublicTrade,
    last_trade_id,
    recent_trades,
    trades_between,
)
from exchange.sandbox.reading import Field, integer_field, limit_field, symbol_field
from exchange.sandbox.shapes import aggregate_trade, fixed
from exchange.sandbox.spot_market import known_symbol

DEFAULT_DEPTH, MOST_DEPTH = 100, 5_000
DEFAULT_TRADES, MOST_TRADES = 500, 1_000
WEIGHT_OF_DEPTH = ((100, 5), (500, 25), (1_000, 50), (MOST_DEPTH, 250))

DEPTH_FIELDS: tuple[Field, ...] = (symbol_field(required=True), limit_field(MOST_DEPTH))
TRADES_FIELDS: tuple[Field, ...] = (symbol_field(required=True), limit_field(MOST_TRADES))
OLDER_FIELDS: tuple[Field, ...] = (*TRADES_FIELDS, integer_field("fromId"))
AGGREGATES_FIELDS: tuple[Field, ...] = (
    *OLDER_FIELDS, integer_field("startTime"), integer_field("endTime"),
)  # fmt: skip


def depth_weight(values: dict[str, str]) -> int:
    limit = int(values["limit"]) if values.get("limit", "").isdigit() else DEFAULT_DEPTH
    return next((weight for most, weight in WEIGHT_OF_DEPTH if limit <= most), WEIGHT_OF_DEPTH[-1][1])


def depth(call: Call) -> dict[str, Any]:
    levels = call.values.get("limit", DEFAULT_DEPTH)
    return book.depth(call.desk.market, known_symbol(call), call.at.market_ms, levels)


def trades(call: Call) -> list[Any]:
    return [_trade(trade) for trade in _newest(call, call.at.market_ms)]


def older_trades(call: Call) -> list[Any]:
    """From an id on, else the newest."""
    if "fromId" in call.values:
        return [_trade(trade) for trade in _from(call, call.values["fromId"])]
    return trades(call)


def aggregates(call: Call) -> list[Any]:
    """From an id or a time on, up to an end; else the newest. Every aggregate holds one trade."""
    values, market, symbol = call.values, call.desk.market, known_symbol(call)
    if "fromId" in values and ("startTime" in values or "endTime" in values):
        raise errors.invalid_combination()
    end_ms = min(values.get("endTime", call.at.market_ms), call.at.market_ms)
    if "fromId" in values:
        found = _from(call, values["fromId"])
    elif "startTime" in values:
        earlier = last_trade_id(market, symbol, values["startTime"] - 1)
        found = [trade for trade in _from(call, earlier + 1) if trade.market_ms <= end_ms]
    else:
        found = _newest(call, end_ms)
    return [aggregate_trade(trade) for trade in found]


def _newest(call: Call, end_ms: int) -> list[PublicTrade]:
    limit = call.values.get("limit", DEFAULT_TRADES)
    return recent_trades(call.desk.market, known_symbol(call), end_ms, limit)


def _from(call: Call, first_id: int) -> list[PublicTrade]:
    """The first `limit` trades from an id on; seconds without trades are passed over."""
    market, symbol = call.desk.market, known_symbol(call)
    limit = call.values.get("limit", DEFAULT_TRADES)
    last = last_trade_id(market, symbol, call.at.market_ms)
    found: list[PublicTrade] = []
    for trade in trades_between(market, symbol, first_id, last):
        found.append(trade)
        if len(found) == limit:
            break
    return found


def _trade(trade: PublicTrade) -> dict[str, Any]:
    return {
        "id": trade.trade_id,
        "price": fixed(trade.price),
        "qty": fixed(trade.quantity),
        "quoteQty": fixed(trade.quote),
        "time": trade.market_ms,
        "isBuyerMaker": trade.is_buyer_maker,
        "isBestMatch": True,
    }


def average_price(call: Call) -> dict[str, Any]:
    return {
        "mins": AVERAGE_MINUTES,
        "price": fixed(call.desk.market.average_e8(known_symbol(call), call.at.market_ms)),
        "closeTime": call.at.market_ms,
    }
