"""What a run sees of the market before it takes any lock: rules, candles and signals, as one version of a bot looks at
them. Talks to the exchange and to the candle store; writes no bot.
"""

from __future__ import annotations

from dataclasses import dataclass

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
class View:
    """What a run saw of the market before it took any lock, as this version of its bot looks at it."""

    config_version: int
    rules: SymbolRules
    rules_version: int
    candles: Candles
    signals: Signals
    interval_ms: int
    now_ms: int
    is_clock_right: bool

    @property
    def last_open_ms(self) -> int:
        return int(self.candles.open_ms[-1])

    def bar(self, index: int) -> Bar:
        return bar_at(
            self.candles,
            self.signals,
            index,
            interval_ms=self.interval_ms,
            rules=self.rules,
            now_ms=self.now_ms,
            is_last_closed=index == len(self.candles) - 1,
        )


def look(bot: BotConfig) -> View | None:
    """The market as this bot sees it now, or None when no candle has closed since its last run."""
    data = market_data(bot.api_key.venue)
    now_ms = data.market_time_ms(bot.symbol)
    newest = last_closed_opening(now_ms, bot.timeframe)
    seen = bot.state.last_candle_open_ms
    if seen is not None and seen >= newest:
        return None
    rules, version = rules_for(bot.api_key.venue, bot.position_type, bot.symbol)
    interval_ms = INTERVAL_MS[bot.timeframe]
    chosen, params = strategy(bot.strategy), parse_params(bot.strategy, bot.strategy_params)
    missed = 1 if seen is None else min((newest - seen) // interval_ms, MOST_MISSED)
    count = chosen.window(params) + missed
    series = (candle_store.source_of(bot.api_key.venue), bot.position_type, bot.symbol, bot.timeframe)
    candle_store.sync(data, *series, count=count, until_open_ms=newest)
    candles = candle_store.read(*series, count=count, until_open_ms=newest)
    if not len(candles) or int(candles.open_ms[-1]) != newest:
        return None
    signals = chosen.signals(candles, params)
    # Only an entry asks.
    is_clock_right = not signals.long_entry[-1] or abs(data.clock_offset_ms()) <= MOST_OFFSET_MS
    return View(bot.version, rules, version, candles, signals, interval_ms, now_ms, is_clock_right)


def unseen(view: View, seen: int | None, *, in_position: bool) -> range:
    """Indices of the candles to look at. Out of a position only the last closed one can lead to anything."""
    total = len(view.candles)
    if seen is None or not in_position:
        return range(total - 1, total)
    first = int((view.candles.open_ms <= seen).sum())
    return range(max(first, total - MOST_MISSED), total)
