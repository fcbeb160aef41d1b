"""`./run chaos`: kills the processes of an instance of its own while its bots trade on faulty ground, waits for each to
come back, lets everything settle, and then asks the market whether our books are right to the last digit.
"""

from __future__ import annotations

import argparse
import json
import random
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psycopg

from exchange.sandbox.control import ControlRefused
from tradebot.supervisor.instance import UsageError
from tradebot.verbs.bench import RESULTS, in_words
from tradebot.verbs.chaos_ground import Ground
from tradebot.verbs.chaos_naked import Naked
from tradebot.verbs.chaos_witness import Findings, Witness
from tradebot.verbs.measuring import Metric
from tradebot.verbs.outcome import machine, outcome, print_outcome
from tradebot.verbs.own_instance import CHILD, SUPERVISOR, OwnInstance

VICTIMS = ("postgres", "valkey", "sandbox", "web", "worker", "research", "beat", "feed", CHILD, SUPERVISOR)
# While one of these is away the product can protect nothing; a child of the worker has a sibling.
NEEDED = ("postgres", "valkey", "sandbox", "worker", SUPERVISOR)
NAKED_SECONDS = 5.0
NAKED_UNKNOWN_SECONDS = 20.0
RECOVERED_WITHIN_SECONDS = 90.0
TRADING_WITHIN_SECONDS = 90.0
# Kept back of the minutes asked for, so that what is open can settle: proving that an order never existed takes 20 s.
SETTLING_SECONDS = 120.0


@dataclass(frozen=True)
class Plan:
    """What will be killed, in which order, within how many minutes; the same seed means the same plan."""

    victims: Sequence[str]
    minutes: float
    seed: int
    is_complete: bool
    keeps_folder: bool = False


@dataclass(frozen=True)
class Kill:
    """One kill: seconds until health was ok again with a new process, and until the next fill; None: never."""

    victim: str
    at_seconds: float
    recovered_seconds: float | None
    trading_seconds: float | None
    at_wall: float = 0.0


def run(arguments: list[str]) -> int:
    plan = read_plan(arguments)
    started = time.monotonic()
    folder = Path(tempfile.mkdtemp(prefix="tradebot-chaos-", dir="/var/tmp"))
    folder.chmod(0o711)
    say(f"Seed {plan.seed}; killing {', '.join(plan.victims)}. Logs in {folder}.")
    told: dict[str, Any] = {"machine": machine(), "data": "recorded", "seed": plan.seed}
    try:
        kills, findings = wreak(plan, folder)
    except (RuntimeError, OSError, ControlRefused, psycopg.Error, subprocess.SubprocessError) as trouble:
        say(f"Chaos came to no end: {trouble}\nKept for looking at: {folder}")
        told["metrics"] = []
        return print_outcome(
            outcome("chaos", name=None, ok=False, started=started, **told, error=str(trouble)[:300])
        )
    metrics = [metric.as_json() for metric in metrics_of(kills, findings)]
    ok = not any(metric["holds"] is False for metric in metrics)
    print_table(kills, findings, metrics)
    told |= {"metrics": metrics, "faults": findings.faults, "audit": findings.audit}
    result = outcome("chaos", name=None, ok=ok, started=started, **told)
    if plan.is_complete:
        RESULTS.mkdir(parents=True, exist_ok=True)
        (RESULTS / "chaos.json").write_text(json.dumps(result, indent=2) + "\n")
    if ok and not plan.keeps_folder:
        shutil.rmtree(folder, ignore_errors=True)
    else:
        say(f"Kept for looking at: {folder}")
    return print_outcome(result)


def read_plan(arguments: list[str]) -> Plan:
    """Raises UsageError, or exits 2 as argparse does."""
    parser = argparse.ArgumentParser(
        prog="./run chaos", description="Kill processes while bots trade, then audit."
    )
    parser.add_argument("--each-once", action="store_true", help="every process once (default: at random)")
    parser.add_argument(
        "--minutes", type=float, default=15.0, help="spread over at most this long (default 15)"
    )
    parser.add_argument("--seed", type=int, default=None, help="repeat a plan")
    parser.add_argument("--kill", default=",".join(VICTIMS), help=f"only these of {','.join(VICTIMS)}")
    parser.add_argument("--keep", action="store_true", help="keep data and logs also when all is well")
    given = parser.parse_args(arguments)
    chosen = [name for name in given.kill.split(",") if name]
    unknown = sorted(set(chosen) - set(VICTIMS))
    if unknown or not chosen:
        raise UsageError(f"There is no process {', '.join(unknown)}; the names are {', '.join(VICTIMS)}.")
    if given.minutes <= 0:
        raise UsageError("--minutes must be above 0.")
    seed = random.SystemRandom().randrange(10**6) if given.seed is None else given.seed
    chance = random.Random(seed)
    if given.each_once:
        order = [name for name in chance.sample(chosen, len(chosen)) if name != SUPERVISOR]
        victims = [*order, SUPERVISOR] if SUPERVISOR in chosen else order
    else:
        victims = chance.choices(chosen, k=max(1, int(given.minutes)))
    is_complete = given.each_once and set(chosen) == set(VICTIMS)
    return Plan(victims, given.minutes, seed, is_complete=is_complete, keeps_folder=given.keep)


