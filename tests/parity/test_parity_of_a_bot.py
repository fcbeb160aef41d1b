"""A bot's life beside its backtest, in the app: what it really traded on the sandbox, compared, kept and shown."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest
from django.core.management import CommandError, call_command

from bots.configuration import change_bot
from bots.models import BotConfig, BotState
from engine.parity import Cause
from trading.lifecycle import close_position
from trading.models import ParityCheck, Position, Trade
from trading.orders.protection import tend
from trading.research.parity import check_next, check_parity, request_parity
from trading.runner import run_bot

pytestmark = pytest.mark.django_db(transaction=True)

LIVELY = {"ema_fast": 2, "ema_slow": 4, "rsi_oversold": 0, "rsi_overbought": 100}
EXITS = {"stop_loss_perc": "0.2", "take_profit_perc": "0.25", "cooldown_candles": 2}


def trade(sandbox: Any, bot: BotConfig, candles: int) -> None:
    """So many candles, each looked at once, as the stepped market asks for."""
    for _ in range(candles):
        run_bot(bot.pk)
        sandbox.control.advance()
    run_bot(bot.pk)


def checked(bot: BotConfig) -> ParityCheck:
    check_parity(bot.pk)
    return ParityCheck.objects.get(bot_config=bot)


def test_a_bot_that_trades_by_its_rules_agrees_to_the_last_digit(sandbox: Any, new_bot: Any) -> None:
    bot = new_bot(strategy_params=LIVELY, **EXITS)
    trade(sandbox, bot, 60)
    check = checked(bot)
    assert check.differences == []
    assert (check.score, check.causes, check.signals_apart, check.message) == (100, {}, [], "")
    assert check.trades == check.backtest_trades == check.agreeing >= 4
    assert check.signals > 30
    assert check.source == "sandbox"


def test_a_sale_by_hand_is_told_as_such(sandbox: Any, new_bot: Any, alice: Any) -> None:
    bot = new_bot(strategy_params=LIVELY)
    while not Position.objects.open().filter(bot_config=bot).exists():
        trade(sandbox, bot, 1)
    sandbox.control.advance()
    close_position(bot, by=alice)
    tend(Position.objects.open().get(bot_config=bot).pk)
    trade(sandbox, bot, 30)
    check = checked(bot)
    assert set(check.causes) == {str(Cause.BY_HAND)}
    assert check.differences[0]["live"]["reason"] == "manual"
    assert check.score is not None
    assert 0 < check.score < 100


def test_an_edit_begins_anew(sandbox: Any, new_bot: Any, alice: Any) -> None:
    """What an earlier configuration did is not compared with this one, and its result is this one's capital."""
    bot = new_bot(strategy_params=LIVELY, **EXITS)
    trade(sandbox, bot, 30)
    before = Trade.objects.filter(bot_config=bot).count()
    bot = change_bot(bot, {"strategy_params": {**LIVELY, "ema_slow": 6}}, bot.version, alice)
    trade(sandbox, bot, 40)
    check = checked(bot)
    assert check.config_version == bot.version == 2
    assert 0 < check.trades < Trade.objects.filter(bot_config=bot).count()
    assert before >= 2
    assert check.differences == []


def test_an_edit_in_a_position_begins_where_that_ends(sandbox: Any, new_bot: Any, alice: Any) -> None:
    """Without a stop a position ends at an opening: the same at which the next may begin, with what it brought."""
    bot = new_bot(strategy_params=LIVELY)
    while not Position.objects.open().filter(bot_config=bot).exists():
        trade(sandbox, bot, 1)
    held = Position.objects.open().get(bot_config=bot)
    bot = change_bot(bot, {"strategy_params": {**LIVELY, "ema_slow": 5}}, bot.version, alice)
    trade(sandbox, bot, 60)
    check = checked(bot)
    assert check.start_at == Position.objects.get(pk=held.pk).closed_at
    assert (check.differences, check.score) == ([], 100)


def test_before_the_first_look_there_is_nothing_to_compare(sandbox: Any, new_bot: Any) -> None:
    check = checked(new_bot(started=False))
    assert (check.score, check.differences) == (None, [])
    assert check.message.startswith("Nothing to compare yet")


def test_a_market_that_is_away_is_said_and_nothing_kept(sandbox: Any, new_bot: Any, settings: Any) -> None:
    from exchange.connect import forget_clients

    bot = new_bot(strategy_params=LIVELY, timeframe="5m")
    trade(sandbox, bot, 11)
    settings.SANDBOX_URL = "http://127.0.0.1:9"
    forget_clients()
    check = checked(bot)
    assert check.score is None
    assert check.message.startswith("The comparison could not be made")


def test_asking_twice_makes_one(sandbox: Any, new_bot: Any, queued: Any) -> None:
    bot = new_bot(started=False)
    queued.clear()
    first, second = request_parity(bot), request_parity(bot)
    assert first.wanted_at == second.wanted_at
    assert queued[0] == ("trading.check_parity", bot.pk)


