"""The registry of strategies: one file each, ours and the user's own, found here by name.

Whoever needs a strategy's parameters asks here, so that form, API, bot and backtest agree on them.
"""

from collections.abc import Callable, Mapping
from pathlib import Path
from threading import Lock
from typing import Any, Final

from engine.strategies import bollinger, confluence, ema, macd, rsi
from engine.strategies.contract import Signals, Strategy, began, crossed_above, known_twice
from engine.strategies.own import Broken, Found, find_strategies
from engine.strategies.params import (
    InvalidParams,
    ParamField,
    as_json,
    decimal,
    fields_of,
    parse,
    values_between,
    whole,
)

__all__ = [
    "Broken", "InvalidParams", "ParamField", "Signals", "Strategy", "UnknownStrategy", "all_strategies", "began",
    "broken_strategies", "built_in_strategies", "crossed_above", "decimal", "known_twice", "look_in", "params_dict",
    "params_fields", "parse_params", "strategy", "values_between", "whole",
]  # fmt: skip

_BUILT_IN: Final[dict[str, Strategy]] = {
    entry.name: entry
    for entry in (ema.STRATEGY, rsi.STRATEGY, macd.STRATEGY, bollinger.STRATEGY, confluence.STRATEGY)
}


class UnknownStrategy(KeyError):
    """No strategy of that name is registered."""


class _Own:
    """The user's own: looked for when somebody first asks, for a process that only serves ours never needs them."""

    def __init__(self) -> None:
        self.lock = Lock()
        self.look_in(None, lambda broken: None)

    def look_in(self, folder: Path | None, on_broken: Callable[[Broken], None]) -> None:
        with self.lock:
            self.folder, self.on_broken = folder, on_broken
            self.found: Found | None = None

    def ask(self) -> Found:
        with self.lock:
            if self.found is None:
                self.found = find_strategies(self.folder, built_in=_BUILT_IN)
                for broken in self.found.broken:
                    self.on_broken(broken)
            return self.found


_own = _Own()


def look_in(folder: Path | None, *, on_broken: Callable[[Broken], None] = lambda broken: None) -> None:
    """Say where the user's own strategies lie, and who is told of those that cannot be used. Nothing is read yet."""
    _own.look_in(folder, on_broken)


def strategy(name: str) -> Strategy:
    try:
        return _BUILT_IN.get(name) or _own.ask().strategies[name]
    except KeyError:
        raise UnknownStrategy(name) from None


def built_in_strategies() -> tuple[Strategy, ...]:
    return tuple(_BUILT_IN.values())


def all_strategies() -> tuple[Strategy, ...]:
    """Ours, then the user's own."""
    return (*_BUILT_IN.values(), *_own.ask().strategies.values())


def broken_strategies() -> tuple[Broken, ...]:
    """Files and entry points that are left out, each with its reason."""
    return _own.ask().broken


def parse_params(name: str, given: Mapping[str, Any]) -> Any:
    """The strategy's frozen `Params`. Raises `UnknownStrategy` or `InvalidParams`."""
    return parse(strategy(name).Params, given)


def params_fields(name: str) -> tuple[ParamField, ...]:
    return fields_of(strategy(name).Params)


def params_dict(params: Any) -> dict[str, Any]:
    """Ready for JSON, and exact; `parse_params` gives the same `Params` back."""
    return as_json(params)
