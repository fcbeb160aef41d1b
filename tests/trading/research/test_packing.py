"""Packed results come back as they went in, to the last bit, and damaged ones say so."""

from __future__ import annotations

from dataclasses import fields
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from engine.results import Folded, Positions, Trades
from trading.research.packing import UnreadableResults, pack, unpack

WHOLE = st.integers(-(2**63), 2**63 - 1)


def column(length: int) -> Any:
    """Wild numbers, even clocks, and stretches without movement."""
    wild = arrays(np.int64, length, elements=WHOLE)
    even = st.tuples(st.integers(-(2**40), 2**40), st.integers(-60_000, 60_000)).map(
        lambda ends: ends[0] + ends[1] * np.arange(length, dtype=np.int64)
    )
    flat = WHOLE.map(lambda value: np.full(length, value, dtype=np.int64))
    return wild | even | flat


@st.composite
def folds(draw: Any) -> Folded:
    def table(kind: Any) -> Any:
        length = draw(st.integers(0, 40))
        return kind(**{entry.name: draw(column(length)) for entry in fields(kind)})

    bars = draw(st.integers(0, 200))
    single = {
        name: draw(WHOLE)
        for name in ("balance_e8", "dust_quantity_e8", "dust_cost_e8", "paused_ms", "first_bar", "last_bar")
    }
    return Folded(
        positions=table(Positions),
        trades=table(Trades),
        equity_ms=draw(column(bars)),
        equity_e8=draw(column(bars)),
        reasons=draw(column(24)),
        **single,
    )


def plain(value: Any) -> Any:
    if isinstance(value, np.ndarray):
        return value.dtype, value.tolist()
    if isinstance(value, Positions | Trades | Folded):
        return {entry.name: plain(getattr(value, entry.name)) for entry in fields(value)}
    return value


@given(folds())
def test_every_integer_returns(folded: Folded) -> None:
    assert plain(unpack(pack(folded))) == plain(folded)


def test_a_year_of_minutes_is_small() -> None:
    year = 525_600
    rng = np.random.default_rng(7)
    moves = np.where(np.arange(year) // 40 % 2, rng.normal(0, 5e7, year), 0).astype(np.int64)
    none = {
        "positions": Positions(**{e.name: np.empty(0, np.int64) for e in fields(Positions)}),
        "trades": Trades(**{e.name: np.empty(0, np.int64) for e in fields(Trades)}),
    }
    folded = Folded(
        **none,
        equity_ms=1_735_689_660_000 + 60_000 * np.arange(year, dtype=np.int64),
        equity_e8=10**11 + np.cumsum(moves),
        balance_e8=1,
        dust_quantity_e8=0,
        dust_cost_e8=0,
        reasons=np.zeros(24, np.int64),
        paused_ms=0,
        first_bar=0,
        last_bar=year - 1,
    )
    assert len(pack(folded)) < 1_200_000


@pytest.mark.parametrize(
    "damaged", [b"", b"\x05\x00\x00\x00{}", b"\x00\x00\x00\x00", b"\xff\xff\xff\x7fnothing"]
)
def test_what_cannot_be_read_says_so(damaged: bytes) -> None:
    with pytest.raises(UnreadableResults):
        unpack(damaged)