def test_the_night_compares_one_after_the_other(sandbox: Any, new_bot: Any, queued: Any) -> None:
    """However many bots there are, one task at a time lies in the queue."""
    first, idle, last = new_bot(), new_bot(started=False), new_bot()
    after, seen = 0, []
    while True:
        queued.clear()
        check_next(after)
        if not queued:
            break
        ((task, after),) = queued
        assert task == "trading.check_parity_of_all"
        seen.append(after)
    assert seen == [first.pk, last.pk]
    assert not ParityCheck.objects.filter(bot_config=idle).exists()


def test_the_api_tells_and_asks(sandbox: Any, new_bot: Any, alice: Any, charlie: Any, api_of: Any) -> None:
    bot = new_bot(strategy_params=LIVELY, **EXITS)
    where = f"/api/v1/bots/{bot.pk}/parity/"
    assert api_of(alice).get(where).json()["status"] == "never"
    while Trade.objects.filter(bot_config=bot).count() < 2:
        trade(sandbox, bot, 1)
    trade(sandbox, bot, 2)
    asked = api_of(alice).post(where)
    assert (asked.status_code, asked.json()["status"]) == (202, "checking")
    check_parity(bot.pk)
    told = api_of(alice).get(where).json()
    assert (told["status"], told["score"], told["differences"]) == ("checked", "100", [])
    assert told["trades"] == Trade.objects.filter(bot_config=bot).count()
    assert api_of(alice).post(where, {"now": True}, format="json").status_code == 400
    for stranger in (charlie,):
        assert api_of(stranger).get(where).status_code == 404
        assert api_of(stranger).post(where).status_code == 404


DIFFERENCE = {
    "cause": "slippage",
    "at_ms": 1_772_366_400_000,
    "fields": ["price", "quantity"],
    "live": {
        "at": "2026-03-01T12:00:00+00:00",
        "side": "BUY",
        "reason": "entry",
        "price": "64000.1",
        "quantity": "0.01",
        "commission": "0.00001",
    },
    "backtest": None,
}


def test_the_page_shows_score_and_causes_to_its_owner(
    sandbox: Any, new_bot: Any, alice_page: Any, charlie_page: Any
) -> None:
    bot = new_bot(started=False)
    assert "Compare now" in alice_page.get(f"/bots/{bot.pk}/").content.decode()
    BotState.objects.filter(pk=bot.pk).update(last_candle_open_ms=0)
    ParityCheck.objects.create(
        bot_config=bot,
        checked_at="2026-03-02T00:00:00Z",
        start_at="2026-03-01T00:00:00Z",
        end_at="2026-03-02T00:00:00Z",
        source="sandbox",
        score=Decimal("97.5"),
        trades=40,
        backtest_trades=40,
        agreeing=39,
        signals=1440,
        signals_apart=[1_772_370_000_000],
        causes={"slippage": 1},
        differences=[DIFFERENCE],
    )
    panel = alice_page.get(f"/bots/{bot.pk}/parity/").content.decode()
    for text in (
        "97.5",
        "slippage",
        "filled at another price",
        "64000.1",
        "no trade",
        "candles of the paper market",
        "Buy ",
        "2026-03-01 13:00",
    ):
        assert text in panel
    assert charlie_page.get(f"/bots/{bot.pk}/parity/").status_code == 404
    assert charlie_page.post(f"/bots/{bot.pk}/parity/").status_code == 404
    assert ParityCheck.objects.get(bot_config=bot).wanted_at is None
    assert alice_page.post(f"/bots/{bot.pk}/parity/").status_code == 302
    assert ParityCheck.objects.get(bot_config=bot).is_awaited


def test_the_command_compares_and_fails_on_logic(sandbox: Any, new_bot: Any, capsys: Any) -> None:
    bot = new_bot(strategy_params=LIVELY, **EXITS)
    trade(sandbox, bot, 30)
    call_command("parity", "--json")
    assert '"logic": 0' in capsys.readouterr().out.splitlines()[-1]
    entry = Trade.objects.filter(bot_config=bot, side="BUY").earliest("timestamp")
    Trade.objects.filter(pk=entry.pk).update(commission_amount=entry.commission_amount * 2)
    with pytest.raises(SystemExit) as failed:
        call_command("parity", bot.pk)
    assert failed.value.code == 1


def test_the_command_says_in_a_whole_sentence_what_it_found(sandbox: Any, new_bot: Any, capsys: Any) -> None:
    bot = new_bot(strategy_params=LIVELY, **EXITS)
    trade(sandbox, bot, 30)
    call_command("parity", bot.pk)
    line = capsys.readouterr().out.splitlines()[-1]
    assert line.startswith(f"{bot.name}: 100.000 %")
    assert line.endswith(" trades")
    with pytest.raises(CommandError) as refused:
        call_command("parity", 999_999)
    assert refused.value.returncode == 2
