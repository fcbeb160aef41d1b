"""Perpetual contracts as Binance served them once: their rules and leverage brackets, from the shipped recordings.

No venue of this version trades futures, and no live host is asked. Both carry the date they were recorded at; whoever
uses them names it. The paper market does not list them.
"""

from __future__ import annotations

import json
from functools import cache
from pathlib import Path
from typing import Any, Final

from engine.margin import Bracket, brackets_of_rows
from engine.rules import SymbolRules, rules_from_symbol_info
from exchange.sandbox.tape import FUTURES_RECORDINGS
from exchange.symbols import UnknownSymbol

RULES_FILE: Final = "exchange_info.json"
BRACKETS_FILE: Final = "leverage_brackets.json"
FUNDING_FILE: Final = "funding_rates.csv"


def contract_symbols() -> list[str]:
    """Those whose rules and brackets are known, sorted."""
    return sorted(_rules())


def rules_of_contract(symbol: str) -> SymbolRules:
    """Raises `UnknownSymbol`."""
    known = _rules().get(symbol)
    if known is None:
        raise UnknownSymbol(symbol, "futures")
    return known


def brackets_of(symbol: str) -> tuple[Bracket, ...]:
    """In the order of size. Raises `UnknownSymbol`."""
    known = _brackets().get(symbol)
    if known is None:
        raise UnknownSymbol(symbol, "futures")
    return known


def most_leverage(symbol: str) -> int:
    """What the smallest bracket allows; larger positions are allowed less. Raises `UnknownSymbol`."""
    return max(bracket.max_leverage for bracket in brackets_of(symbol))


def recorded_in(file: str) -> str:
    """When the exchange served what a file holds: 2026-03-31, or 2024-10 where only the month is known."""
    return str(_facts()[file]["recorded"])


def rules_version() -> int:
    """The day the rules were recorded, as one number: 20260331. It changes when other rules are shipped."""
    return int(recorded_in(RULES_FILE).replace("-", ""))


@cache
def _rules() -> dict[str, SymbolRules]:
    return {info["symbol"]: rules_from_symbol_info(info) for info in _read(RULES_FILE)["symbols"]}


@cache
def _brackets() -> dict[str, tuple[Bracket, ...]]:
    return {entry["symbol"]: brackets_of_rows(entry["brackets"]) for entry in _read(BRACKETS_FILE)}


@cache
def _facts() -> dict[str, dict[str, str]]:
    return {entry["file"]: entry for entry in _read("facts.json")}


def _read(file: str, folder: Path = FUTURES_RECORDINGS) -> Any:
    return json.loads((folder / file).read_text())
