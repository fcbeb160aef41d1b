"""The other side of `./run parity`: the same configuration, folded over the recording itself."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np

from engine.amounts import e6_from_percent, e8_from_decimal, share_e6
from engine.backtest import Backtested, run
from engine.fold import Setting
from engine.market import INTERVAL_MS, Candles
from engine.parity import Deal, deals_of
from engine.rules import SymbolRules, rules_from_symbol_info
from exchange.sandbox.market import Market
from exchange.sandbox.tape import MINUTE_MS, load_exchange_info, load_tapes
from tradebot.verbs.parity_bots import ParityBot

# Long enough that indicators have forgotten where they began.
WARM_UP_BARS = 2_000


@dataclass(frozen=True, eq=False)
class Folding:
    """What the backtest of one bot says."""

    found: Backtested
    deals: list[Deal]


class Recording:
    """The recorded market, its past and its future; market time is recorded time."""

    @cached_property
    def market(self) -> Market:
        return Market(load_tapes(), 0)

    @cached_property
    def rules(self) -> dict[str, SymbolRules]:
        return {info["symbol"]: rules_from_symbol_info(info) for info in load_exchange_info()["symbols"]}

    def minutes(self, symbol: str, start_ms: int, end_ms: int) -> Candles:
        """Candles that open from `start_ms` on and close by `end_ms`."""
        tape = self.market.tapes[symbol]
        first, last = ((at_ms - tape.first_open_ms) // MINUTE_MS for at_ms in (start_ms, end_ms))
        part = slice(first, last)
        openings = start_ms + MINUTE_MS * np.arange(last - first, dtype=np.int64)
        open_, high, low, close = (
            column[part] * tape.tick_e8 for column in (tape.open, tape.high, tape.low, tape.close)
        )
        return Candles(openings, open_, high, low, close, tape.volume[part])

    def fold(self, bot: ParityBot, *, start_ms: int, end_ms: int) -> Folding:
        """The bot from its first look, at `start_ms` on the candle that has just closed, to `end_ms`."""
        length = INTERVAL_MS[bot.timeframe]
        found = run(
            self.minutes(bot.symbol, start_ms - WARM_UP_BARS * length, end_ms),
            interval=bot.timeframe,
            strategy=bot.strategy,
            params=bot.params,
            setting=setting_of(bot, self.rules[bot.symbol]),
            start_ms=start_ms - length,
            end_ms=end_ms,
        )
        return Folding(found, deals_of(found.folded))


def setting_of(bot: ParityBot, rules: SymbolRules) -> Setting:
    body = bot.body(0)
    capital = e8_from_decimal(body["initial_capital"])

    def share(name: str) -> int | None:
        return e6_from_percent(body[name]) if name in body else None

    def amount(name: str) -> int | None:
        return share_e6(capital, e6_from_percent(body[name])) if name in body else None

    return Setting(
        rules=rules,
        interval_ms=INTERVAL_MS[bot.timeframe],
        initial_capital_e8=capital,
        size_percent_e6=share("position_size_perc"),
        stop_percent_e6=share("stop_loss_perc"),
        target_percent_e6=share("take_profit_perc"),
        trailing_percent_e6=share("trailing_stop_perc"),
        max_daily_trades=body.get("max_daily_trades"),
        max_daily_loss_e8=amount("max_daily_loss_perc"),
        daily_target_e8=amount("daily_target_perc"),
        cooldown_candles=body.get("cooldown_candles", 0),
    )
