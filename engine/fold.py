"""The backtest of one bot: the compiled `step` folded over its candles, orders filled as the exchange would (SPEC §5).

Same candles, signals and setting, same result, to the last digit and on every machine. Orders of other bots, the
user's hand and a wallet other than the bot's own capital do not occur here.
"""

from dataclasses import dataclass
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from engine import results
from engine.booking import Costs
from engine.compiled import compiled
from engine.exits import first_stop_e6, worst_sale_e6
from engine.fills import AT_MARKET, Book, Terms
from engine.limits import NO_LIMIT, DailyLimits
from engine.margin import Bracket, Funding, ladder_of, scale_of
from engine.market import MINUTE_MS, Candles
from engine.orders import OrderType
from engine.results import Folded
from engine.rules import SymbolRules
from engine.sizing import WHOLE_CAPITAL_E6
from engine.slippage import DEFAULT_MAX_PERCENT_E6
from engine.step import REASON_STOP_BEYOND_LIQUIDATION, Setup
from engine.strategies.contract import Signals
from engine.walk import Flags, Rows, Series, walk

SPOT: Final = "spot"
FUTURES: Final = "futures"
DIRECTIONS: Final = ("long", "short", "both")
REASON_CODES: Final = REASON_STOP_BEYOND_LIQUIDATION + 1
POSITION_COLUMNS: Final = 13
TRADE_COLUMNS: Final = 10


@dataclass(frozen=True, kw_only=True)
class Setting:
    """A bot as far as a backtest knows it. Money in 1e-8 of quote, shares in 1e-6; None: not wanted. At most one of the
    two sizes, neither means the whole capital; daily loss and target are amounts."""

    rules: SymbolRules
    interval_ms: int
    initial_capital_e8: int
    # What is left of earlier trades, at cost; the capital includes it.
    dust_quantity_e8: int = 0
    dust_cost_e8: int = 0
    size_percent_e6: int | None = None
    size_fixed_e8: int | None = None
    stop_percent_e6: int | None = None
    target_percent_e6: int | None = None
    trailing_percent_e6: int | None = None
    stop_limit_offset_e6: int = 20_000
    max_daily_trades: int | None = None
    max_daily_loss_e8: int | None = None
    daily_target_e8: int | None = None
    cooldown_candles: int = 0
    max_slippage_e6: int = DEFAULT_MAX_PERCENT_E6
    taker_e6: int = 1_000
    maker_e6: int = 1_000
    slippage_e6: int = 0
    # "long"; on futures also "short" or "both".
    direction: str = "long"
    market: str = "spot"
    leverage: int = 1
    # Of futures: the symbol's brackets, and the settlements over the period (None: none is known, none is paid).
    brackets: tuple[Bracket, ...] = ()
    funding: Funding | None = None


class UnservedSetting(ValueError):
    """The setting asks for what a backtest cannot do; the message says what."""


