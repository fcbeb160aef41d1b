"""Compiled functions say what their sources say, beyond 64 bits on the way, and are compiled once per installation."""

import json
import os
import subprocess
import sys
from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.amounts import E8, mul_div, worth_e8
from engine.compiled import compiled

ROOT = Path(__file__).resolve().parents[2]
amounts = st.integers(0, 2**62)


@given(first=amounts, second=amounts, divisor=st.integers(1, 2**61 - 1))
def test_mul_div_is_the_exact_floor(first: int, second: int, divisor: int) -> None:
    exact = first * second // divisor
    assert mul_div(first, second, divisor) == exact
    if exact < 2**63:
        assert compiled(mul_div)(first, second, divisor) == exact


def test_mul_div_where_the_guess_ends_and_at_the_largest_answer() -> None:
    most, edge = 2**63 - 1, 2**50
    questions = [
        (most, 1, 1),
        (most, 2**60, 2**60),
        (edge, 1, 1),
        (edge - 1, 7, 7),
        (2**57 + 1, 2**55 - 1, 2**60 - 1),
    ]
    for question in questions:
        first, second, divisor = question
        assert compiled(mul_div)(*question) == mul_div(*question) == first * second // divisor


@given(
    first=amounts,
    bits=st.integers(1, 60),
    share=st.fractions(0, 1),
    near=st.sampled_from([31, 41, 51]),
    off=st.integers(-2, 2),
)
def test_mul_div_at_the_edges_of_its_digits(
    first: int, bits: int, share: Fraction, near: int, off: int
) -> None:
    """A part of a whole, as costs leave a position, with divisors on both sides of every change of base."""
    for divisor in (2**bits, 2**near + off):
        part = int(divisor * share)
        assert (
            compiled(mul_div)(first, part, divisor)
            == mul_div(first, part, divisor)
            == first * part // divisor
        )


@given(quantity=amounts, price=st.integers(0, 10**15))
def test_worth_is_the_exact_floor(quantity: int, price: int) -> None:
    exact = quantity * price // E8
    assert worth_e8(quantity, price) == exact
    if exact < 2**63:
        assert compiled(worth_e8)(quantity, price) == exact


SCRIPT = """
import json, sys
from engine import amounts, compiled
answer = compiled.compiled(amounts.commission_e8)
print(json.dumps([answer(123_456_789, 1_000), *map(lambda c: sum(c.values()), answer.stats[1:])]))
"""


def ask(folder: Path, engine: Path = ROOT) -> list[int]:
    environment = {**os.environ, "DATA_DIR": str(folder), "PYTHONPATH": str(engine)}
    done = subprocess.run(
        [sys.executable, "-c", SCRIPT],
        env=environment,
        cwd=folder,
        capture_output=True,
        text=True,
        check=True,
    )
    found: list[int] = json.loads(done.stdout)
    return found


def test_a_second_process_does_not_compile(tmp_path: Path) -> None:
    """[answer, read from disk, compiled]"""
    assert ask(tmp_path) == [123_456, 0, 1]
    assert ask(tmp_path) == [123_456, 1, 0]


def test_a_change_in_another_module_is_never_answered_by_old_code(tmp_path: Path) -> None:
    """`commission_e8` itself stays as it is; what it calls changes, in size and time of its file unnoticed by numba."""
    copy = tmp_path / "engine"
    for source in (ROOT / "engine").rglob("*.py"):
        target = copy / source.relative_to(ROOT / "engine")
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_bytes(source.read_bytes())
    assert ask(tmp_path, tmp_path) == [123_456, 0, 1]
    amounts_file = copy / "amounts.py"
    before = amounts_file.stat()
    changed = amounts_file.read_text().replace("share // 1_000_000\n", "share // 1_000_00\n ", 1)
    amounts_file.write_text(changed)
    os.utime(amounts_file, ns=(before.st_atime_ns, before.st_mtime_ns))
    assert amounts_file.stat().st_size == before.st_size
    answer, read, made = ask(tmp_path, tmp_path)
    assert (answer != 123_456, read, made) == (True, 0, 1)


def sum_of_a_new_vector(count: int) -> float:
    return float(np.empty(count).sum())


def test_what_makes_a_vector_is_not_compiled() -> None:
    """Nobody counts who refers to a vector: what is compiled fills those it is given."""
    with pytest.raises(Exception, match="array passed into the function"):
        compiled(sum_of_a_new_vector)(3)
