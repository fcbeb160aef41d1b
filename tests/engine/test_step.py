"""What the fold of the backtests needs of `step`: compiled it says the same, in the order of SPEC §5.3."""

from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from engine import exits, limits, step
from engine.compiled import compiled
from engine.limits import NO_DAILY_LIMITS, NO_LIMIT, DailyLimits
from engine.margin import ladder_of, scale_of
from engine.rules import SymbolRules
from tests.engine.conftest import recorded_brackets

NOON_MS = 20_000 * 86_400_000 + 43_200_000
FLAGS = (
    "ready", "long_entry", "long_exit", "short_entry", "short_exit", "follows_exit_signal", "entries_blocked",
    "exits_blocked", "is_fresh", "is_trading", "stop_slot_free",
)  # fmt: skip
flags = st.integers(0, 1)
money = st.integers(-(10**15), 10**15)


@settings(max_examples=300, deadline=None)
@given(
    state=st.builds(
        step.State,
        day=st.integers(19_999, 20_001),
        daily_trades=st.integers(0, 9),
        daily_pnl_e8=money,
        side=st.integers(-1, 1),
        quantity=st.integers(0, 10**7),
        capital_e8=money,
        available_e8=money,
        stop=st.integers(0, 10**8),
        best=st.integers(0, 10**8),
        last_exit_ms=st.one_of(st.just(0), st.integers(NOON_MS - 300_000, NOON_MS + 1_000)),
    ),
    close=st.builds(
        step.Close,
        day=st.just(20_000),
        at_ms=st.just(NOON_MS),
        interval_ms=st.just(60_000),
        price=st.integers(1, 10**8),
        high=st.integers(1, 10**8),
        low=st.integers(0, 10**8),
        ready=st.just(1),
        long_entry=st.just(1),
        long_exit=st.just(1),
        short_entry=st.just(1),
        short_exit=st.just(1),
        follows_exit_signal=st.just(1),
        entries_blocked=st.just(0),
        exits_blocked=st.just(0),
        is_fresh=st.just(1),
        is_trading=st.just(1),
        stop_slot_free=st.just(1),
    ),
    daily=st.one_of(
        st.just(NO_DAILY_LIMITS),
        st.builds(DailyLimits, st.integers(-1, 9), st.integers(-1, 10**15), st.integers(-1, 10**15)),
    ),
    trailing=st.sampled_from([0, 500, 3_000, 900_000]),
    cooldown=st.sampled_from([0, 0, 1, 4]),
    worst_sale=st.sampled_from([0, 0, 882_000, 975_100]),
    flipped=st.sampled_from(["", "", "", *FLAGS]),
    percent=st.integers(1, 1_000_000),
    fixed=st.sampled_from([0, 0, 600_000_000]),
    number=st.integers(0, 9),
    leverage=st.sampled_from([0, 0, 1, 3, 20, 125]),
    allowed=st.sampled_from([(1, 0), (0, 1), (1, 1)]),
    stop=st.sampled_from([0, 500, 8_000, 300_000]),
)
def test_compiled_and_plain_step_agree(
    every_rules: list[SymbolRules], *, state: step.State, close: step.Close,
    daily: DailyLimits, trailing: int, cooldown: int, flipped: str, percent: int, fixed: int, number: int,
    worst_sale: int, leverage: int, allowed: tuple[int, int], stop: int,
) -> None:  # fmt: skip
    if flipped:
        close = close._replace(**{flipped: 1 - getattr(close, flipped)})
    of_symbol = every_rules[number % len(every_rules)]
    brackets, scale = recorded_brackets()["BTCUSDT"], scale_of(of_symbol.step_e8)
    setup = step.Setup(
        percent, fixed, of_symbol.market_limits, daily, trailing, cooldown, worst_sale, 5 * 10**8, *allowed, leverage,
        500, stop, of_symbol.tick_e8, scale, brackets,
    )  # fmt: skip
    said = compiled(step.step)(state, close, setup._replace(brackets=ladder_of(brackets)))
    assert said == step.step(state, close, setup)


@settings(max_examples=200, deadline=None)
@given(
    entry=st.integers(1, 10**14), stop=st.integers(0, 900_000), target=st.integers(0, 900_000),
    trail=st.integers(0, 900_000), tick=st.sampled_from([1, 100, 1_000_000, 10**8]),
)  # fmt: skip
def test_compiled_and_plain_exits_agree(*, entry: int, stop: int, target: int, trail: int, tick: int) -> None:
    plain = exits.protective_ticks(
        entry, stop_percent_e6=stop, target_percent_e6=target, trailing_percent_e6=trail, tick_e8=tick
    )
    assert compiled(exits.protective_ticks)(entry, stop, target, trail, tick) == plain
    assert compiled(exits.stop_limit_ticks)(plain.stop_ticks, stop) == exits.stop_limit_ticks(
        plain.stop_ticks, stop
    )


