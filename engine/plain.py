"""Findings as JSON has them: money as plain decimal strings under its name without `_e8`, all else as it is."""

from dataclasses import fields, is_dataclass
from typing import Any

from engine.amounts import plain_e8


def plain(found: Any) -> Any:
    """Of a dataclass or NamedTuple a dictionary, of what it holds likewise; tuples become lists."""
    if is_dataclass(found) and not isinstance(found, type):
        return dict(_named(column.name, getattr(found, column.name)) for column in fields(found))
    if isinstance(found, tuple) and hasattr(found, "_asdict"):
        return dict(_named(name, value) for name, value in found._asdict().items())
    if isinstance(found, dict):
        return {name: plain(value) for name, value in found.items()}
    if isinstance(found, list | tuple):
        return [plain(value) for value in found]
    return found


def _named(name: str, value: Any) -> tuple[str, Any]:
    if not name.endswith("_e8"):
        return name, plain(value)
    return name.removesuffix("_e8"), _money(value)


def _money(value: Any) -> Any:
    if isinstance(value, dict):
        return {name: _money(amount) for name, amount in value.items()}
    return None if value is None else plain_e8(value)
