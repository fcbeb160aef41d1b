"""The registry of strategies: one file each, found here by name.

Whoever needs a strategy's parameters asks here, so that form, API, bot and backtest agree on them.
"""

from collections.abc import Mapping
from dataclasses import asdict
from typing import Any, Final

from engine.strategies import ema, rsi
from engine.strategies.contract import Signals, Strategy
from engine.strategies.params import InvalidParams, ParamField, fields_of, parse

__all__ = [
    "InvalidParams", "ParamField", "Signals", "Strategy", "UnknownStrategy", "all_strategies", "params_dict",
    "params_fields", "parse_params", "strategy",
]  # fmt: skip


class UnknownStrategy(KeyError):
    """No strategy of that name is registered."""


_REGISTRY: Final[dict[str, Strategy]] = {entry.name: entry for entry in (ema.STRATEGY, rsi.STRATEGY)}


def strategy(name: str) -> Strategy:
    try:
        return _REGISTRY[name]
    except KeyError:
        raise UnknownStrategy(name) from None


def all_strategies() -> tuple[Strategy, ...]:
    return tuple(_REGISTRY.values())


def parse_params(name: str, given: Mapping[str, Any]) -> Any:
    """The strategy's frozen `Params`. Raises `UnknownStrategy` or `InvalidParams`."""
    return parse(strategy(name).Params, given)


def params_fields(name: str) -> tuple[ParamField, ...]:
    return fields_of(strategy(name).Params)


def params_dict(params: Any) -> dict[str, Any]:
    """Ready for JSON; `parse_params` gives the same `Params` back."""
    return asdict(params)
