"""`manage.py optimize`: searches for parameters as the page and the API do, follows the search to its end and tells
what came of it. It is kept, as any other. Research workers do the work; where none is there, this process does.

Exit codes: 0 done, 1 it failed or was called off, 2 what was asked cannot be served.
"""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Mapping
from typing import Any, Final

from django.core.management.base import BaseCommand, CommandError, CommandParser

from accounts.models import User
from bots.lifecycle import LifecycleRefused
from bots.validation import ConfigurationRefused
from trading.management.configuration import USAGE, add_configuration, configuration, refusal
from trading.models import Backtest, Optimization
from trading.models.research import ResearchStatus
from trading.research.optimization_running import MORE, run_slice
from trading.research.optimization_told import leaders, told
from trading.research.optimizations import cancel, request_optimization
from trading.waking import is_research_there

# Option → field of an optimisation, and what it says.
OPTIONS: Final = {
    "method": ("method", "grid, random or tpe; grid unless given"),
    "sets": ("sets", "of random and tpe: how many to try; 200 unless given"),
    "objective": ("objective", "what is best: return_over_drawdown, total_return or sharpe"),
    "min-positions": ("min_positions", "a set with fewer positions where it is chosen is not ranked"),
    "holdout": ("holdout_perc", "the share held back at the end, in percent; 25 unless given"),
    "windows": ("windows", "of a walk forward, 0 to 12"),
    "seed": ("seed", "of random and tpe: the same seed proposes the same first sets"),
}
SEARCH: Final = "Write NAME=FROM:TO:STEP, NAME=A,B,C, or NAME= for what the parameter proposes"
LOOK_EVERY_SECONDS: Final = 0.5


class Command(BaseCommand):
    help = (
        "Search for parameters around a bot (its number), a backtest or a configuration, over real candles."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        add_configuration(parser)
        parser.add_argument("--backtest", help="a backtest's number; its configuration is the beginning")
        parser.add_argument(
            "--user", help="whose search it is (an address); of a bot or a backtest its owner's"
        )
        parser.add_argument(
            "--search", action="append", default=[], metavar="NAME=FROM:TO:STEP",
            help="a parameter to search, also NAME=A,B,C; may be repeated, at most six",
        )  # fmt: skip
        for option, (field, text) in OPTIONS.items():
            parser.add_argument(f"--{option}", dest=field, help=text)
        parser.add_argument("--json", action="store_true", help="print one JSON object as the last line")

    def handle(self, *args: Any, **options: Any) -> None:
        began = time.perf_counter()
        row = self.asked(options)
        try:
            self.follow(row)
        except KeyboardInterrupt:
            self.call_off(row)
        if row.status != ResearchStatus.DONE:
            raise CommandError(row.message or str(row.get_status_display()))
        self.stdout.write(told(row))
        if row.message:
            self.stdout.write(row.message)
        if options["json"]:
            self.stdout.write(json.dumps(as_json(row, time.perf_counter() - began)))

    def asked(self, options: Mapping[str, Any]) -> Optimization:
        owner, values = configuration(options)
        space = space_of(options["search"])
        fields = {field: f"--{option}" for option, (field, _text) in OPTIONS.items()}
        values |= {field: options[field] for field in fields if options[field] is not None}
        if options["backtest"] is not None:
            values["backtest"] = options["backtest"]
        user = owner_of(options, owner)
        try:
            return request_optimization(user, {**values, "space": space})
        except ConfigurationRefused as refused:
            searched = {name: f"--search {name}" for name in space}
            own = {"space": "--search", "backtest": "--backtest", "bot_config": "bot"}
            raise refusal(refused.errors, {**searched, **fields, **own}) from None
        except LifecycleRefused as refused:
            raise CommandError(refused.message, returncode=USAGE) from None

    def follow(self, row: Optimization) -> None:
        """To its end. A lane that somebody else holds is left to them."""
        was_there: bool | None = None
        while row.is_unfinished:
            is_there = is_research_there()
            if is_there is not was_there:
                who = "Research workers do" if is_there else "No research worker is there: this process does"
                self.stderr.write(f"{row.name} (optimisation {row.pk}): {who} the work. Ctrl-C calls it off.")
                was_there = is_there
            if is_there or run_slice(row.pk) != MORE:
                time.sleep(LOOK_EVERY_SECONDS)
            self.look(row)
        if sys.stderr.isatty():
            self.stderr.write("\r\033[K", ending="")

    def look(self, row: Optimization) -> None:
        try:
            row.refresh_from_db()
        except Optimization.DoesNotExist:
            raise CommandError("Somebody deleted it.") from None
        if sys.stderr.isatty():
            self.stderr.write(f"\r{row.tried:,} of {row.sets:,} sets  {row.message}\033[K", ending="")

    def call_off(self, row: Optimization) -> None:
        """Where no worker hears it, it ends here and now."""
        cancel(row)
        if row.is_unfinished and not is_research_there():
            run_slice(row.pk)
        raise CommandError("Called off; what was tried is kept.") from None


def owner_of(options: Mapping[str, Any], owner: Any) -> Any:
    """Who asks: the one named, or whose the bot or the backtest is."""
    if options["user"] is not None:
        found = User.objects.filter(email__iexact=options["user"]).first()
        if found is None:
            raise CommandError(f"--user: Nobody has the address {options['user']!r}.", returncode=USAGE)
        return found
    if owner is not None:
        return owner
    number = options["backtest"]
    if number is None:
        message = "--user: Say whose search it is (an address), or name a bot, or a --backtest."
        raise CommandError(message, returncode=USAGE)
    base = None
    if number.isdecimal() and len(number) <= 18:
        base = Backtest.objects.without_results().select_related("user").filter(pk=number).first()
    if base is None:
        raise CommandError(f"--backtest: There is no backtest {number}.", returncode=USAGE)
    return base.user


def space_of(given: list[str]) -> dict[str, Any]:
    """As the API takes it."""
    space: dict[str, Any] = {}
    for text in given:
        name, equals, values = text.partition("=")
        ends = values.split(":")
        if not equals or not name or len(ends) > 3 or (len(ends) > 1 and "," in values):
            raise CommandError(f"--search: {SEARCH}, not {text!r}.", returncode=USAGE)
        if name in space:
            raise CommandError(f"--search {name}: It is named twice; name it once.", returncode=USAGE)
        if len(ends) > 1:
            space[name] = dict(zip(("from", "to", "step"), ends, strict=False))
        else:
            space[name] = values.split(",") if values else {}
    return space


def as_json(row: Optimization, seconds: float) -> dict[str, Any]:
    names = (
        "name", "source", "market", "symbol", "timeframe", "strategy", "space", "method", "objective", "sets", "tried",
        "best", "data_fingerprint", "code_version",
    )  # fmt: skip
    times = {"start_time": row.start_at, "split_time": row.split_at, "end_time": row.end_at}
    of_set = ("number", "values", "score", "inside", "outside", "parts_ways")
    return {
        "verb": "optimize",
        "ok": True,
        "seconds": round(seconds, 3),
        "optimization": row.pk,
        **{name: at.isoformat() for name, at in times.items()},
        **{name: getattr(row, name) for name in names},
        "leaderboard": [{name: getattr(one, name) for name in of_set} for one in leaders(row)],
    }
