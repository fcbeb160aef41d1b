"""Real candles and real symbol rules for the engine's tests (provenance: data/README.md)."""

import json
from functools import cache
from pathlib import Path

import numpy as np
import pytest
from hypothesis import settings

from engine.margin import Bracket, brackets_of_rows
from engine.market import Candle, Candles
from engine.rules import SymbolRules, rules_from_symbol_info

# The same examples on every machine, and no test that fails because a machine is busy.
settings.register_profile("tradebot", deadline=None, derandomize=True)
settings.load_profile("tradebot")

DATA = Path(__file__).parent / "data"


@cache
def recorded(symbol: str) -> Candles:
    columns = np.load(DATA / f"{symbol}-1m.npz")
    return Candles(*(columns[name] for name in Candle._fields))


@cache
def rules_in(file: str) -> dict[str, SymbolRules]:
    return {entry["symbol"]: rules_from_symbol_info(entry) for entry in json.loads((DATA / file).read_text())}


@cache
def recorded_brackets() -> dict[str, tuple[Bracket, ...]]:
    """Of four USD-M symbols."""
    entries = json.loads((DATA / "um_brackets_2024-10.json").read_text())
    return {entry["symbol"]: brackets_of_rows(entry["brackets"]) for entry in entries}


@pytest.fixture(scope="session", params=["BTCUSDT", "ETHUSDT"])
def candles(request: pytest.FixtureRequest) -> Candles:
    return recorded(request.param)


@pytest.fixture(scope="session")
def testnet_rules() -> dict[str, SymbolRules]:
    return rules_in("spot_testnet_2024-09-08.json")


@pytest.fixture(scope="session")
def production_rules() -> dict[str, SymbolRules]:
    return rules_in("spot_prod_2023-08-13.json")


@pytest.fixture(scope="session")
def btc_rules(testnet_rules: dict[str, SymbolRules]) -> SymbolRules:
    """Tick 0.01, step 0.00001, minimum notional 5 USDT."""
    return testnet_rules["BTCUSDT"]


@pytest.fixture(scope="session")
def every_rules(
    testnet_rules: dict[str, SymbolRules], production_rules: dict[str, SymbolRules]
) -> list[SymbolRules]:
    return [*testnet_rules.values(), *production_rules.values()]