def wreak(plan: Plan, folder: Path) -> tuple[list[Kill], Findings]:
    """The whole story of one instance; it is stopped in the end, whatever happened."""
    chance = random.Random(plan.seed)
    end_at = time.monotonic() + plan.minutes * 60 - SETTLING_SECONDS
    instance = OwnInstance(folder)
    try:
        say(f"READY after {instance.start():.1f} s.")
        ground = Ground(instance)
        ground.prepare()
        witness = Witness(instance, ground.control)
        check_trading(ground, ground.count_fills(), "The bots did not begin to trade.")
        ground.spread_faults(plan.seed)
        kills = []
        for number, victim in enumerate(plan.victims):
            left = (end_at - time.monotonic()) / (len(plan.victims) - number)
            time.sleep(max(0.0, left * chance.uniform(0.3, 0.7)))
            kills.append(strike(instance, ground, victim, chance))
        faults = ground.clear_faults()
        stuck_bots = witness.wait_for_bots(ground.market_ms)
        ground.stop_bots()
        ground.still_market()
        stuck_orders = witness.wait_for_orders()
        witness.wait_for_books()
        findings = witness.findings(
            faults, stuck_bots=stuck_bots, stuck_orders=stuck_orders, down=spans_down(kills)
        )
        return kills, findings
    finally:
        instance.stop()


def strike(instance: OwnInstance, ground: Ground, victim: str, chance: random.Random) -> Kill:
    """Kill one process just after a close, when orders are on their way, and watch it come back."""
    ground.wait_for_close()
    time.sleep(chance.uniform(0.0, 2.5))
    at = time.monotonic()
    killed = instance.kill(victim, chance)
    recovered = instance.wait_for_recovery(killed, within=RECOVERED_WITHIN_SECONDS)
    say(
        f"Killed {victim}: " + ("did not recover." if recovered is None else f"well after {recovered:.1f} s.")
    )
    trading = None
    if recovered is not None and wait_for_fill(ground, ground.count_fills()):
        trading = time.monotonic() - at
    return Kill(victim, at, recovered, trading, at_wall=killed.at_wall.timestamp())


def spans_down(kills: Sequence[Kill]) -> list[tuple[float, float]]:
    """Wall time in which something was away that protection cannot do without."""
    away = [kill for kill in kills if kill.victim in NEEDED]
    return [
        (kill.at_wall, kill.at_wall + (kill.recovered_seconds or RECOVERED_WITHIN_SECONDS)) for kill in away
    ]


def wait_for_fill(ground: Ground, before: int) -> bool:
    give_up_at = time.monotonic() + TRADING_WITHIN_SECONDS
    while ground.count_fills() <= before:
        if time.monotonic() > give_up_at:
            return False
        time.sleep(0.5)
    return True


def check_trading(ground: Ground, before: int, complaint: str) -> None:
    if not wait_for_fill(ground, before):
        raise RuntimeError(complaint)


def metrics_of(kills: Sequence[Kill], findings: Findings) -> list[Metric]:
    """How long each recovery took, and the counts that must be zero."""
    found = []
    for victim in dict.fromkeys(kill.victim for kill in kills):
        mine = [kill for kill in kills if kill.victim == victim and kill.recovered_seconds is not None]
        if mine:
            seconds = [kill.recovered_seconds or 0.0 for kill in mine]
            found.append(Metric(metric=f"recovery_{victim}", unit="s", values=seconds))
    counted = {"kills": len(kills), "orders": findings.orders, "fills": findings.audit["fills"]}
    counted["faults"] = sum(findings.faults.values())
    found += [Metric(metric=name, unit="", values=[count]) for name, count in counted.items()]
    zero = {
        "not_recovered": sum(kill.recovered_seconds is None for kill in kills),
        "not_trading_again": sum(kill.trading_seconds is None for kill in kills),
        "duplicates": findings.duplicates,
        "lost": findings.audit["missing"],
        **{name: findings.audit[name] for name in ("extra", "different", "balance_differences")},
        "stuck_orders": findings.stuck_orders,
        "stuck_bots": findings.stuck_bots,
    }
    found += [Metric(metric=name, unit="", values=[count], target=0) for name, count in zero.items()]
    return found + naked_metrics(findings.naked)


def naked_metrics(naked: Sequence[Naked]) -> list[Metric]:
    """The longest stretches without a stop, within the time in which something could be done, and their number."""
    known = [stretch.seconds for stretch in naked if not stretch.is_unknown]
    unknown = [stretch.seconds_an_outcome for stretch in naked if stretch.is_unknown]
    longest = {
        "naked_longest": (known, NAKED_SECONDS),
        "naked_longest_unknown": (unknown, NAKED_UNKNOWN_SECONDS),
    }
    longest_of_all = max((stretch.seconds for stretch in naked), default=0.0)
    found = [
        Metric(metric="naked_stretches", unit="", values=[len(naked)]),
        Metric(metric="naked_longest_with_all_its_unknowns", unit="s", values=[longest_of_all]),
    ]
    for name, (seconds, target) in longest.items():
        found.append(Metric(metric=name, unit="s", values=[max(seconds, default=0.0)], target=target))
    lasting = sum(stretch.lasts for stretch in naked)
    return [*found, Metric(metric="naked_at_the_end", unit="", values=[lasting], target=0)]


def print_table(kills: Sequence[Kill], findings: Findings, metrics: Sequence[dict[str, Any]]) -> None:
    print(f"{'killed':<12}{'well after':>12}{'trading after':>15}")
    for kill in kills:
        print(f"{kill.victim:<12}{seconds(kill.recovered_seconds):>12}{seconds(kill.trading_seconds):>15}")
    print(f"faults: {', '.join(f'{kind} {count}' for kind, count in sorted(findings.faults.items()))}")
    print(
        f"orders: {', '.join(f'{state} {count}' for state, count in sorted(findings.order_states.items()))}"
    )
    for metric in metrics:
        print(in_words(metric))


def seconds(value: float | None) -> str:
    return "never" if value is None else f"{value:.1f} s"


def say(text: str) -> None:
    print(text, file=sys.stderr, flush=True)
