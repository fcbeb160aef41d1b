"""The user's own strategies: found in a folder and among packages; what is broken is named and takes nobody down."""

from __future__ import annotations

import re
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from textwrap import dedent

import pytest

from engine.lookahead import examine
from engine.market import Candles
from engine.strategies import (
    UnknownStrategy,
    all_strategies,
    broken_strategies,
    built_in_strategies,
    look_in,
    params_fields,
    parse_params,
    strategy,
)
from engine.strategies.contract import MalformedSignals

ROOT = Path(__file__).resolve().parents[2]
GOOD = """
from dataclasses import dataclass
from engine.indicators import ema
from engine.strategies import Signals, Strategy, crossed_above, known_twice, whole

@dataclass(frozen=True)
class Params:
    length: int = whole(20, 2, 200, label="Length", help="Candles of the average.")

def signals(candles, params):
    average = ema(candles.closes, params.length)
    up, down = crossed_above(candles.closes, average), crossed_above(average, candles.closes)
    return Signals(up, down, down, up, known_twice(average))

STRATEGY = Strategy("mine", "Mine", "Follows the price.", Params, signals, lambda params: 20 * params.length)
"""

type Write = Callable[..., Path]


@pytest.fixture
def write(tmp_path: Path) -> Iterator[Write]:
    """Writes files into a folder that the registry then looks in; afterwards only ours are left."""

    def written(**files: str) -> Path:
        for name, text in files.items():
            (tmp_path / f"{name}.py").write_text(dedent(text))
        look_in(tmp_path)
        return tmp_path

    yield written
    look_in(None)
    for name in [name for name in sys.modules if name.startswith("tradebot_strategies.")]:
        del sys.modules[name]


def names() -> list[str]:
    return [entry.name for entry in all_strategies()]


def ours() -> list[str]:
    return [entry.name for entry in built_in_strategies()]


def reasons() -> dict[str, str]:
    return {broken.source: broken.reason for broken in broken_strategies()}


def test_a_file_in_the_folder_is_a_strategy_like_ours(write: Write, candles: Candles) -> None:
    write(mine=GOOD)
    assert names() == [*ours(), "mine"]
    assert broken_strategies() == ()
    assert [field.name for field in params_fields("mine")] == ["length"]
    params = parse_params("mine", {"length": "30"})
    assert strategy("mine").signals(candles, params).long_entry.sum() > 20
    assert examine(strategy("mine"), params, candles).is_clean


def test_the_example_of_the_documentation_works_and_has_ten_lines(write: Write, candles: Candles) -> None:
    text = (ROOT / "docs" / "strategies.md").read_text()
    (example,) = re.findall(r"```python\n(.+?)```", text, re.DOTALL)[:1]
    said = [line for line in example.splitlines() if line and not line.startswith(("from ", "import ", "#"))]
    assert len(said) <= 10
    write(example=example)
    assert reasons() == {}
    (own,) = set(names()) - set(ours())
    params = parse_params(own, {})
    assert strategy(own).signals(candles, params).long_entry.any()
    assert examine(strategy(own), params, candles).is_clean


def test_without_a_folder_there_are_ours_alone(tmp_path: Path) -> None:
    look_in(tmp_path / "nowhere")
    assert (names(), broken_strategies()) == (ours(), ())
    look_in(None)
    assert names() == ours()


BROKEN = {
    "syntax": ("def signals(:\n", "line 1: invalid syntax"),
    "missing": ("import no_such_library\n", "line 1: ModuleNotFoundError: No module named 'no_such_library'"),
    "failing": ("\n\nvalue = 1 / 0\n", "line 3: ZeroDivisionError: division by zero"),
    "leaving": ("import sys\nsys.exit('bye')\n", "line 2: SystemExit: bye"),
    "empty": ("", "it has no STRATEGY = Strategy(…)"),
    "other": ("STRATEGY = 7\n", "STRATEGY is no Strategy(…)"),
    "shouting": (
        GOOD.replace('"mine"', '"Mine!"'),
        "its name must be lower-case letters, digits and _, at most 40, a letter first",
    ),
    "silent": (GOOD.replace('"Follows the price."', '" "'), "it needs a title and a summary"),
    "thawed": (
        GOOD.replace("(frozen=True)", "()"), "Params must be frozen: @dataclass(frozen=True)"
    ),
    "bare": (GOOD.replace("@dataclass(frozen=True)\n", ""), "Params must be a dataclass"),
    "plain": (
        GOOD.replace('whole(20, 2, 200, label="Length", help="Candles of the average.")', "20"),
        'the parameter "length" must be described by whole(…) or decimal(…)',
    ),
    "taken": (
        GOOD.replace("length", "leverage"),
        '"leverage" cannot be the name of a parameter: it means something else',
    ),
    "helpless": (GOOD.replace("Candles of the average.", ""), 'the parameter "length" needs a label and a help text'),
    "short": (
        GOOD.replace("20 * params.length", "0"),
        "window(params) must be a whole number of candles, at least 1",
    ),
    "outside": (
        GOOD.replace("whole(20,", "whole(1,"),
        "line 8: ValueError: Length: the default must lie within the limits",
    ),
    "ema": (GOOD.replace('"mine"', '"ema"'), 'the name "ema" is taken by TradeBot itself: choose another'),
}  # fmt: skip


