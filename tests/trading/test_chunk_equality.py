"""A chunk leaves the very rows that a run of each bot by itself would: told by twins, one run in either way.

The bots are drawn from a seed: every standing, reasons, days, limits, cooldowns, keys, halts, strategies that are gone.
"""

from __future__ import annotations

import random
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import date, timedelta
from decimal import Decimal
from typing import Any

import pytest
from celery.signals import before_task_publish
from django.forms.models import model_to_dict

from accounts.keys import mint_paper_key
from accounts.models import ApiKey
from bots.models import BotConfig, BotState, Halt
from bots.standing import (
    CIRCUIT_BREAKER,
    CLIENT_INIT,
    DAILY_LIMITS,
    DECRYPT_FAILED,
    HALTED,
    KEY_INVALID,
    PRICE_FETCH,
)
from exchange.instants import instant_of
from tests.trading.steps import go_to_signal
from trading.chunks import run_chunk
from trading.entering import run_entering_bots
from trading.models import Decision, Position
from trading.runner import run_bot

pytestmark = pytest.mark.django_db

TWINS = 40
SIDES = ("together", "alone")
MINUTE_MS = 60_000
STANDINGS = [
    *[("running", ""), ("pending", ""), ("waiting", "no signal"), ("waiting", "")] * 4,
    *[("error", PRICE_FETCH), ("error", CLIENT_INIT), ("error", DECRYPT_FAILED), ("error", "strategy")],
    *[("paused", detail) for detail in DAILY_LIMITS],
    *[("paused", KEY_INVALID), ("paused", CIRCUIT_BREAKER), ("paused", HALTED), ("stopped", "")],
]
EYES = [
    *[("ema", {"ema_fast": 2, "ema_slow": 5, "rsi_oversold": 1, "rsi_overbought": 99})] * 8,
    *[("ema", {}), ("rsi", {"rsi_period": 2})] * 3,
    ("ema", {"ema_fast": 9, "ema_slow": 3}),
    ("sold", {}),
]
REASONS = ["", "no signal", "too late", "stopped", "cooldown", "max_daily_trades reached", "halted", "error"]
OF_THE_MOMENT = ("bot_config", "last_run_at", "last_updated_at")


class Twins:
    """Pairs of bots alike in everything, each pair drawn from the seed."""

    def __init__(self, seed: int, owners: list[Any], now_ms: int) -> None:
        self.draw = random.Random(seed)
        self.now_ms = now_ms
        self.today = instant_of(now_ms).date()
        self.keys = {owner.pk: self.keys_of(owner) for owner in {one.pk: one for one in owners}.values()}
        self.owners = owners
        self.pairs = [self.pair(number) for number in range(TWINS)]

    def keys_of(self, owner: Any) -> dict[str, tuple[ApiKey, ApiKey]]:
        """A good and a bad key for either side: what one side spends, the other must not miss."""
        minted = {
            side: (mint_paper_key(owner, f"Good {side}"), mint_paper_key(owner, f"Bad {side}"))
            for side in SIDES
        }
        ApiKey.objects.filter(label__startswith="Bad").update(is_valid=False)
        return minted

    def pair(self, number: int) -> tuple[int, int]:
        owner = self.draw.choice(self.owners)
        config, state = self.config(), self.state()
        if config["base_asset"] == "NOSUCH":
            # Alone it asks this very symbol for the time first; a bot that is not due never comes to that.
            state["last_candle_open_ms"] = None
        is_key_bad = self.draw.random() < 0.15
        exit_ms = self.draw.choice([None, self.now_ms - 1, self.now_ms - 3 * MINUTE_MS])
        is_halted, is_active = (
            self.draw.random() < 0.1,
            state["status"] in ("running", "pending", "waiting", "error"),
        )
        made = []
        for side in SIDES:
            key = self.keys[owner.pk][side][is_key_bad]
            bot = BotConfig.objects.create(
                user=owner, api_key=key, account=key.account, name=f"{side} {number}", is_active=is_active, **config
            )  # fmt: skip
            BotState.objects.create(bot_config=bot, **state)
            if exit_ms is not None:
                at = instant_of(exit_ms)
                Position.objects.create(
                    bot_config=bot, sequence=1, opened_at=at - timedelta(hours=1), closed_at=at
                )
            if is_halted:
                Halt.objects.create(bot_config=bot, reason="Drawn from the seed.")
            made.append(bot.pk)
        return made[0], made[1]

    def config(self) -> dict[str, Any]:
        name, params = self.draw.choice(EYES)
        size = self.draw.choice(
            [{}, {"position_size_perc": Decimal(25)}, {"position_size_fixed": Decimal(40)}]
        )
        base = self.draw.choice([*["BTC"] * 8, *["ETH"] * 6, "NOSUCH"])
        return size | {
            "symbol": f"{base}USDT",
            "base_asset": base,
            "quote_asset": "USDT",
            "timeframe": self.draw.choice([*["1m"] * 6, "3m", "1h"]),
            "strategy": name,
            "strategy_params": params,
            "initial_capital": self.draw.choice([Decimal(100), Decimal("2000.5")]),
            "max_daily_trades": self.draw.choice([None, None, 1, 3]),
            "max_daily_loss_perc": self.draw.choice([None, None, Decimal(1), Decimal("2.5")]),
            "daily_target_perc": self.draw.choice([None, None, Decimal(1)]),
            "cooldown_candles": self.draw.choice([0, 0, 2, 5]),
            "version": self.draw.choice([1, 4]),
        }

    def state(self) -> dict[str, Any]:
        status, detail = self.draw.choice(STANDINGS)
        day: date | None = self.draw.choice([self.today] * 5 + [self.today - timedelta(days=1), None])
        return {
            "status": status,
            "status_detail": detail,
            "counters_date": day,
            "daily_trades_count": self.draw.choice([0, 1, 3]),
            "daily_pnl": self.draw.choice([Decimal(0), Decimal("-3.25"), Decimal("1.5"), Decimal("-60")]),
            "realized_pnl": self.draw.choice([Decimal(0), Decimal("-17.125")]),
            "last_reason": self.draw.choice(REASONS),
            "last_error_message": self.draw.choice(["", "Something was wrong."]),
            "last_candle_open_ms": self.draw.choice(
                [None, self.now_ms - 9 * MINUTE_MS, self.now_ms - MINUTE_MS]
            ),
        }


