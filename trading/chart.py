"""What the bot page draws: candles, what its strategy looks at, and the bot's own trades as markers.

Closed candles come from the store; the running one, and whatever the store does not have yet, from the exchange, asked
at most once in two seconds for each series. Nothing is written, and nothing is invented: what is missing is left out.
"""

from __future__ import annotations

import time
from typing import Any, Final, NamedTuple

import numpy as np

from bots.models import BotConfig
from engine.market import Candles, FloatArray, interval_ms, last_closed_opening, prices
from exchange import candles as store
from exchange.connect import market_data
from exchange.port import ExchangeError, MarketData
from trading.exit_lines import exits_on
from trading.models import Trade
from trading.strategy_lines import drawing_of

SHOWN: Final = 300
FRESH_SECONDS: Final = 2.0

_asked: dict[tuple[str, str, str, int], tuple[float, Candles]] = {}


def chart_of(bot: BotConfig, *, since: int | None = None, now_ms: int | None = None) -> dict[str, Any]:
    """Ready for the browser: times in UTC seconds, prices as numbers. `since` (seconds) leaves out earlier candles."""
    drawing = drawing_of(bot.strategy, bot.strategy_params)
    now_ms = int(time.time() * 1000) if now_ms is None else now_ms
    series, is_current = candles_for(bot, count=min(1000, SHOWN + drawing.lead_in), now_ms=now_ms)
    closes = prices(series.close)
    first = max(0, len(series) - SHOWN)
    if since is not None:
        first = max(first, int(np.searchsorted(series.open_ms, since * 1000)))
    seconds = (series.open_ms[first:] // 1000).tolist()
    columns = [
        prices(column)[first:].tolist() for column in (series.open, series.high, series.low, series.close)
    ]
    return {
        "candles": [list(row) for row in zip(seconds, *columns, strict=True)],
        "lines": [
            {
                "name": line.name,
                "points": points(seconds, line.values[first:]),
                "pane": line.pane,
                "levels": line.levels,
            }
            for line in drawing.lines(closes)
        ],
        "trades": trades_on(bot, int(series.open_ms[max(0, len(series) - SHOWN)])) if len(series) else [],
        "entry_price": float(bot.state.entry_price)
        if bot.state.in_position and bot.state.entry_price
        else None,
        "exits": exits_on(bot),
        "is_current": is_current,
    }


def candles_for(bot: BotConfig, *, count: int, now_ms: int) -> tuple[Candles, bool]:
    """The newest candles of what the bot trades, as `newest_candles`."""
    series = ChartSeries(bot.api_key.venue, bot.position_type, bot.symbol, bot.timeframe)
    return newest_candles(series, count=count, now_ms=now_ms)


class ChartSeries(NamedTuple):
    """Whose candles a chart shows."""

    venue: str
    market: str
    symbol: str
    interval: str

    @property
    def stored(self) -> tuple[str, str, str, str]:
        """Its name in the candle store."""
        return store.source_of(self.venue), self.market, self.symbol, self.interval


def newest_candles(series: ChartSeries, *, count: int, now_ms: int) -> tuple[Candles, bool]:
    """The newest candles with the running one; False when the exchange could not be asked just now."""
    venue, _market, symbol, interval = series
    until = last_closed_opening(now_ms, interval)
    stored = store.read(*series.stored, count=count, until_open_ms=until)
    is_complete = len(stored) == count and int(stored.open_ms[-1]) == until
    try:
        asked = ask(market_data(venue), venue, symbol, interval, 3 if is_complete else count)
    except ExchangeError:
        return stored, False
    if not len(asked):
        return stored, False
    kept = stored[: int(np.searchsorted(stored.open_ms, asked.open_ms[0]))]
    if len(kept) and int(asked.open_ms[0]) - int(kept.open_ms[-1]) > interval_ms(interval):
        kept = Candles.empty()
    return _joined(kept, asked), True


def ask(market: MarketData, venue: str, symbol: str, interval: str, count: int) -> Candles:
    """The exchange's newest `count` candles, remembered for a moment so that many viewers cost one request."""
    key = (venue, symbol, interval, count)
    asked_at, answer = _asked.get(key, (-FRESH_SECONDS, Candles.empty()))
    if time.monotonic() - asked_at >= FRESH_SECONDS:
        answer = market.candles(symbol, interval, start_ms=None, end_ms=None, limit=count)
        _asked[key] = (time.monotonic(), answer)
    return answer


def _joined(first: Candles, second: Candles) -> Candles:
    pairs = zip(first.columns(), second.columns(), strict=True)
    return Candles(*(np.concatenate(pair) for pair in pairs))


def points(seconds: list[int], values: FloatArray) -> list[list[float]]:
    return [[at, value] for at, value in zip(seconds, values.tolist(), strict=True) if value == value]


def trades_on(bot: BotConfig, from_ms: int) -> list[dict[str, Any]]:
    """The bot's trades as markers on the candle they happened in."""
    length = interval_ms(bot.timeframe)
    found = []
    for trade in Trade.objects.filter(bot_config=bot).order_by("-timestamp")[:200]:
        at_ms = int(trade.timestamp.timestamp() * 1000)
        if at_ms >= from_ms:
            pnl = None if trade.realized_pnl is None else float(trade.realized_pnl)
            found.append(
                {
                    "time": at_ms // length * length // 1000,
                    "side": trade.side,
                    "price": float(trade.price),
                    "pnl": pnl,
                }
            )
    return found[::-1]
