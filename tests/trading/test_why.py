"""The "why" of a candle without a row is what the run said that looked at it."""

from __future__ import annotations

from typing import Any

import pytest

from bots.configuration import change_bot
from bots.models import BotState, Halt
from tests.trading.steps import fresh, go_to_signal
from trading.lifecycle import stop_bot
from trading.models import Decision, Position
from trading.runner import run_bot
from trading.why import why

pytestmark = pytest.mark.django_db

MINUTE_MS = 60_000


def run_on(sandbox: Any, bot: Any, candles: int) -> dict[int, str]:
    """One run a candle; what each said by its reason."""
    said = {}
    for _ in range(candles):
        sandbox.control.advance()
        run_bot(bot.pk)
        state = BotState.objects.get(pk=bot.pk)
        said[state.last_candle_open_ms] = state.last_reason
    return said


def without_rows(bot: Any, said: dict[int, str]) -> dict[int, str]:
    told = set(Decision.objects.filter(bot_config=bot).values_list("candle_open_ms", flat=True))
    return {open_ms: reason for open_ms, reason in said.items() if open_ms not in told}


def recomputed(bot: Any, opens: Any) -> dict[int, str | None]:
    found = {open_ms: why(fresh(bot), open_ms) for open_ms in opens}
    return {open_ms: decided and decided.reason for open_ms, decided in found.items()}


def test_every_quiet_candle_is_explained_again(sandbox: Any, new_bot: Any) -> None:
    bot = new_bot(cooldown_candles=4)
    go_to_signal(sandbox, bot, "no_signal")
    said = run_on(sandbox, bot, 100)
    quiet = without_rows(bot, said)
    assert set(quiet.values()) == {"no signal", "in position", "cooldown"}
    assert Position.objects.filter(bot_config=bot, closed_at__isnull=False).count() >= 2
    assert recomputed(bot, quiet) == quiet
    one = next(open_ms for open_ms, reason in quiet.items() if reason == "in position")
    decided = why(fresh(bot), one)
    assert decided is not None
    assert (decided.action, decided.text) == ("none", "In a position, and no exit signal on this candle.")


def test_a_candle_nobody_looked_at_has_no_why(sandbox: Any, new_bot: Any) -> None:
    bot = new_bot()
    go_to_signal(sandbox, bot, "no_signal")
    said = run_on(sandbox, bot, 3)
    first, last = min(said), max(said)
    assert why(fresh(bot), first - 5 * MINUTE_MS) is None
    assert why(fresh(bot), last + MINUTE_MS) is None
    # Its entry signal would have had a row.
    missed = go_to_signal(sandbox, bot, "long_entry") - MINUTE_MS
    sandbox.control.advance(3)
    run_bot(bot.pk)
    assert why(fresh(bot), missed) is None


def test_what_stood_in_the_way_then_is_said_again(sandbox: Any, new_bot: Any) -> None:
    bot = new_bot()
    go_to_signal(sandbox, bot, "no_signal")
    halt = Halt.objects.create(bot_config=bot, reason="A test.")
    quiet = without_rows(bot, run_on(sandbox, bot, 3))
    halt.delete()
    assert set(quiet.values()) == {"halted"}
    assert recomputed(bot, quiet) == quiet


def test_a_kept_position_is_said_to_be_kept(sandbox: Any, new_bot: Any, alice: Any) -> None:
    bot = new_bot()
    go_to_signal(sandbox, bot, "long_entry")
    run_bot(bot.pk)
    stop_bot(bot, by=alice)
    quiet = without_rows(bot, run_on(sandbox, bot, 12))
    assert quiet
    assert recomputed(bot, quiet) == quiet


def test_it_is_recomputed_by_the_version_that_held_then(sandbox: Any, new_bot: Any, alice: Any) -> None:
    """The later version would have seen signals where the earlier one saw none."""
    deaf = {"ema_fast": 2, "ema_slow": 5, "rsi_oversold": 0, "rsi_overbought": 1}
    bot = new_bot(strategy_params=deaf)
    go_to_signal(sandbox, bot, "no_signal")
    quiet = without_rows(bot, run_on(sandbox, bot, 25))
    keen = {"ema_fast": 2, "ema_slow": 5, "rsi_oversold": 1, "rsi_overbought": 99}
    change_bot(bot, {"strategy_params": keen}, bot.version, by=alice)
    run_on(sandbox, bot, 6)
    assert set(quiet.values()) == {"no signal"}
    assert recomputed(bot, quiet) == quiet
