"""Folds a bot's stretch of life and lays it beside what the bot traded and said. Writes nothing."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Final

from django.utils.translation import gettext as _

from bots.models import BotConfig
from engine.backtest import Backtested, run
from engine.market import MINUTE_MS, Candles, interval_ms
from engine.parity import Allowance, Comparison, Deal, compare, deals_of, signals_apart, signals_told
from engine.strategies import parse_params, strategy
from exchange.candles import ensure, find_gaps, history, source_of
from exchange.connect import market_data
from exchange.symbols import rules_for
from trading.research.parity_life import Stretch, deals_in, missed_in, said_in
from trading.research.settings import setting_of, settings_of_bot

# The paper market holds an opening for so long: a market order within it pays the opening, as a backtest does.
PUNCTUAL_MS: Final = 5_000


class CannotCompare(Exception):
    """There is nothing to compare; the text is for the owner."""


@dataclass(frozen=True)
class Told:
    """What a comparison says, beside its stretch."""

    comparison: Comparison
    live: list[Deal]
    backtest: list[Deal]
    signals: int
    apart: list[int]
    message: str


def compared(bot: BotConfig, stretch: Stretch) -> Told:
    length = interval_ms(bot.timeframe)
    found, message = _folded(bot, stretch)
    if found.folded.paused_ms:
        # Its user has started it again since, or will: the backtest has nobody who does.
        stretch = replace(stretch, end_ms=min(stretch.end_ms, found.folded.paused_ms + 1))
        message = _("Compared until the circuit breaker paused the bot.")
    ours, said = deals_in(bot, stretch), said_in(bot, stretch)
    theirs = [deal for deal in deals_of(found.folded) if deal.at_ms < stretch.end_ms]
    allowance = Allowance(window_ms=length, punctual_ms=PUNCTUAL_MS, missed=missed_in(bot, stretch, said))
    openings, until_ms = found.bars.open_ms, stretch.end_ms - length + 1
    said = [row for row in said if row.open_ms < until_ms]
    apart = signals_apart(
        said,
        openings,
        long_entry=found.signals.long_entry,
        long_exit=found.signals.long_exit,
        until_ms=until_ms,
    )
    told = signals_told(said, openings, until_ms=until_ms)
    return Told(compare(ours, theirs, allowance), ours, theirs, told, apart, message)


def _folded(bot: BotConfig, stretch: Stretch) -> tuple[Backtested, str]:
    assert bot.api_key is not None
    rules, _version = rules_for(bot.api_key.venue, bot.position_type, bot.symbol)
    minutes = _minutes(bot, stretch)
    setting = setting_of(settings_of_bot(bot), timeframe=bot.timeframe, rules=rules)
    found = run(
        minutes,
        interval=bot.timeframe,
        strategy=bot.strategy,
        params=bot.strategy_params,
        setting=replace(
            setting,
            initial_capital_e8=stretch.capital_e8,
            dust_quantity_e8=stretch.dust_quantity_e8,
            dust_cost_e8=stretch.dust_cost_e8,
        ),
        start_ms=stretch.start_ms - interval_ms(bot.timeframe),
        end_ms=stretch.end_ms,
    )
    has_gaps = find_gaps(minutes, "1m", stretch.start_ms, stretch.end_ms - MINUTE_MS)
    return found, _("The candles have gaps in this time.") if has_gaps else ""


def _minutes(bot: BotConfig, stretch: Stretch) -> Candles:
    """Of the stretch and before it as many as the bot itself looks at; fetched where they are missing."""
    assert bot.api_key is not None
    looks_at = strategy(bot.strategy).window(parse_params(bot.strategy, bot.strategy_params)) + 1
    warm_ms = stretch.start_ms - looks_at * interval_ms(bot.timeframe)
    of = (source_of(bot.api_key.venue), bot.position_type, bot.symbol)
    ensure(market_data(bot.api_key.venue), *of, start_ms=warm_ms, end_ms=stretch.end_ms)
    minutes = history(*of, "1m", start_ms=warm_ms, end_ms=stretch.end_ms)
    if not len(minutes) or int(minutes.open_ms[-1]) < stretch.start_ms:
        raise CannotCompare(_("The candles of this time are not to be had."))
    return minutes
