"""The verb itself: what it plans and refuses, and a small real run that kills worker, pool child and sandbox."""

from __future__ import annotations

import json
import os
import subprocess
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from tradebot.supervisor.instance import ROOT, UsageError
from tradebot.verbs.chaos import SETTLING_SECONDS, VICTIMS, Kill, metrics_of, read_plan
from tradebot.verbs.chaos_naked import Naked
from tradebot.verbs.chaos_witness import Findings
from tradebot.verbs.own_instance import is_healthy

CLEAN = {"fills": 5, "missing": 0, "extra": 0, "different": 0, "balance_differences": 0}


def findings(**different: Any) -> Findings:
    values: dict[str, Any] = {
        "audit": CLEAN,
        "faults": {"drop_before": 2},
        "order_states": {"filled": 5},
        "orders": 5,
        "duplicates": 0,
        "stuck_orders": 0,
        "stuck_bots": 0,
    }
    return Findings(**{**values, **different})


def test_each_once_kills_everything_once_and_the_supervisor_last() -> None:
    plan = read_plan(["--each-once", "--minutes", "15"])
    assert sorted(plan.victims) == sorted(VICTIMS)
    assert (plan.victims[-1], plan.minutes, plan.is_complete) == ("supervisor", 15, True)
    assert plan.minutes * 60 > SETTLING_SECONDS


def test_a_seed_repeats_its_plan() -> None:
    plans = [read_plan(["--minutes", "10", "--seed", "5"]) for _ in range(2)]
    assert plans[0] == plans[1]
    assert (len(plans[0].victims), plans[0].is_complete) == (10, False)


@pytest.mark.parametrize("arguments", [["--kill", "nobody"], ["--kill", ","], ["--minutes", "0"]])
def test_what_cannot_be_meant_is_refused(arguments: list[str]) -> None:
    with pytest.raises(UsageError):
        read_plan(arguments)


def test_an_unknown_option_exits_with_2(capsys: Any) -> None:
    with pytest.raises(SystemExit) as refused:
        read_plan(["--every-day"])
    assert refused.value.code == 2


WELL = Kill("web", 0.0, 1.0, 2.0)


@pytest.mark.parametrize(
    ("kill", "found", "missed"),
    [
        (WELL, findings(), []),
        (Kill("web", 0.0, None, None), findings(), ["not_recovered", "not_trading_again"]),
        (WELL, findings(audit={**CLEAN, "missing": 1}), ["lost"]),
        (WELL, findings(audit={**CLEAN, "balance_differences": 2}), ["balance_differences"]),
        (WELL, findings(duplicates=1, stuck_bots=1), ["duplicates", "stuck_bots"]),
        (WELL, findings(naked=(Naked(1, 0.0, 4.9, 0), Naked(1, 9.0, 19.9, 1), Naked(1, 40.0, 39.0, 2))), []),
        (WELL, findings(naked=(Naked(1, 0.0, 5.1, 0),)), ["naked_longest"]),
        (WELL, findings(naked=(Naked(1, 0.0, 20.1, 1),)), ["naked_longest_unknown"]),
        (WELL, findings(naked=(Naked(1, 0.0, 1.0, 0, lasts=True),)), ["naked_at_the_end"]),
    ],
)
def test_only_an_all_zero_end_is_ok(kill: Kill, found: Findings, missed: list[str]) -> None:
    metrics = [metric.as_json() for metric in metrics_of([kill], found)]
    assert [metric["metric"] for metric in metrics if metric["holds"] is False] == missed


def test_a_dead_process_s_last_word_is_no_health() -> None:
    report = {"status": "ok", "checks": {"worker": {"ok": True, "age_seconds": 3.0}, "redis": {"ok": True}}}
    now = datetime.now(UTC)
    assert not is_healthy(report, now - timedelta(seconds=2))
    assert is_healthy(report, now - timedelta(seconds=4))
    assert not is_healthy({**report, "status": "degraded"}, now - timedelta(seconds=4))


@pytest.mark.instance
@pytest.mark.xdist_group("instance")
def test_bots_survive_the_death_of_worker_child_and_sandbox() -> None:
    arguments = ["--each-once", "--minutes", "1", "--seed", "3", "--kill", "worker-child,worker,sandbox"]
    done = subprocess.run(
        [ROOT / "run", "chaos", *arguments],
        env=os.environ,
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    result = json.loads(done.stdout.splitlines()[-1])
    assert (result["verb"], result["ok"], result["seed"]) == ("chaos", True, 3)
    assert {name: result["audit"][name] for name in CLEAN if name != "fills"} == {
        name: 0 for name in CLEAN if name != "fills"
    }
    assert result["audit"]["fills"] > 5