def fold(
    bars: Candles, signals: Signals, setting: Setting, *, minutes: Candles | None, start_ms: int
) -> Folded:
    """`bars` are whole candles of the bot's timeframe with a signal each, `minutes` the one-minute candles they are
    made of (None: bars are walked by themselves, exact for one-minute bars). Bars that open before `start_ms` only warm
    the indicators. Raises `UnservedSetting`."""
    terms = terms_of(setting, stretch=1 if minutes is not None else setting.interval_ms // MINUTE_MS)
    first = int(np.searchsorted(bars.open_ms, start_ms))
    flags = _flags(signals, terms.setup)
    rows = _empty_rows(len(bars), int(np.count_nonzero(flags.entry[first:])))
    under = bars if minutes is None else minutes
    book = compiled(walk)(_series(bars), _series(under), flags, terms, _settlements(setting), rows, first)
    return _folded(book, rows, bars, first, setting)


def terms_of(setting: Setting, *, stretch: int = 1) -> Terms:
    """What the compiled walk needs of a setting."""
    objection = _objection(setting)
    if objection:
        raise UnservedSetting(objection)
    rules, is_spot = setting.rules, setting.market == SPOT
    has_limit = is_spot and OrderType.STOP_LOSS not in rules.order_types
    return Terms(
        setup=_setup(setting, has_limit=has_limit),
        costs=Costs(setting.taker_e6, setting.maker_e6, setting.slippage_e6),
        tick_e8=rules.tick_e8,
        step_e8=rules.step_e8,
        interval_ms=setting.interval_ms,
        stretch=stretch,
        initial_capital_e8=setting.initial_capital_e8,
        stop_percent_e6=setting.stop_percent_e6 or 0,
        target_percent_e6=setting.target_percent_e6 or 0,
        limit_offset_e6=setting.stop_limit_offset_e6 if has_limit else AT_MARKET,
        max_slippage_e6=setting.max_slippage_e6,
        # Whether the symbol trades today says nothing about the past.
        takes_orders=int(
            (rules.quote_order_allowed or not is_spot) and OrderType.MARKET in rules.order_types
        ),
        dust_quantity_e8=setting.dust_quantity_e8,
        dust_cost_e8=setting.dust_cost_e8,
    )


def _objection(setting: Setting) -> str:
    """Why this cannot be served; "" where it can."""
    if setting.size_percent_e6 is not None and setting.size_fixed_e8 is not None:
        return "a bot has one size: a share or a fixed amount"
    if setting.market == SPOT:
        is_plain = (setting.direction, setting.leverage, setting.brackets) == ("long", 1, ())
        return "" if is_plain and setting.funding is None else "spot bots go long, without leverage"
    if setting.market != FUTURES or setting.direction not in DIRECTIONS:
        return f"there are no bots on {setting.market} that go {setting.direction}"
    if not setting.brackets:
        return f"the leverage brackets of {setting.rules.symbol} are not known"
    if not 1 <= setting.leverage <= setting.brackets[0].max_leverage:
        return f"{setting.rules.symbol} allows a leverage of 1 to {setting.brackets[0].max_leverage}"
    if not setting.stop_percent_e6:
        return "a bot on futures needs a stop loss"
    return "there is no dust on futures" if setting.dust_quantity_e8 or setting.dust_cost_e8 else ""


def _setup(setting: Setting, *, has_limit: bool) -> Setup:
    rules, share, is_spot = setting.rules, setting.size_percent_e6, setting.market == SPOT
    return Setup(
        size_percent_e6=WHOLE_CAPITAL_E6 if share is None else share,
        size_fixed_e8=setting.size_fixed_e8 or 0,
        limits=rules.market_limits,
        daily=DailyLimits(
            max_trades=_limit(setting.max_daily_trades),
            max_loss_e8=_limit(setting.max_daily_loss_e8),
            target_e8=_limit(setting.daily_target_e8),
        ),
        trailing_percent_e6=setting.trailing_percent_e6 or 0,
        cooldown_candles=setting.cooldown_candles,
        worst_sale_e6=worst_sale_e6(
            setting.stop_percent_e6,
            setting.trailing_percent_e6,
            setting.stop_limit_offset_e6 if has_limit else 0,
        ),
        stop_min_notional_e8=rules.min_notional_e8,
        allows_long=int(setting.direction != "short"),
        allows_short=int(setting.direction != "long"),
        leverage=0 if is_spot else setting.leverage,
        taker_e6=setting.taker_e6,
        first_stop_e6=first_stop_e6(setting.stop_percent_e6, setting.trailing_percent_e6),
        tick_e8=rules.tick_e8,
        scale=scale_of(rules.step_e8),
        brackets=ladder_of(setting.brackets),
    )


def _flags(signals: Signals, setup: Setup) -> Flags:
    ready, long, out, short, cover = map(
        _column,
        (signals.ready, signals.long_entry, signals.long_exit, signals.short_entry, signals.short_exit),
    )
    entry = long
    if setup.allows_short:
        entry = _column(long | short) if setup.allows_long else short
    return Flags(ready, entry, long, out, short, cover)


def _settlements(setting: Setting) -> Funding:
    """None on spot. Those of one minute count at its beginning."""
    if setting.funding is None:
        return Funding(_column(np.empty(0, dtype=np.int64)), _column(np.empty(0, dtype=np.int64)))
    at_ms = setting.funding.at_ms // MINUTE_MS * MINUTE_MS
    return Funding(_column(at_ms), _column(setting.funding.rate_e8))


def _limit(limit: int | None) -> int:
    return NO_LIMIT if limit is None else limit


def _series(candles: Candles) -> Series:
    return Series(*map(_column, candles.columns()[:5]))


def _column(values: NDArray[Any]) -> NDArray[Any]:
    """The same numbers as a plain, contiguous, read-only vector. Memory-mapped, writable and strided ones would each
    have the whole walk compiled for them alone."""
    column: NDArray[Any] = np.require(values, requirements=["C", "A"]).view(np.ndarray)
    column.setflags(write=False)
    return column


def _empty_rows(bars: int, entries: int) -> Rows:
    """A position needs an entry signal, so there are never more; untouched rows cost no memory."""
    return Rows(
        positions=np.empty((POSITION_COLUMNS, entries + 1), dtype=np.int64),
        trades=np.empty((TRADE_COLUMNS, 2 * entries + 1), dtype=np.int64),
        equity_e8=np.empty(bars, dtype=np.int64),
        reasons=np.zeros(REASON_CODES, dtype=np.int64),
    )


def _folded(book: Book, rows: Rows, bars: Candles, first: int, setting: Setting) -> Folded:
    return Folded(
        positions=results.Positions(*rows.positions[:, : book.positions]),
        trades=results.Trades(*rows.trades[:, : book.trades]),
        equity_ms=bars.open_ms[first:] + setting.interval_ms,
        equity_e8=rows.equity_e8[first:],
        balance_e8=int(book.account.money_e8),
        dust_quantity_e8=int(book.account.quantity_e8),
        dust_cost_e8=int(book.account.cost_e8),
        reasons=rows.reasons,
        paused_ms=int(book.paused_ms),
        first_bar=first,
        last_bar=len(bars) - 1,
    )
