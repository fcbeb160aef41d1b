"""Which sets are tried: all of them, some drawn with a seed, or those that Optuna proposes after what has been found.

Optuna only proposes. What was tried lies in our own table, and its study is built of that anew each time.
"""

from __future__ import annotations

import random
from collections.abc import Iterable, Sequence
from functools import partial
from typing import Any, Final

from trading.models.optimization import Method
from trading.research.optimization_space import MOST_COMBINATIONS, Space, Values

# Drawn at random before TPE begins to learn.
START_UP: Final = 20
# Proposals in vain, for each one wanted, before chance decides.
PATIENCE: Final = 6

type Scored = tuple[Values, float | None]


def sets_to_begin(space: Space, *, method: str, sets: int, seed: int) -> list[Values]:
    """All that can be known beforehand, each once: of TPE nothing."""
    if method == Method.GRID:
        return list(space.every())
    if method == Method.RANDOM:
        return drawn(space, sets, seed=seed)
    return []


def drawn(space: Space, count: int, *, seed: int, seen: Iterable[Values] = ()) -> list[Values]:
    """At most `count` sets, each once and none of `seen`; fewer only where no more are to be found."""
    chance, known = random.Random(seed), {_key(values) for values in seen}
    if space.combinations <= MOST_COMBINATIONS:
        left = [values for values in space.every() if _key(values) not in known]
        return chance.sample(left, min(count, len(left)))
    found: list[Values] = []
    for _attempt in range(50 * count):
        values = space.at(chance.randrange(space.combinations))
        if len(found) < count and _key(values) not in known and space.allows(values):
            known.add(_key(values))
            found.append(values)
    return found


def proposed(
    space: Space, count: int, *, seed: int, done: Sequence[Scored], pending: Sequence[Values]
) -> list[Values]:
    """What TPE would try next, knowing `done`; `pending` are being tried."""
    known = {_key(values) for values, _score in done} | {_key(values) for values in pending}
    study, distributions = _study(space, seed=seed + len(known), done=done, pending=pending)
    found: list[Values] = []
    for _attempt in range(PATIENCE * count):
        if len(found) == count:
            break
        trial = study.ask(fixed_distributions=distributions)
        values = {axis.name: axis.values[trial.params[axis.name]] for axis in space.axes}
        if _key(values) not in known and space.allows(values):
            known.add(_key(values))
            found.append(values)
        else:
            study.tell(trial, state=_states().FAIL)
    seen = [*(values for values, _score in done), *pending, *found]
    return found + drawn(space, count - len(found), seed=seed + len(seen), seen=seen)


def _study(space: Space, *, seed: int, done: Sequence[Scored], pending: Sequence[Values]) -> Any:
    import optuna

    optuna.logging.set_verbosity(optuna.logging.WARNING)
    sampler = optuna.samplers.TPESampler(seed=seed, n_startup_trials=START_UP, constant_liar=True)
    study = optuna.create_study(direction="maximize", sampler=sampler)
    distributions: dict[str, Any] = {
        axis.name: optuna.distributions.IntDistribution(0, len(axis.values) - 1) for axis in space.axes
    }
    states = _states()
    told = partial(optuna.trial.create_trial, distributions=distributions)
    for values, score in done:
        # One that is not ranked is to Optuna a try that was given up: worse than any other.
        ending = {"value": score} if score is not None else {"state": states.PRUNED}
        study.add_trial(told(params=_digits(space, values), **ending))
    for values in pending:
        study.add_trial(told(params=_digits(space, values), state=states.RUNNING))
    return study, distributions


def _states() -> Any:
    from optuna.trial import TrialState

    return TrialState


def _digits(space: Space, values: Values) -> dict[str, int]:
    return {axis.name: axis.values.index(values[axis.name]) for axis in space.axes}


def _key(values: Values) -> tuple[Any, ...]:
    return tuple(values.values())
