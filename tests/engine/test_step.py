"""What the fold of the backtests will need of `step`: that numba compiles it, and says the same."""

import types
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from engine import amounts, rules, sizing, step
from engine.rules import SymbolRules

SOURCES = (
    (amounts, ("share_e6",)),
    (sizing, ("entry_quote_e8",)),
    (rules, ("notional_e8", "steps_for", "market_fault")),
    (step, ("roll_day", "_entry_refusal", "_leave", "_enter", "step")),
)


@pytest.fixture(scope="session")
def compiled() -> Any:
    """The very same source, each function seeing the compiled ones before it; nothing of ours is changed."""
    import numba

    known: dict[str, Any] = {}
    for module, names in SOURCES:
        for name in names:
            plain = getattr(module, name)
            twin = types.FunctionType(plain.__code__, {**vars(module), **known}, name)
            known[name] = numba.njit(twin)
    return known["step"]


flags = st.integers(0, 1)
money = st.integers(-(10**15), 10**15)


@settings(max_examples=300, deadline=None)
@given(
    state=st.builds(
        step.State,
        day=st.integers(19_999, 20_001),
        daily_trades=st.integers(0, 9),
        daily_pnl_e8=money,
        side=flags,
        quantity=st.integers(0, 10**7),
        capital_e8=money,
        available_e8=money,
    ),
    close=st.builds(
        step.Close,
        day=st.just(20_000),
        price=st.integers(1, 10**8),
        ready=st.just(1),
        long_entry=st.just(1),
        long_exit=st.just(1),
        follows_exit_signal=st.just(1),
        entries_blocked=st.just(0),
        exits_blocked=st.just(0),
        is_fresh=st.just(1),
        is_trading=st.just(1),
    ),
    flipped=st.sampled_from(["", "", "", *step.Close._fields[2:]]),
    percent=st.integers(1, 1_000_000),
    fixed=st.sampled_from([0, 0, 600_000_000]),
    number=st.integers(0, 9),
)
def test_compiled_and_plain_step_agree(
    compiled: Any, every_rules: list[SymbolRules], *, state: step.State, close: step.Close, flipped: str,
    percent: int, fixed: int, number: int,
) -> None:  # fmt: skip
    if flipped:
        close = close._replace(**{flipped: 1 - getattr(close, flipped)})
    setup = step.Setup(percent, fixed, every_rules[number % len(every_rules)].market_limits)
    assert compiled(state, close, setup) == step.step(state, close, setup)


def test_the_order_of_the_questions(btc_rules: SymbolRules) -> None:
    """Everything stands in the way at once; each obstacle removed shows the next (SPEC §5.3)."""
    setup = step.Setup(1_000_000, 0, btc_rules.market_limits)
    state = step.State(
        day=1, daily_trades=0, daily_pnl_e8=0, side=0, quantity=0, capital_e8=1, available_e8=0
    )
    close = step.Close(
        day=1, price=6_000_000, ready=0, long_entry=0, long_exit=0, follows_exit_signal=0, entries_blocked=1,
        exits_blocked=0, is_fresh=0, is_trading=0,
    )  # fmt: skip
    reasons = [step.step(state, close, setup).reason]
    for obstacle, removed in (
        ("entries_blocked", 0), ("ready", 1), ("long_entry", 1), ("is_fresh", 1), ("is_trading", 1),
    ):  # fmt: skip
        close = close._replace(**{obstacle: removed})
        reasons.append(step.step(state, close, setup).reason)
    state = state._replace(capital_e8=10**10)
    reasons.append(step.step(state, close, setup).reason)
    state = state._replace(available_e8=10**10)
    reasons.append(step.step(state, close, setup).reason)
    assert reasons == [
        step.REASON_BLOCKED,
        step.REASON_WARMING_UP,
        step.REASON_NO_SIGNAL,
        step.REASON_TOO_LATE,
        step.REASON_NOT_TRADING,
        step.REASON_BELOW_MIN_NOTIONAL,
        step.REASON_NOT_ENOUGH_MONEY,
        step.REASON_ENTRY_SIGNAL,
    ]