def test_compiled_and_plain_breaker_agree() -> None:
    times = (NOON_MS - 600_000, NOON_MS - 1, NOON_MS)
    assert compiled(limits.breaker_trips)(times, NOON_MS) is limits.breaker_trips(times, NOON_MS) is True
    assert (
        compiled(limits.breaker_trips)(times, NOON_MS + 1)
        is limits.breaker_trips(times, NOON_MS + 1)
        is False
    )


def test_the_order_of_the_questions(btc_rules: SymbolRules) -> None:
    """Everything stands in the way at once; each obstacle removed shows the next (SPEC §5.3)."""
    setup = step.Setup(1_000_000, 0, btc_rules.market_limits, DailyLimits(3, 10, 0), 0, 2)
    state = step.State(
        day=1, daily_trades=3, daily_pnl_e8=-10, side=0, quantity=0, capital_e8=1, available_e8=0, stop=0,
        best=0, last_exit_ms=NOON_MS,
    )  # fmt: skip
    close = step.Close(
        day=1, at_ms=NOON_MS, interval_ms=60_000, price=6_000_000, high=6_000_000, low=6_000_000, ready=0,
        long_entry=0, long_exit=0, short_entry=1, short_exit=1, follows_exit_signal=0, entries_blocked=1,
        exits_blocked=0, is_fresh=0, is_trading=0, stop_slot_free=0,
    )  # fmt: skip
    removals: list[tuple[str, dict[str, Any]]] = [
        ("close", {"entries_blocked": 0}), ("state", {"daily_trades": 2}), ("state", {"daily_pnl_e8": 0}),
        ("daily", {"target_e8": NO_LIMIT}), ("state", {"last_exit_ms": 0}), ("close", {"ready": 1}),
        ("close", {"long_entry": 1}), ("close", {"is_fresh": 1}), ("close", {"is_trading": 1}),
        ("state", {"capital_e8": 10**10}), ("state", {"available_e8": 10**10}), ("close", {"stop_slot_free": 1}),
    ]  # fmt: skip
    reasons = [step.step(state, close, setup).reason]
    for where, removed in removals:
        if where == "close":
            close = close._replace(**removed)
        elif where == "state":
            state = state._replace(**removed)
        else:
            setup = setup._replace(daily=setup.daily._replace(**removed))
        reasons.append(step.step(state, close, setup).reason)
    assert reasons == [
        step.REASON_BLOCKED,
        step.REASON_MAX_DAILY_TRADES,
        step.REASON_MAX_DAILY_LOSS,
        step.REASON_DAILY_TARGET,
        step.REASON_COOLDOWN,
        step.REASON_WARMING_UP,
        step.REASON_NO_SIGNAL,
        step.REASON_TOO_LATE,
        step.REASON_NOT_TRADING,
        step.REASON_BELOW_MIN_NOTIONAL,
        step.REASON_NOT_ENOUGH_MONEY,
        step.REASON_NO_STOP_SLOT,
        step.REASON_ENTRY_SIGNAL,
    ]


def test_the_order_of_the_questions_on_futures(btc_rules: SymbolRules) -> None:
    """Size → symbol rules → money → what the leverage allows → liquidation → room for a stop."""
    brackets, limits_ = recorded_brackets()["BTCUSDT"], btc_rules.market_limits
    setup = step.Setup(
        1_000_000, 0, limits_, NO_DAILY_LIMITS, 0, 0, 0, 0, 0, 1, 125, 500, 10_000, btc_rules.tick_e8,
        scale_of(btc_rules.step_e8), brackets,
    )  # fmt: skip
    state = step.State(1, 0, 0, 0, 0, 1, 0, 0, 0, 0)
    close = step.Close(1, NOON_MS, 60_000, 6_000_000, 6_000_000, 6_000_000, 1, 1, 0, 0, 0, 1, 0, 0, 1, 0, 0)
    reasons = [step.step(state, close, setup).reason]
    for changed in (
        {"short_entry": 1}, {"is_trading": 1}, {"capital_e8": 10**11}, {"available_e8": 10**11},
        {"size_fixed_e8": 10**10}, {"leverage": 20}, {"stop_slot_free": 1}, {"first_stop_e6": 47_000},
    ):  # fmt: skip
        close, state, setup = (
            each._replace(**{name: value for name, value in changed.items() if name in each._fields})
            for each in (close, state, setup)
        )
        reasons.append(step.step(state, close, setup).reason)
    assert reasons == [
        step.REASON_NO_SIGNAL,
        step.REASON_NOT_TRADING,
        step.REASON_BELOW_MIN_QUANTITY,
        step.REASON_NOT_ENOUGH_MONEY,
        step.REASON_ABOVE_BRACKET,
        step.REASON_STOP_BEYOND_LIQUIDATION,
        step.REASON_NO_STOP_SLOT,
        step.REASON_ENTRY_SIGNAL,
        step.REASON_STOP_BEYOND_LIQUIDATION,
    ]
