"""Verdicts on constructed results: each level, the reasons that decide it, and that a failed check outweighs all."""

import json
import re
from dataclasses import dataclass, replace
from pathlib import Path

import pytest

import engine.verdict as verdict_package
from engine.market import DAY_MS, MINUTE_MS
from engine.metrics import monthly_rows, statistics
from engine.plain import plain
from engine.results import EXIT_SIGNAL, LIQUIDATION
from engine.robustness import cost_sensitivity, monte_carlo
from engine.verdict import (
    LEVEL_TEXTS,
    TEXTS,
    Concentration,
    Evidence,
    Level,
    Verdict,
    concentration_of,
    verdict,
)
from engine.verdict.findings import percent
from engine.walk_forward import Comparison
from tests.engine.folds import E8, NEW_YEAR_MS, Held, bars_of, folded_of

BAR_MS = 360 * MINUTE_MS  # four a day
FEE_E8 = 2 * E8  # of a round trip of 1,000, at today's costs


@dataclass(frozen=True, kw_only=True)
class Setting:
    initial_capital_e8: int = 1_000 * E8
    taker_e6: int = 1_000
    maker_e6: int = 1_000
    slippage_e6: int = 0


HELD_OUTSIDE = Comparison(
    windows=5, inside_return=0.6, outside_return=0.4, outside_positions=120, profitable_windows=4, efficiency=0.8,
    worst_outside_drawdown=0.05, parts_ways=False,
)  # fmt: skip


def gains(*, win: int = 9, loss: int = -6, count: int = 240) -> list[int]:
    """What every second position wins and every other one loses before costs, in quote."""
    return [win if number % 2 == 0 else loss for number in range(count)]


