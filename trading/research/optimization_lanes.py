"""The rows of an optimisation as its workers move them: a lane claims sets, and only who claimed a set settles it.

A lane is a lock of PostgreSQL that one worker at a time holds: what it has claimed while nobody holds it was left by a
worker that died, and goes back.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final

from django.db import transaction
from django.db.models import F
from django.db.models.functions import Coalesce, Now

from engine.walk_forward import Sample, Window
from trading.models.optimization import Method, Optimization, Trial, TrialStatus
from trading.models.research import ResearchStatus
from trading.research.described import in_json
from trading.research.holding import held_keys
from trading.research.optimization_proposing import proposed
from trading.research.optimization_scores import score_of
from trading.research.optimization_space import space_of
from trading.research.optimization_trying import Tried
from trading.research.optimizations import add_trials

# First halves of the locks: "opti" and "opte" as numbers. The second halves are row and lane, and the row.
LANE: Final = 0x6F707469
ENDING: Final = 0x6F707465
LANES: Final = 2
BATCH: Final = 8


def lane_key(optimization_id: int, lane: int) -> int:
    return optimization_id * LANES + lane


def take_up(optimization_id: int) -> bool:
    """Running from now on; True for the one who began it."""
    return bool(
        Optimization.objects.filter(pk=optimization_id, status=ResearchStatus.QUEUED).update(
            status=ResearchStatus.RUNNING, started_at=Coalesce("started_at", Now()), updated_at=Now()
        )
    )


def put_back(optimization_id: int, lane: int) -> int:
    """What the lane has claimed, by whoever holds it."""
    with transaction.atomic():
        left = Trial.objects.filter(
            optimization=optimization_id, status=TrialStatus.CLAIMED, lane=lane
        ).update(status=TrialStatus.WAITING, lane=None)
        if left:
            Optimization.objects.filter(pk=optimization_id).update(deaths=F("deaths") + 1)
    return left


def is_wanted(optimization_id: int) -> bool:
    return Optimization.objects.filter(
        pk=optimization_id, status=ResearchStatus.RUNNING, cancel_wanted_at__isnull=True
    ).exists()


def claim(row: Optimization, lane: int) -> list[Trial]:
    """The next sets for this lane; where none is left, TPE is asked for more. Empty: nothing to try now."""
    found = _claimed(row, lane)
    if not found and row.method == Method.TPE and _propose(row):
        found = _claimed(row, lane)
    return found


def _claimed(row: Optimization, lane: int) -> list[Trial]:
    with transaction.atomic():
        waiting = Trial.objects.filter(optimization=row, status=TrialStatus.WAITING).order_by("number")
        found = list(waiting.select_for_update(skip_locked=True)[:BATCH])
        Trial.objects.filter(pk__in=[trial.pk for trial in found]).update(
            status=TrialStatus.CLAIMED, lane=lane
        )
    return found


def _propose(row: Optimization) -> int:
    """Under the row's lock, so that two lanes never propose the same number."""
    with transaction.atomic():
        locked = Optimization.objects.select_for_update(no_key=True).filter(pk=row.pk).first()
        if locked is None:
            return 0
        known = list(Trial.objects.filter(optimization=row).order_by("number"))
        done = [(one.values, one.score) for one in known if one.status == TrialStatus.DONE]
        pending = [one.values for one in known if one.status != TrialStatus.DONE]
        wanted = min(BATCH, locked.sets - len(known))
        if wanted <= 0:
            return 0
        sets = proposed(space_of(row), wanted, seed=row.seed, done=done, pending=pending)
        add_trials(row, sets, first=len(known) + 1)
        if len(sets) < wanted:
            # The space has no more.
            Optimization.objects.filter(pk=row.pk).update(sets=len(known) + len(sets), updated_at=Now())
    return len(sets)


def settle(row: Optimization, lane: int, found: Sequence[tuple[Trial, Tried]], main: Window) -> int:
    """Write down what came of claimed sets; those that are no longer this lane's stay as they are."""
    settled = 0
    with transaction.atomic():
        for trial, tried in found:
            mine = Trial.objects.filter(pk=trial.pk, status=TrialStatus.CLAIMED, lane=lane)
            settled += mine.update(status=TrialStatus.DONE, lane=None, **_columns(row, tried, main))
        Optimization.objects.filter(pk=row.pk).update(
            tried=F("tried") + settled, message="", updated_at=Now()
        )
    return settled


def _columns(row: Optimization, tried: Tried, main: Window) -> dict[str, Any]:
    return {
        "score": in_json(score_of(tried.inside, objective=row.objective, min_positions=row.min_positions)),
        "inside": figures(tried.inside),
        "outside": figures(tried.outside),
        "walk": [[figures(inside), figures(outside)] for inside, outside in tried.walk],
        "parts_ways": tried.parts_ways(main),
    }


def figures(sample: Sample) -> dict[str, Any]:
    named: dict[str, Any] = in_json(sample._asdict())
    return named


def sample_from(kept: dict[str, Any]) -> Sample:
    return Sample(**kept)


def is_all_tried(row: Optimization) -> bool:
    known = Trial.objects.filter(optimization=row)
    sets = Optimization.objects.values_list("sets", flat=True).get(pk=row.pk)
    return known.filter(status=TrialStatus.DONE).count() >= sets


def abandoned_lanes(row: Optimization) -> list[int]:
    """Lanes with claimed sets that nobody holds."""
    claimed = Trial.objects.filter(optimization=row, status=TrialStatus.CLAIMED)
    lanes = set(claimed.order_by().values_list("lane", flat=True).distinct())
    held = held_keys(LANE)
    return sorted(lane for lane in lanes if lane is not None and lane_key(row.pk, lane) not in held)


def has_work(row: Optimization) -> bool:
    """Whether a set waits, or one is still to be proposed."""
    known = Trial.objects.filter(optimization=row)
    if known.filter(status=TrialStatus.WAITING).exists():
        return True
    sets = Optimization.objects.values_list("sets", flat=True).get(pk=row.pk)
    return known.count() < sets