def test_what_is_broken_is_named_with_its_reason_and_the_rest_works(write: Write) -> None:
    write(**{name: text for name, (text, _reason) in BROKEN.items()}, good=GOOD, _hidden="1 / 0")
    assert names() == [*ours(), "mine"]
    assert reasons() == {f"{name}.py": reason for name, (_text, reason) in BROKEN.items()}


def test_of_two_with_one_name_the_second_is_refused(write: Write) -> None:
    write(a_first=GOOD, b_second=GOOD)
    assert names() == [*ours(), "mine"]
    assert reasons() == {"b_second.py": 'the name "mine" is taken by a_first.py: choose another'}


def test_whoever_wants_to_know_is_told_once(tmp_path: Path) -> None:
    (tmp_path / "bad.py").write_text("1 / 0")
    told: list[str] = []
    look_in(tmp_path, on_broken=lambda broken: told.append(str(broken)))
    assert told == []
    with pytest.raises(UnknownStrategy):
        strategy("bad")
    assert names() == ours()
    assert told == ["bad.py: line 1: ZeroDivisionError: division by zero"]
    look_in(None)


def test_ours_do_not_wait_for_the_users(tmp_path: Path) -> None:
    """A process that runs only our strategies never reads the folder."""
    (tmp_path / "loud.py").write_text("raise RuntimeError('read')")
    told: list[str] = []
    look_in(tmp_path, on_broken=lambda broken: told.append(broken.source))
    assert strategy("ema").name == "ema"
    assert told == []
    look_in(None)


@pytest.mark.parametrize(
    ("flags", "problem"),
    [
        ("[True]", "long_entry must be a vector of 5000 booleans"),
        ("up[1:]", "long_entry must be a vector of 5000 booleans"),
        ("up * 1.0", "long_entry must be a vector of 5000 booleans"),
    ],
)
def test_signals_that_are_no_flags_are_refused_by_name(
    write: Write, candles: Candles, flags: str, problem: str
) -> None:
    write(mine=GOOD.replace("Signals(up,", f"Signals({flags},"))
    with pytest.raises(MalformedSignals, match=f"the strategy mine: {problem}"):
        strategy("mine").signals(candles, parse_params("mine", {}))


def test_a_package_offers_strategies_by_entry_point(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, write: Write
) -> None:
    """An installed package, as pip leaves it: the module, and what its metadata says of it."""
    site = tmp_path / "site"
    (site / "shared_ideas-1.0.dist-info").mkdir(parents=True)
    (site / "shared_ideas.py").write_text(GOOD.replace('"mine"', '"shared"'))
    metadata = site / "shared_ideas-1.0.dist-info"
    (metadata / "METADATA").write_text("Metadata-Version: 2.1\nName: shared-ideas\nVersion: 1.0\n")
    lines = ["direct = shared_ideas:STRATEGY", "gone = shared_ideas:NOTHING", "module = shared_ideas"]
    (metadata / "entry_points.txt").write_text("[tradebot.strategies]\n" + "\n".join(lines) + "\n")
    monkeypatch.syspath_prepend(str(site))
    write(mine=GOOD)
    assert names() == [*ours(), "mine", "shared"]
    assert set(reasons()) == {"gone of shared-ideas", "module of shared-ideas"}
    assert reasons()["module of shared-ideas"] == (
        'the name "shared" is taken by direct of shared-ideas: choose another'
    )
    assert "has no attribute 'NOTHING'" in reasons()["gone of shared-ideas"]
