"""Results of backtests made up for tests: consistent with themselves, whatever they say about trading."""

from dataclasses import dataclass

import numpy as np
from hypothesis import strategies as st

from engine.market import DAY_MS, MINUTE_MS, Candles, IntArray, candles_of
from engine.results import END_OF_DATA, EXIT_REASONS, EXIT_SIGNAL, Folded, Positions, Trades

E8 = 10**8
NEW_YEAR_MS = 1_704_067_200_000  # 2024-01-01, a Monday
BAR_MS = 15 * MINUTE_MS


@dataclass(frozen=True, kw_only=True)
class Plain:
    """The part of a setting that statistics read."""

    initial_capital_e8: int = 1_000 * E8
    taker_e6: int = 1_000


@dataclass(frozen=True, kw_only=True)
class Held:
    """A position, by bars; prices in whole quote units."""

    first: int
    bars: int
    pnl_e8: int
    entry: int = 100
    exit: int = 100
    lowest: int = 100
    highest: int = 100
    side: int = 1
    fees_e8: int = 0
    funding_e8: int = 0
    cost_e8: int = 500 * E8
    reason: int = EXIT_SIGNAL


def ints(values: object) -> IntArray:
    return np.array(values, np.int64).reshape(-1)


def bars_of(closes: list[int], *, start_ms: int = NEW_YEAR_MS, bar_ms: int = BAR_MS) -> Candles:
    """Bars whose opening is the close before (the first opens where it closes)."""
    opens = [closes[0], *closes[:-1]]
    rows = zip(opens, closes, strict=True)
    return candles_of(
        (start_ms + number * bar_ms, opened, max(opened, closed), min(opened, closed), closed, E8)
        for number, (opened, closed) in enumerate(rows)
    )


