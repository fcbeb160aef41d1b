"""Strategies of the user's own: files of a folder, and entry points of installed packages.

What is broken is named with its reason and left out; it never takes the others down.
"""

import dataclasses
import importlib.util
import re
import sys
import traceback
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from importlib.metadata import EntryPoint, entry_points
from pathlib import Path
from types import ModuleType
from typing import Any, Final

from engine.strategies.contract import Strategy, checked_signals
from engine.strategies.params import InvalidParams, fields_of, parse

GROUP: Final = "tradebot.strategies"
NAME: Final = re.compile(r"[a-z][a-z0-9_]{0,39}")
# What a bot, a backtest or their forms call something else: a parameter of that name would be taken for it.
RESERVED: Final = frozenset({
    "name", "api_key", "symbol", "base_asset", "quote_asset", "position_type", "direction", "timeframe",
    "strategy", "strategy_params", "initial_capital", "position_size_perc", "position_size_fixed",
    "stop_loss_perc", "take_profit_perc", "trailing_stop_perc", "stop_limit_offset_perc", "leverage",
    "max_daily_trades", "max_daily_loss_perc", "daily_target_perc", "cooldown_candles", "max_slippage_perc",
    "auto_transfer_funds", "transfer_amount", "is_active", "version", "state", "bot", "preset", "touched",
    "shown_strategy", "show_parameters", "csrfmiddlewaretoken", "user", "status", "source", "market",
    "start_at", "end_at", "start_time", "end_time", "settings", "taker_fee_perc", "maker_fee_perc",
    "slippage_perc",
})  # fmt: skip


class UnusableStrategy(ValueError):
    """The text says what is wrong with it."""


@dataclass(frozen=True)
class Broken:
    """A file or an entry point that is left out, and why."""

    source: str
    reason: str

    def __str__(self) -> str:
        return f"{self.source}: {self.reason}"


@dataclass(frozen=True)
class Found:
    """By name; `sources` says where each came from."""

    strategies: Mapping[str, Strategy]
    sources: Mapping[str, str]
    broken: tuple[Broken, ...]


def find_strategies(folder: Path | None, *, built_in: Mapping[str, Strategy]) -> Found:
    """Those of the folder (`*.py`, by name, without those that begin with `_`), then those of packages."""
    strategies: dict[str, Strategy] = {}
    sources = dict.fromkeys(built_in, "TradeBot itself")
    broken = []
    for source, load in _offered(folder):
        try:
            made = usable(load())
            if made.name in sources:
                taken = sources[made.name]
                raise UnusableStrategy(f'the name "{made.name}" is taken by {taken}: choose another')
        # A file may fail in any way it likes, sys.exit() included.
        except (Exception, SystemExit) as error:
            broken.append(Broken(source, told(error, source)))
        else:
            strategies[made.name], sources[made.name] = made, source
    return Found(strategies, {name: sources[name] for name in strategies}, tuple(broken))


def _offered(folder: Path | None) -> Iterator[tuple[str, Callable[[], Any]]]:
    for path in sorted(folder.glob("[!_]*.py")) if folder is not None else ():
        yield path.name, lambda path=path: _strategy_of(_module_of(path))  # type: ignore[misc]
    for point in sorted(entry_points(group=GROUP), key=lambda point: point.name):
        package = point.dist.name if point.dist is not None else point.value
        yield f"{point.name} of {package}", lambda point=point: _pointed_at(point)  # type: ignore[misc]


def _pointed_at(point: EntryPoint) -> Any:
    """A package may point at its strategy, or at the module that has it."""
    loaded = point.load()
    return _strategy_of(loaded) if isinstance(loaded, ModuleType) else loaded


def _strategy_of(module: ModuleType) -> Any:
    try:
        return module.STRATEGY
    except AttributeError:
        raise UnusableStrategy("it has no STRATEGY = Strategy(…)") from None


def _module_of(path: Path) -> ModuleType:
    name = f"tradebot_strategies.{path.stem}"
    spec = importlib.util.spec_from_file_location(name, path)
    if spec is None or spec.loader is None:
        raise UnusableStrategy("it is no Python file")
    module = importlib.util.module_from_spec(spec)
    sys.modules[name] = module  # dataclasses look their module up
    try:
        spec.loader.exec_module(module)
    except BaseException:
        del sys.modules[name]
        raise
    return module


def usable(made: Any) -> Strategy:
    """The strategy, its signals checked at every call. Raises UnusableStrategy."""
    if not isinstance(made, Strategy):
        raise UnusableStrategy("STRATEGY is no Strategy(…)")
    if not isinstance(made.name, str) or not NAME.fullmatch(made.name):
        raise UnusableStrategy(
            "its name must be lower-case letters, digits and _, at most 40, a letter first"
        )
    if not all(isinstance(text, str) and text.strip() for text in (made.title, made.summary)):
        raise UnusableStrategy("it needs a title and a summary")
    _check_params(made.Params)
    try:
        defaults = parse(made.Params, {})
    except InvalidParams as wrong:
        raise UnusableStrategy(f"its own defaults are refused: {wrong}") from None
    if not isinstance(needed := made.window(defaults), int) or needed < 1:
        raise UnusableStrategy("window(params) must be a whole number of candles, at least 1")
    return dataclasses.replace(made, signals=checked_signals(made))


def _check_params(params: Any) -> None:
    if not isinstance(params, type) or not dataclasses.is_dataclass(params):
        raise UnusableStrategy("Params must be a dataclass")
    if not params.__dataclass_params__.frozen:  # type: ignore[attr-defined]
        raise UnusableStrategy("Params must be frozen: @dataclass(frozen=True)")
    for entry in dataclasses.fields(params):
        if "search" not in entry.metadata:
            raise UnusableStrategy(
                f'the parameter "{entry.name}" must be described by whole(…) or decimal(…)'
            )
        if entry.name in RESERVED or entry.name.startswith("_"):
            raise UnusableStrategy(
                f'"{entry.name}" cannot be the name of a parameter: it means something else'
            )
    for field in fields_of(params):
        if not field.label.strip() or not field.help.strip():
            raise UnusableStrategy(f'the parameter "{field.name}" needs a label and a help text')


def told(error: BaseException, source: str) -> str:
    """In one line, with the line of the user's file where it has one."""
    if isinstance(error, UnusableStrategy):
        return str(error)
    if isinstance(error, SyntaxError):
        return f"line {error.lineno}: {error.msg}"
    lines = [
        frame.lineno
        for frame in traceback.extract_tb(error.__traceback__)
        if Path(frame.filename).name == source
    ]
    place = f"line {lines[-1]}: " if lines else ""
    return f"{place}{type(error).__name__}: {error}"
