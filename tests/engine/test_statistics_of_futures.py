"""Statistics, costs, luck and verdict of real folds on futures: shorts, funding and liquidations among them."""

import json
from dataclasses import asdict

import numpy as np

from engine.examination import examine
from engine.fold import Setting, fold
from engine.margin import Funding
from engine.market import MINUTE_MS, Candles
from engine.metrics import daily_rows, excursions, statistics
from engine.results import LIQUIDATION
from engine.rules import SymbolRules
from engine.strategies import parse_params, strategy
from engine.strategies.contract import Signals
from tests.engine.conftest import recorded_brackets
from tests.engine.naive_metrics import naive_statistics
from tests.engine.test_fold_futures import wild
from tests.engine.test_metrics_oracle import agrees

E8 = 10**8


def contracts(rules: SymbolRules, candles: Candles, **values: object) -> Setting:
    """Funded every ten minutes."""
    at_ms = np.arange(int(candles.open_ms[0]), int(candles.open_ms[-1]), 10 * MINUTE_MS)
    rates = np.where(np.arange(len(at_ms)) % 3 == 0, -30_000, 20_000)
    usual: dict[str, object] = {
        "rules": rules, "interval_ms": MINUTE_MS, "initial_capital_e8": 10_000 * E8, "market": "futures",
        "direction": "both", "leverage": 20, "brackets": recorded_brackets()["BTCUSDT"], "taker_e6": 500,
        "funding": Funding(at_ms, rates), "stop_percent_e6": 4_000, "target_percent_e6": 6_000,
        "size_percent_e6": 100_000,
    }  # fmt: skip
    return Setting(**usual | values)  # type: ignore[arg-type]


def test_a_strategy_both_ways_on_recorded_candles(candles: Candles, btc_rules: SymbolRules) -> None:
    setting = contracts(btc_rules, candles)
    signals = strategy("ema").signals(candles, parse_params("ema", {}))

    def again(costly: Setting) -> object:
        return statistics(fold(candles, signals, costly, minutes=None, start_ms=0), candles, setting=costly)

    folded = fold(candles, signals, setting, minutes=None, start_ms=0)
    found, positions = statistics(folded, candles, setting=setting), folded.positions
    assert min((positions.side == side).sum() for side in (1, -1)) > 20
    assert found.total_pnl_e8 == sum(positions.pnl_e8.tolist()) == folded.balance_e8 - 10_000 * E8
    assert found.funding_e8 == sum(positions.funding_e8.tolist()) != 0
    days = daily_rows(folded, candles, setting=setting)
    assert sum(row.pnl_e8 for row in days) == found.total_pnl_e8
    # What the price of a short fell by is what it could have won.
    shorts = positions.side < 0
    fallen = (positions.entry_price_e8 - positions.lowest_e8) / positions.entry_price_e8
    assert np.array_equal(excursions(positions).favourable[shorts], np.maximum(fallen[shorts], 0.0))
    examined = [
        examine(folded, candles, found, setting=setting, again=again, seed=7, looks_ahead=False)  # type: ignore[arg-type]
        for _ in range(2)
    ]
    assert examined[0] == examined[1]
    costs = examined[0].costs
    assert costs is not None
    assert (
        costs.at(0).total_pnl_e8
        > costs.at(100).total_pnl_e8
        == found.total_pnl_e8
        > costs.at(300).total_pnl_e8
    )
    json.dumps(examined[0].plain(), allow_nan=False)


def test_they_equal_the_plain_formulas(btc_rules: SymbolRules) -> None:
    """In markets that jump, with leverage 100 and ruinous funding. (The circuit breaker soon ends each.)"""
    gone = 0
    for seed in range(40):
        random = np.random.default_rng(seed)
        candles = wild(random, btc_rules)
        ruinous = Funding(candles.open_ms[::2], np.round(random.normal(0, 400_000, 100)).astype(np.int64))
        setting = contracts(
            btc_rules, candles, leverage=100, stop_percent_e6=5_500, target_percent_e6=None, max_slippage_e6=50_000,
            funding=ruinous,
        )  # fmt: skip
        entry, leaves, short, cover = random.random((4, 200)) < [[0.5], [0.1], [0.5], [0.1]]
        signals = Signals(entry, leaves, short, cover, np.ones(200, dtype=np.bool_))
        folded = fold(candles, signals, setting, minutes=None, start_ms=0)
        found = statistics(folded, candles, setting=setting)
        told, expected = asdict(found), naive_statistics(folded, candles, setting)
        assert {name: told[name] for name, value in expected.items() if not agrees(told[name], value)} == {}
        liquidated = int((folded.positions.exit_reason == LIQUIDATION).sum())
        examined = examine(folded, candles, found, setting=setting, again=None, seed=1)
        codes = {reason.code for reason in examined.verdict.reasons}
        assert ("liquidated" in codes) is (liquidated > 0 and found.total_pnl_e8 > 0)
        gone += liquidated
    assert gone > 10