def folded(
    gross: list[int],
    setting: Setting,
    *,
    bars: int = 1_000,
    prices: tuple[int, int] = (100, 100),
    liquidated: int = 0,
):
    """A position every four bars (a day) from the start, market prices on a line between two. The first ones are
    `liquidated`."""
    fee = FEE_E8 * setting.taker_e6 // 1_000
    reasons = [LIQUIDATION if number < liquidated else EXIT_SIGNAL for number in range(len(gross))]
    held = [
        Held(first=4 * number, bars=2, pnl_e8=pnl * E8 - fee, reason=reasons[number])
        for number, pnl in enumerate(gross)
    ]
    line = [prices[0] * E8 + (prices[1] - prices[0]) * E8 * number // (bars - 1) for number in range(bars)]
    walked = bars_of(line, start_ms=NEW_YEAR_MS, bar_ms=BAR_MS)
    return folded_of(held, walked, setting=setting), walked


def evidence(gross: list[int], **kinds: object) -> Evidence:
    """Everything tried on it, as a worker would; the walk is the one given (default: it held)."""
    setting = Setting()
    shape = {name: kinds.pop(name) for name in ("bars", "prices", "liquidated") if name in kinds}
    run, bars = folded(gross, setting, **shape)

    def again(costly: Setting):
        other, walked = folded(gross, costly, **shape)
        return statistics(other, walked, setting=costly)

    known = Evidence(
        statistics=statistics(run, bars, setting=setting),
        concentration=concentration_of(run.positions, monthly_rows(run, bars, setting=setting)),
        luck=monte_carlo(run.positions.pnl_e8, setting.initial_capital_e8, seed=1, runs=400),
        costs=cost_sensitivity(setting, again),
        walk=HELD_OUTSIDE,
        looks_ahead=False,
    )
    return replace(known, **kinds)


def decided(found: Verdict) -> tuple[str, list[str]]:
    return found.level.word, [reason.code for reason in found.deciding]


GOOD = gains(win=15)
FADED = replace(HELD_OUTSIDE, outside_return=0.05, efficiency=0.2, parts_ways=True)
LOST = replace(FADED, outside_return=-0.1, efficiency=-0.2, profitable_windows=1)
STRENGTHS = [
    "earned", "many_positions", "held_outside", "wide_edge", "small_drawdown", "beats_holding", "spread_out",
    "luck_small", "costs_borne", "no_look_ahead", "long_period",
]  # fmt: skip

# Name -> (gross results and what else is known, level, the reasons that decide it)
CASES = {
    "steady, and held wherever it was tried": (GOOD, {}, "convincing", STRENGTHS),
    "the same, but its strategy looks ahead": (GOOD, {"looks_ahead": True}, "unfit", ["looks_ahead"]),
    "the same, never tried outside": (GOOD, {"walk": None}, "promising", ["never_outside"]),
    "the same, on bars without minutes": (GOOD, {"is_coarse": True}, "promising", ["coarse"]),
    "the same, stopped by its breaker": (GOOD, {"paused_ms": NEW_YEAR_MS}, "doubtful", ["circuit_breaker"]),
    "the same, with holes in its candles": (GOOD, {"missing_share": 0.02}, "promising", ["missing_candles"]),
    "the same, with two liquidations among them": (GOOD, {"liquidated": 2}, "doubtful", ["liquidated"]),
    "parameters that lost outside": (GOOD, {"walk": LOST}, "unfit", ["lost_outside"]),
    "parameters that faded outside": (GOOD, {"walk": FADED}, "doubtful", ["parts_ways"]),
    "a market that rose fourfold": (GOOD, {"prices": (100, 400)}, "doubtful", ["holding_better"]),
    "three weeks only": (
        gains(win=15, count=24),
        {"bars": 96},
        "doubtful",
        ["few_positions", "short_period"],
    ),
    "six positions that all won": ([30] * 6, {}, "unfit", ["too_few_positions"]),
    "it lost": (gains(win=5), {}, "unfit", ["lost"]),
    "one lucky position": ([500, *gains(win=13)[1:]], {}, "doubtful", ["one_position"]),
    "one lucky month": ([*gains(win=10, count=210), *[20] * 30], {}, "doubtful", ["one_month"]),
    "eaten by doubled costs": (gains(win=13), {}, "doubtful", ["costs_heavy"]),
    "a capital more than halved": ([*[-12] * 60, *[20] * 180], {}, "doubtful", ["deep_drawdown"]),
    "nothing was bought": ([], {}, "unfit", ["no_positions"]),
}


@pytest.mark.parametrize("name", CASES)
def test_constructed_results(name):
    gross, known, level, codes = CASES[name]
    assert decided(verdict(evidence(gross, **known))) == (level, codes)


def test_the_worst_reason_comes_first_and_decides():
    found = verdict(evidence(GOOD, looks_ahead=True, walk=None, is_coarse=True))
    assert [reason.allows for reason in found.reasons] == sorted(reason.allows for reason in found.reasons)
    assert (found.level, found.reasons[0].code) == (Level.UNFIT, "looks_ahead")
    assert [reason.code for reason in found.reasons[1:3]] == ["never_outside", "coarse"]


def test_a_failed_look_ahead_check_is_always_the_worst():
    levels = {
        verdict(evidence(gross, **{**known, "looks_ahead": True})).level
        for gross, known, _, _ in CASES.values()
    }
    assert levels == {Level.UNFIT}


def test_what_was_not_tried_is_held_against_it():
    found = verdict(evidence(GOOD, luck=None, costs=None, walk=None, looks_ahead=None))
    untried = ["never_outside", "luck_untried", "costs_untried", "look_ahead_unchecked"]
    assert decided(found) == ("promising", untried)


def test_reasons_are_sentences_with_their_numbers():
    found = verdict(evidence(gains(win=13)))
    assert found.reasons[0].text == (
        "With doubled costs it would have lost; nothing is left at 175 % of today's costs."
    )
    texts = {reason.code: reason.text for reason in found.reasons}
    assert texts["earned"] == "It earned 36.0 % after costs."
    assert texts["many_positions"].startswith("240 positions are enough")
    assert found.text == LEVEL_TEXTS["doubtful"]


def with_statistics(**changed: object) -> Evidence:
    known = evidence(GOOD)
    return replace(known, statistics=replace(known.statistics, **changed))


@pytest.mark.parametrize(
    ("changed", "code", "level"),
    [
        ({"positions": 9}, "too_few_positions", "unfit"),
        ({"positions": 10}, "few_positions", "doubtful"),
        ({"positions": 30}, "some_positions", "promising"),
        ({"positions": 100}, "many_positions", "convincing"),
        ({"total_pnl_e8": 0}, "lost", "unfit"),
        ({"profit_factor": 1.0999}, "thin_edge", "doubtful"),
        ({"profit_factor": 1.1}, "some_edge", "promising"),
        ({"profit_factor": 1.3}, "wide_edge", "convincing"),
        ({"profit_factor": None}, "never_lost", "promising"),
        ({"end_ms": NEW_YEAR_MS + 30 * DAY_MS - 1}, "short_period", "doubtful"),
        ({"end_ms": NEW_YEAR_MS + 30 * DAY_MS}, "some_period", "promising"),
        ({"end_ms": NEW_YEAR_MS + 180 * DAY_MS}, "long_period", "convincing"),
        ({"max_drawdown": 0.5, "total_return": 2.0}, "deep_drawdown", "doubtful"),
        ({"max_drawdown": 0.2, "total_return": 0.19}, "drawdown_above_return", "doubtful"),
        ({"max_drawdown": 0.2, "total_return": 0.39}, "drawdown_near_return", "promising"),
        ({"max_drawdown": 0.2, "total_return": 0.4}, "small_drawdown", "convincing"),
        ({"buy_and_hold_return": 0.7, "market_drawdown": 0.5}, "calmer_than_holding", "promising"),
        ({"buy_and_hold_return": 0.7, "market_drawdown": 0.001}, "holding_better", "doubtful"),
        ({"buy_and_hold_return": 0.61, "market_drawdown": 0.0}, "holding_better", "doubtful"),
    ],
)
def test_thresholds_of_the_run(changed, code, level):
    found = verdict(with_statistics(**changed))
    assert {reason.code: reason.allows.word for reason in found.reasons}[code] == level


@pytest.mark.parametrize(
    ("changed", "code"),
    [
        ({"outside_return": -0.01, "profitable_windows": 3}, "weak_outside"),
        ({"profitable_windows": 3}, "uneven_outside"),
        ({"outside_positions": 29}, "few_outside"),
        ({"efficiency": None}, "held_outside"),
    ],
)
def test_thresholds_of_the_walk(changed, code):
    found = verdict(evidence(GOOD, walk=replace(HELD_OUTSIDE, **changed)))
    assert code in {reason.code for reason in found.reasons}


@pytest.mark.parametrize(
    ("chance", "code"), [(0.05, "luck_small"), (0.06, "luck_some"), (0.26, "luck_large")]
)
def test_thresholds_of_luck(chance, code):
    known = evidence(GOOD)
    luck = replace(known.luck, chance_of_loss=chance, drawdowns=known.luck.drawdowns._replace(p95=0.5))
    codes = {reason.code for reason in verdict(replace(known, luck=luck)).reasons}
    assert {code, "orders_deep"} <= codes


@pytest.mark.parametrize(
    ("position", "month", "months", "code"),
    [
        (0.51, 0.9, 9, "one_position"), (0.5, 0.81, 3, "one_month"), (0.26, 0.6, 3, "large_position"),
        (0.25, 0.51, 3, "large_month"), (0.25, 0.9, 2, "spread_out"),
    ],
)  # fmt: skip
def test_thresholds_of_concentration(position, month, months, code):
    shares = Concentration(best_position=position, best_month=month, months=months)
    assert code in {reason.code for reason in verdict(evidence(GOOD, concentration=shares)).reasons}


def test_costs_half_as_high_again():
    assert decided(verdict(evidence(gains(win=11, loss=-6)))) == ("doubtful", ["costs_fatal"])


def test_a_loss_has_no_concentration():
    run, bars = folded([-1] * 20, Setting())
    assert concentration_of(run.positions, monthly_rows(run, bars, setting=Setting())) is None


def test_as_json():
    found = json.loads(json.dumps(verdict(evidence(GOOD)).plain(), allow_nan=False))
    assert (found["level"], found["text"]) == ("convincing", LEVEL_TEXTS["convincing"])
    assert found["reasons"][0] == {
        "code": "earned", "allows": "convincing", "values": {"total_return": "60.0 %"},
        "text": "It earned 60.0 % after costs.",
    }  # fmt: skip


def test_what_was_tried_is_plain_json_too():
    known = evidence(GOOD)
    luck, costs = (
        json.loads(json.dumps(plain(found), allow_nan=False)) for found in (known.luck, known.costs)
    )
    assert luck["returns"]["p50"] == known.luck.returns.p50
    assert luck["fan"]["after"][-1] == 240
    assert costs["rows"][2] == {
        "percent": 100, "taker_e6": 1_000, "maker_e6": 1_000, "slippage_e6": 0, "positions": 240, "total_pnl": "600",
        "total_return": 0.6, "profit_factor": known.statistics.profit_factor,
        "max_drawdown": known.statistics.max_drawdown,
    }  # fmt: skip
    assert plain(known.walk)["efficiency"] == 0.8


def test_every_text_has_a_finding_and_every_finding_a_text():
    source = "".join(path.read_text() for path in Path(verdict_package.__file__).parent.glob("*.py"))
    made = set(re.findall(r'Reason\(\s*"(\w+)"', source))
    assert made == set(TEXTS)


@pytest.mark.parametrize(
    ("ratio", "text"),
    [(-0.068, "−6.8 %"), (0.1234, "12.3 %"), (-0.0001, "0.0 %"), (0.0, "0.0 %"), (None, "0.0 %")],
)
def test_a_loss_is_told_with_a_real_minus(ratio: float | None, text: str) -> None:
    assert percent(ratio) == text
