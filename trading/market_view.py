"""What a run sees of the market before it takes any lock: rules, candles and signals, as one version of a bot looks at
them. Talks to the exchange and to the candle store; writes no bot.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

from bots.models import BotConfig
from engine.decide import Bar, bar_at
from engine.market import INTERVAL_MS, Candles, last_closed_opening
from engine.rules import SymbolRules
from engine.strategies import Signals, parse_params, strategy
from exchange import candles as candle_store
from exchange.connect import market_data
from exchange.port import MOST_OFFSET_MS
from exchange.symbols import rules_for

# Candles missed while nothing ran are looked at for exits; older ones than these cannot change what to do now.
MOST_MISSED = 500


@dataclass(frozen=True)
class SeriesView:
    """A symbol's rules and its candles up to the last closed one, the same for every bot that looks at them."""

    rules: SymbolRules
    rules_version: int
    candles: Candles
    interval_ms: int
    now_ms: int

    @property
    def last_open_ms(self) -> int:
        return int(self.candles.open_ms[-1])

    def newest(self, count: int) -> SeriesView:
        """The same with the last `count` candles only, as many as one strategy asked for."""
        return self if len(self.candles) <= count else replace(self, candles=self.candles[-count:])

    def bar(self, signals: Signals, index: int) -> Bar:
        """The candle at `index` with what a strategy says of it."""
        return bar_at(
            self.candles,
            signals,
            index,
            interval_ms=self.interval_ms,
            rules=self.rules,
            now_ms=self.now_ms,
            is_last_closed=index == len(self.candles) - 1,
        )


@dataclass(frozen=True)
class View:
    """What a run saw of the market before it took any lock, as this version of its bot looks at it."""

    config_version: int
    series: SeriesView
    signals: Signals
    is_clock_right: bool

    @property
    def rules(self) -> SymbolRules:
        return self.series.rules

    @property
    def rules_version(self) -> int:
        return self.series.rules_version

    @property
    def candles(self) -> Candles:
        return self.series.candles

    @property
    def interval_ms(self) -> int:
        return self.series.interval_ms

    @property
    def last_open_ms(self) -> int:
        return self.series.last_open_ms

    def bar(self, index: int) -> Bar:
        return self.series.bar(self.signals, index)


def look(bot: BotConfig) -> View | None:
    """The market as this bot sees it now, or None when no candle has closed since its last run."""
    data = market_data(bot.api_key.venue)
    now_ms = data.market_time_ms(bot.symbol)
    newest = last_closed_opening(now_ms, bot.timeframe)
    seen = bot.state.last_candle_open_ms
    if seen is not None and seen >= newest:
        return None
    chosen, params = strategy(bot.strategy), parse_params(bot.strategy, bot.strategy_params)
    missed = 1 if seen is None else min((newest - seen) // INTERVAL_MS[bot.timeframe], MOST_MISSED)
    of = (bot.api_key.venue, bot.position_type, bot.symbol, bot.timeframe)
    series = look_at_series(*of, now_ms=now_ms, count=chosen.window(params) + missed)
    if series is None:
        return None
    signals = chosen.signals(series.candles, params)
    # Only an entry asks.
    is_clock_right = not signals.long_entry[-1] or abs(data.clock_offset_ms()) <= MOST_OFFSET_MS
    return View(bot.version, series, signals, is_clock_right)


def look_at_series(
    venue: str, market: str, symbol: str, timeframe: str, *, now_ms: int, count: int
) -> SeriesView | None:
    """Rules and the last `count` closed candles, fetched where they are not stored yet; None when the newest of them
    is not to be had. Raises UnknownSymbol or ExchangeError. Call it outside a transaction."""
    rules, version = rules_for(venue, market, symbol)
    newest = last_closed_opening(now_ms, timeframe)
    of = (candle_store.source_of(venue), market, symbol, timeframe)
    candle_store.sync(market_data(venue), *of, count=count, until_open_ms=newest)
    candles = candle_store.read(*of, count=count, until_open_ms=newest)
    if not len(candles) or int(candles.open_ms[-1]) != newest:
        return None
    return SeriesView(rules, version, candles, INTERVAL_MS[timeframe], now_ms)


def unseen(view: View, seen: int | None, *, in_position: bool) -> range:
    """Indices of the candles to look at. Out of a position only the last closed one can lead to anything."""
    total = len(view.candles)
    if seen is None or not in_position:
        return range(total - 1, total)
    first = int((view.candles.open_ms <= seen).sum())
    return range(max(first, total - MOST_MISSED), total)
