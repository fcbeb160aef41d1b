"""The fold's path inside a candle is the sandbox's, to the millisecond; written twice, and held against each other."""

from hypothesis import given, settings
from hypothesis import strategies as st

from engine.compiled import compiled
from engine.path import LOWER_TOUCHED, UNTOUCHED, UPPER_TOUCHED, Touch, first_touch
from exchange.sandbox import path

FAR = 1 << 62


@settings(max_examples=500, deadline=None)
@given(
    open_=st.integers(50, 10**6), up=st.integers(0, 5_000), down=st.integers(0, 49), close=st.floats(0, 1),
    stop=st.one_of(st.none(), st.integers(1, 60)), target=st.one_of(st.none(), st.integers(1, 6_000)),
    tick=st.sampled_from([1, 100, 10**6]),
)  # fmt: skip
def test_first_touch(
    open_: int, up: int, down: int, close: float, stop: int | None, target: int | None, tick: int
) -> None:
    high, low = open_ + up, open_ - down
    candle = (open_, high, low, round(low + close * (high - low)))
    levels = (-FAR if stop is None else open_ - stop, FAR if target is None else open_ + target)
    touches = [
        (offset, what)
        for level, rising, what in ((levels[0], False, LOWER_TOUCHED), (levels[1], True, UPPER_TOUCHED))
        if (offset := path.first_touch(candle, level, rising=rising, after_ms=0)) is not None
    ]
    offset, what = min(touches, default=(0, UNTOUCHED))
    highest, lowest = path.range_until(candle, offset) if touches else (high, low)
    scaled = [price * tick for price in (open_, high, low)]
    touch = compiled(first_touch)(*scaled, *(level * (tick if abs(level) < FAR else 1) for level in levels))
    assert touch[:2] == (what, offset)
    # At the millisecond of the touch the price is at its level or just beyond.
    seen = Touch(what, offset, lowest * tick, highest * tick)
    if what == LOWER_TOUCHED:
        seen = seen._replace(lowest=levels[0] * tick)
    elif what == UPPER_TOUCHED:
        seen = seen._replace(highest=levels[1] * tick)
    assert touch == seen