def positions_of(held: list[Held], *, start_ms: int = NEW_YEAR_MS, bar_ms: int = BAR_MS) -> Positions:
    return Positions(
        opened_ms=ints([start_ms + one.first * bar_ms for one in held]),
        closed_ms=ints([start_ms + (one.first + one.bars) * bar_ms for one in held]),
        side=ints([one.side for one in held]),
        quantity_e8=ints([one.cost_e8 // one.entry for one in held]),
        entry_price_e8=ints([one.entry * E8 for one in held]),
        exit_price_e8=ints([one.exit * E8 for one in held]),
        cost_e8=ints([one.cost_e8 for one in held]),
        fees_e8=ints([one.fees_e8 for one in held]),
        funding_e8=ints([one.funding_e8 for one in held]),
        pnl_e8=ints([one.pnl_e8 for one in held]),
        exit_reason=ints([one.reason for one in held]),
        lowest_e8=ints([one.lowest * E8 for one in held]),
        highest_e8=ints([one.highest * E8 for one in held]),
    )


def trades_of(positions: Positions) -> Trades:
    """An entry and an exit for each position."""
    count = len(positions)
    both = np.stack([positions.opened_ms, positions.closed_ms], axis=1).reshape(-1)
    flags = np.zeros(2 * count, np.int64)
    return Trades(
        at_ms=both,
        position=np.repeat(np.arange(count), 2),
        side=np.tile(ints([1, -1]), count),
        reason=np.stack([np.zeros(count, np.int64), positions.exit_reason], axis=1).reshape(-1),
        price_e8=np.stack([positions.entry_price_e8, positions.exit_price_e8], axis=1).reshape(-1),
        quantity_e8=np.repeat(positions.quantity_e8, 2),
        quote_e8=np.stack(
            [positions.cost_e8, np.maximum(positions.cost_e8 + positions.pnl_e8, 0)], axis=1
        ).reshape(-1),
        commission_e8=flags,
        commission_is_base=flags,
        is_maker=flags,
    )


def folded_of(
    held: list[Held],
    bars: Candles,
    *,
    equity_e8: list[int] | None = None,
    setting: Plain | None = None,
    dust_cost_e8: int = 0,
    first_bar: int = 0,
) -> Folded:
    """Equity as given, else the initial capital plus what was closed by each close of a bar."""
    capital = (setting or Plain()).initial_capital_e8
    start_ms = int(bars.open_ms[first_bar])
    bar_ms = int(bars.open_ms[1] - bars.open_ms[0]) if len(bars) > 1 else BAR_MS
    positions = positions_of(held, start_ms=start_ms, bar_ms=bar_ms)
    closes_ms = bars.open_ms[first_bar:] + bar_ms
    if equity_e8 is None:
        ended = np.searchsorted(positions.closed_ms, closes_ms, "right")
        equity = capital + np.append(0, np.cumsum(positions.pnl_e8))[ended]
    else:
        equity = ints(equity_e8)
    return Folded(
        positions=positions,
        trades=trades_of(positions),
        equity_ms=closes_ms,
        equity_e8=equity,
        balance_e8=capital + int(positions.pnl_e8.sum()) - dust_cost_e8,
        dust_quantity_e8=0,
        dust_cost_e8=dust_cost_e8,
        reasons=np.zeros(32, np.int64),
        paused_ms=0,
        first_bar=first_bar,
        last_bar=len(bars) - 1,
    )


@st.composite
def folds(draw: st.DrawFn) -> tuple[Folded, Candles, Plain]:
    """A run of up to some days, with warm-up bars, gaps, wins and losses, an equity that wanders between them."""
    setting = Plain(
        initial_capital_e8=draw(st.integers(10, 100_000)) * E8 + draw(st.integers(0, E8)),
        taker_e6=draw(st.sampled_from([0, 500, 1_000])),
    )
    bar_ms = draw(st.sampled_from([MINUTE_MS, BAR_MS, 60 * MINUTE_MS, 240 * MINUTE_MS, DAY_MS]))
    count, first_bar = draw(st.integers(1, 120)), draw(st.integers(0, 5))
    random = np.random.default_rng(draw(st.integers(0, 2**32)))
    start_ms = NEW_YEAR_MS + draw(st.integers(0, 40)) * DAY_MS // bar_ms * bar_ms
    start_ms += draw(st.integers(0, DAY_MS // bar_ms - 1)) * bar_ms
    closes = (50_000 * E8 * np.exp(np.cumsum(random.normal(0, 0.01, count + first_bar)))).astype(np.int64)
    bars = bars_of(closes.tolist(), start_ms=start_ms, bar_ms=bar_ms)
    held, bar = [], 0
    while bar < count - 1 and draw(st.booleans()):
        length = draw(st.integers(1, max(count - bar, 1)))
        held.append(_held(random, bar, min(length, count - bar), setting))
        bar += length
    wander = random.normal(0, setting.initial_capital_e8 / 200, count).cumsum()
    floor = max(setting.initial_capital_e8 // 10, 1)
    equity = np.maximum(setting.initial_capital_e8 + wander.astype(np.int64), floor)
    if draw(st.integers(0, 5)) == 0:
        equity[:] = setting.initial_capital_e8
    dust = draw(st.integers(0, 1_000))
    folded = folded_of(
        held, bars, equity_e8=equity.tolist(), setting=setting, dust_cost_e8=dust, first_bar=first_bar
    )
    return folded, bars, setting


def _held(random: np.random.Generator, first: int, length: int, setting: Plain) -> Held:
    entry = int(random.integers(50, 200))
    return Held(
        first=first,
        bars=length,
        pnl_e8=int(random.choice([0, 1, 1, 1]) * random.normal(0, setting.initial_capital_e8 / 300)),
        entry=entry,
        lowest=entry - int(random.integers(0, 20)),
        highest=entry + int(random.integers(0, 20)),
        side=int(random.choice([1, -1])),
        fees_e8=int(random.integers(0, E8)),
        funding_e8=int(random.integers(-E8, E8)),
        cost_e8=int(random.choice([0, 1, 2])) * 100 * E8,
        reason=int(random.integers(1, min(len(EXIT_REASONS), END_OF_DATA + 1))),
    )