def rows_of(bot_id: int) -> dict[str, Any]:
    """All that a run may have written, without whose it is and when."""
    bot = BotConfig.objects.select_related("state").get(pk=bot_id)
    state = model_to_dict(bot.state, exclude=OF_THE_MOMENT)
    decisions = Decision.objects.filter(bot_config=bot).order_by("candle_open_ms", "pk")
    told = [model_to_dict(decision, exclude=("id", "bot_config")) for decision in decisions]
    rest = {"has_run": bot.state.last_run_at is not None, "is_active": bot.is_active, "decisions": told}
    return state | rest


@pytest.mark.parametrize(("seed", "signal"), [(1, "no_signal"), (2, "long_exit"), (3, "long_entry")])
def test_together_and_alone_leave_the_same_rows(
    sandbox: Any, new_bot: Any, alice: Any, charlie: Any, *, seed: int, signal: str
) -> None:
    now_ms = go_to_signal(sandbox, new_bot(started=False), signal)
    type(charlie).objects.filter(pk=charlie.pk).update(is_active=False)
    twins = Twins(seed, [alice, alice, alice, charlie], now_ms)
    for _together, alone in twins.pairs:
        run_bot(alone)
    before = {together: rows_of(together) for together, _alone in twins.pairs}
    with queued() as calls:
        tally = run_chunk([together for together, _alone in twins.pairs])
    left = [arguments[0] for task, arguments in calls if task == "trading.run_bot_task"]
    entering = [arguments[0] for task, arguments in calls if task == "trading.run_entering_bots"]
    assert (sum(tally.values()), tally["alone"]) == (TWINS, len(left))
    assert tally["entering"] == sum(map(len, entering))
    assert entering or signal != "long_entry"
    finished = [pk for pk in before if rows_of(pk) != before[pk]]
    assert len(finished) + tally["entering"] > TWINS / 4
    for few in entering:
        run_entering_bots(few)
    for bot_id in sorted(left):
        run_bot(bot_id)
    differences = {
        (together, alone): parting(rows_of(together), rows_of(alone)) for together, alone in twins.pairs
    }
    assert {pair: parted for pair, parted in differences.items() if parted} == {}


@contextmanager
def queued_runs() -> Iterator[list[int]]:
    """The bots for which a run of their own was queued meanwhile, and nothing else."""
    with queued() as calls:
        found: list[int] = []
        yield found
    assert {task for task, _ in calls} <= {"trading.run_bot_task"}
    found += [arguments[0] for _, arguments in calls]


@contextmanager
def queued() -> Iterator[list[tuple[str, Any]]]:
    """The tasks that were queued meanwhile, with their arguments."""
    calls: list[tuple[str, Any]] = []

    def note(sender: str, body: Any, **rest: Any) -> None:
        calls.append((sender, body[0]))

    before_task_publish.connect(note)
    try:
        yield calls
    finally:
        before_task_publish.disconnect(note)


def parting(one: dict[str, Any], other: dict[str, Any]) -> dict[str, Any]:
    return {name: (one[name], other[name]) for name in one if one[name] != other[name]}
