"""Why a bot did nothing on a candle that has no row of its own: recomputed by the same pure function, from the stored
candles, the version of the configuration that held then, and what the positions say of that time.

A run writes a row whenever it has something new to say. So what is recomputed must say what the row before it said; if
it does not, the bot did not look at this candle.
"""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime
from decimal import Decimal
from types import SimpleNamespace
from typing import Any

from django.db.models import Q, Sum

from bots.models import BotConfig, BotVersion
from bots.versions import filled
from engine.decide import Bar, Snapshot, decide, says_something_new
from engine.decide import Decision as Decided
from engine.market import INTERVAL_MS
from engine.reasons import REASON_OF_CODE, Reason
from engine.rules import SymbolRules
from engine.strategies import parse_params, strategy
from exchange import candles as candle_store
from exchange.instants import instant_of, ms_of
from exchange.symbols import rules_for
from trading.market_view import SeriesView
from trading.models import Decision, Position
from trading.snapshots import flat_snapshot

AMOUNTS = (
    "initial_capital", "position_size_perc", "position_size_fixed", "max_daily_loss_perc", "daily_target_perc",
)  # fmt: skip
# What candles, configuration and positions tell again; every other reason was a block of that time.
TOLD_AGAIN = frozenset(REASON_OF_CODE.values())


def why(bot: BotConfig, candle_open_ms: int) -> Decided | None:
    """What the bot concluded on this candle; None where it did not look at it, or where the candle has a row of its
    own that says something new: read that. Asks no exchange for candles. Raises UnknownSymbol or ExchangeError where
    the symbol's rules cannot be had, and what a strategy raises that is gone or refuses its parameters."""
    before = _row_before(bot, candle_open_ms)
    if before is None or not _was_looked_at(bot, candle_open_ms):
        return None
    for config in _configurations_then(bot, before, candle_open_ms):
        decided = _decide_again(bot, config, before, candle_open_ms)
        if decided is not None and not says_something_new(before.reason, decided):
            return decided
    return None


def _decide_again(bot: BotConfig, config: Any, before: Decision, open_ms: int) -> Decided | None:
    rules, version = rules_for(bot.account.venue, config.position_type, config.symbol)
    bar = _bar(bot, config, rules, version, open_ms)
    if bar is None:
        return None
    return decide(_snapshot(bot, config, rules, before, at=instant_of(bar.acts_at_ms)), bar)


def _row_before(bot: BotConfig, open_ms: int) -> Decision | None:
    rows = Decision.objects.filter(bot_config=bot, candle_open_ms__lte=open_ms)
    return rows.order_by("-candle_open_ms", "-pk").first()


def _was_looked_at(bot: BotConfig, open_ms: int) -> bool:
    seen = bot.state.last_candle_open_ms
    return seen is not None and seen >= open_ms


def _configurations_then(bot: BotConfig, before: Decision, open_ms: int) -> list[Any]:
    """The versions that may have held at the candle's close, the likeliest first: those between the rows around it,
    newest saved by then. (A paper market that does not run by the wall clock dates no version exactly.)"""
    after = Decision.objects.filter(bot_config=bot, candle_open_ms__gt=open_ms).order_by(
        "candle_open_ms", "pk"
    )
    newest = after.values_list("config_version", flat=True).first() or bot.version
    saved = BotVersion.objects.filter(bot_config=bot, version__range=(before.config_version, newest))
    likely: list[Any] = []
    others: list[Any] = []
    for version in saved.order_by("-version"):
        config = _read(version.configuration)
        interval_ms = INTERVAL_MS[config.timeframe]
        if open_ms % interval_ms == 0:
            is_saved = version.created_at <= instant_of(open_ms + interval_ms)
            (likely if is_saved else others).append(config)
    return [*likely, *others]


def _read(configuration: dict[str, Any]) -> Any:
    """A stored version with its amounts as numbers again; the fields are called as on the bot."""
    values = filled(configuration)
    amounts = {name: None if values[name] is None else Decimal(values[name]) for name in AMOUNTS}
    return SimpleNamespace(**{**values, **amounts})


def _bar(bot: BotConfig, config: Any, rules: SymbolRules, version: int, open_ms: int) -> Bar | None:
    """The candle as the run saw it that looked at it in time; None where it is not stored."""
    chosen, params = strategy(config.strategy), parse_params(config.strategy, config.strategy_params)
    interval_ms = INTERVAL_MS[config.timeframe]
    source = candle_store.source_of(bot.account.venue)
    candles = candle_store.read(
        source,
        config.position_type,
        config.symbol,
        config.timeframe,
        count=chosen.window(params) + 1,
        until_open_ms=open_ms,
    )
    if not len(candles) or int(candles.open_ms[-1]) != open_ms:
        return None
    series = SeriesView(rules, version, candles, interval_ms, now_ms=open_ms + interval_ms)
    return series.bar(chosen.signals(candles, params), len(candles) - 1)


def _snapshot(bot: BotConfig, config: Any, rules: SymbolRules, before: Decision, *, at: datetime) -> Snapshot:
    """What was known at that instant. What stood in the way then is what the row before says stood there."""
    block = None if before.reason in TOLD_AGAIN else before.reason
    closed = Position.objects.filter(bot_config=bot, closed_at__lt=at)
    last_exit = closed.order_by("-closed_at").values_list("closed_at", flat=True).first()
    flat = flat_snapshot(
        config,
        _state_then(bot, at),
        rules,
        entry_block=block,
        last_exit_ms=None if last_exit is None else ms_of(last_exit),
    )
    # The wallet of that time is not kept. Had it been too small, there would be a row.
    flat = replace(flat, available_e8=max(flat.capital_e8, 0))
    if not _is_in_position(bot, at):
        return flat
    # Nor is the stop of that time: had it moved, or had anything been sold, there would be a row.
    return replace(
        flat,
        in_position=True,
        quantity_steps=1,
        exit_block=block,
        exits_follow_signal=before.reason != Reason.POSITION_KEPT,
    )


def _is_in_position(bot: BotConfig, at: datetime) -> bool:
    opened = Position.objects.filter(bot_config=bot, opened_at__lt=at)
    return opened.filter(Q(closed_at__isnull=True) | Q(closed_at__gte=at)).exists()


def _state_then(bot: BotConfig, at: datetime) -> Any:
    midnight = at.replace(hour=0, minute=0, second=0, microsecond=0)
    positions = Position.objects.filter(bot_config=bot)
    total = Sum("realized_pnl", default=Decimal(0))
    closed = positions.filter(closed_at__lt=at)
    return SimpleNamespace(
        realized_pnl=closed.aggregate(total=total)["total"],
        daily_pnl=closed.filter(closed_at__gte=midnight).aggregate(total=total)["total"],
        daily_trades_count=positions.filter(opened_at__gte=midnight, opened_at__lt=at).count(),
        counters_date=at.date(),
    )
