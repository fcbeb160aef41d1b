"""The page of a bot: its position and protection, its orders, why, performance; and what may be done there."""

from __future__ import annotations

import re
from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest
from django.utils import timezone

from bots.models import BotConfig, BotState
from engine.amounts import decimal_from_e8
from exchange.connect import market_data
from tests.pages.books import add_decision, add_trade, protect
from trading.equity_curve import HEIGHT, MOST_POINTS, WIDTH, curve_of
from trading.models import Order, Position
from trading.order_timeline import timeline_of

HTMX = {"HX-Request": "true", "HX-Current-URL": "http://testserver/bots/"}


def words_of(answer: Any) -> str:
    """What a reader sees: no tags, single spaces."""
    text = re.sub(r"<[^>]+>", " ", answer.content.decode()).replace("\u00a0", " ")
    return re.sub(r"\s+", " ", text)


def held(make_bot: Any, **prices: Any) -> BotConfig:
    bot: BotConfig = make_bot()
    add_trade(bot, "BUY", 64_000)
    protect(bot, **prices)
    return bot


def test_protection_says_where_the_stop_stands_and_what_it_would_bring(
    alice_page: Any, make_bot: Any
) -> None:
    bot = held(make_bot, stop=62_720, target=66_560)
    shown = words_of(alice_page.get(f"/bots/{bot.pk}/"))
    assert "Protected on the exchange" in shown
    # 0.00999 BTC for 62,720 less 0.1 %, for which 640 were paid.
    assert "Stop 62,720.00 – −14.05" in shown
    assert "Target 66,560.00 – +24.27" in shown


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"unprotected_since": timezone.now() - timedelta(seconds=7)}, "Unprotected for"),
        ({"stop_price": Decimal(63_000)}, "Protected; the stop is being moved."),
        ({"stop_price": None}, "No stop: only the strategy's exit signal ends a loss."),
        ({"action": "exit"}, "The position is being sold."),
    ],
)
def test_every_state_of_protection_is_said_in_words(
    alice_page: Any, make_bot: Any, change: dict[str, Any], words: str
) -> None:
    bot = held(make_bot, stop=62_720)
    Position.objects.filter(bot_config=bot).update(**change)
    assert words in words_of(alice_page.get(f"/bots/{bot.pk}/"))


def test_a_list_is_one_entry_of_the_timeline_and_steps_come_in_order(make_bot: Any) -> None:
    bot = held(make_bot, stop=62_720, target=66_560)
    pair, entry = timeline_of(Order.objects.filter(bot_config=bot).order_by("-id"))
    assert [leg.order.purpose for leg in pair.legs] == ["stop", "target"]
    assert (pair.is_list, entry.is_list) == (True, False)
    order = pair.legs[0].order
    order.claimed_at = order.planned_at + timedelta(milliseconds=12)
    order.accepted_at = order.planned_at + timedelta(milliseconds=38)
    order.state, order.settled_at = "canceled", order.planned_at + timedelta(minutes=3)
    (leg,) = timeline_of([order])[0].legs
    told = [(str(step.name), step.after_text) for step in leg.steps]
    assert told == [("planned", "+0 ms"), ("sent", "+12 ms"), ("accepted", "+38 ms"), ("cancelled", "+3 min")]


def test_an_error_of_an_order_is_shown(alice_page: Any, make_bot: Any) -> None:
    bot = held(make_bot, stop=62_720)
    Order.objects.filter(bot_config=bot, purpose="stop").update(
        state="rejected", error_message="The exchange has no room for another stop.", error_code=-2010
    )
    shown = words_of(alice_page.get(f"/bots/{bot.pk}/"))
    assert "The exchange has no room for another stop. (-2010)" in shown


def test_why_of_a_candle_by_click_and_by_hand(alice_page: Any, make_bot: Any) -> None:
    bot, open_ms = make_bot(), 1_763_600_040_000
    add_decision(bot, open_ms, "enter", "entry signal", "Crossed above.")
    where = f"/bots/{bot.pk}/why/"
    for asked in ({"candle": open_ms + 17_000}, {"at": "2025-11-20T00:54"}):
        assert "Crossed above." in alice_page.get(where, asked, headers=HTMX).content.decode()
    for nonsense in ({}, {"candle": "9" * 400}, {"candle": "-1"}, {"at": "yesterday"}):
        answer = alice_page.get(where, nonsense, headers=HTMX)
        assert "Give the opening of a candle." in answer.content.decode()


def test_moving_a_stop_is_explained_before_it_is_done(
    alice_page: Any, make_bot: Any, symbols: None, sandbox: Any
) -> None:
    last = decimal_from_e8(market_data("sandbox").price_e8("BTCUSDT"))
    bot = held(make_bot, stop=int(last * Decimal("0.9")))
    asked, where = int(last * Decimal("0.95")), f"/bots/{bot.pk}/exits/"
    shown = words_of(alice_page.get(where, {"stop_loss_price": asked}, headers=HTMX))
    result = Decimal("0.00999") * asked * Decimal("0.999") - 640
    for part in (
        f"{asked:,}.00",
        f"{100 * (Decimal(asked) - 64_000) / 64_000:+.2f} %",
        f"{abs(result):,.2f}",
    ):
        assert part in shown
    assert Position.objects.get(bot_config=bot).stop_price == int(last * Decimal("0.9"))
    assert alice_page.post(where, {"stop_loss_price": asked}, headers=HTMX).status_code == 204
    assert Position.objects.get(bot_config=bot).stop_price == asked
    assert alice_page.post(where, {"stop_loss_price": ""}).status_code == 302
    assert Position.objects.get(bot_config=bot).stop_price is None


def test_a_field_left_as_it_was_seen_moves_nothing(alice_page: Any, make_bot: Any) -> None:
    """The trail went on while the dialog stood open."""
    bot = held(make_bot, stop=62_720)
    BotState.objects.filter(pk=bot.pk).update(stop_loss_price=Decimal(63_000))
    typed = {"stop_loss_price": "62720", "seen_stop_loss_price": "62720"}
    alice_page.post(f"/bots/{bot.pk}/exits/", typed, headers=HTMX)
    assert BotState.objects.get(pk=bot.pk).stop_loss_price == Decimal(63_000)


def test_a_page_without_scripts_offers_the_same_prices(alice_page: Any, make_bot: Any) -> None:
    bot = held(make_bot, stop=62_720)
    page = alice_page.get(f"/bots/{bot.pk}/exits/")
    assert page.status_code == 200
    assert 'value="62720"' in page.content.decode()


def test_nothing_can_be_moved_without_a_position(alice_page: Any, make_bot: Any) -> None:
    bot = make_bot()
    shown = alice_page.get(f"/bots/{bot.pk}/exits/").content.decode()
    assert "there is nothing to move" in shown
    refused = alice_page.post(f"/bots/{bot.pk}/exits/", {"stop_loss_price": "60000"})
    assert refused.status_code == 400


def test_a_price_that_is_none_is_refused_and_stays_typed(alice_page: Any, make_bot: Any) -> None:
    bot = held(make_bot, stop=62_720)
    answer = alice_page.get(f"/bots/{bot.pk}/exits/", {"stop_loss_price": "cheap"}, headers=HTMX)
    assert "This must be a number" in answer.content.decode()
    assert 'value="cheap"' in answer.content.decode()


def test_closing_without_a_position_says_so(alice_page: Any, make_bot: Any) -> None:
    bot = make_bot()
    assert "holds no position" in alice_page.post(f"/bots/{bot.pk}/close/", follow=True).content.decode()


def test_a_stop_may_sell_the_position(alice_page: Any, make_bot: Any) -> None:
    bot = held(make_bot, stop=62_720)
    BotState.objects.filter(pk=bot.pk).update(status="running")
    shown = alice_page.post(f"/bots/{bot.pk}/stop/", {"position": "close"}, follow=True).content.decode()
    assert "its position is being sold" in shown
    assert Position.objects.get(bot_config=bot).action == "exit"


def test_performance_adds_up_and_draws_its_curve(alice_page: Any, make_bot: Any) -> None:
    bot = make_bot()
    for pnl in ("20", "-5", "15"):
        add_trade(bot, "BUY", 64_000)
        add_trade(bot, "SELL", 64_000, pnl=Decimal(pnl))
    shown = words_of(alice_page.get(f"/bots/{bot.pk}/performance/"))
    for part in ("Result +30.00 (+3.00 %)", "67 % 2 won, 1 lost", "Profit factor 7.00", "Exit signal 3"):
        assert part in shown
    assert "<polyline" in alice_page.get(f"/bots/{bot.pk}/").content.decode()


def test_a_curve_stays_inside_its_picture_and_keeps_its_newest_point() -> None:
    now = timezone.now()
    points = [(now + timedelta(minutes=number), Decimal(1000 + number % 7)) for number in range(1000)]
    curve = curve_of(Decimal(1000), points)
    assert curve is not None
    xs, ys = zip(*(map(float, pair.split(",")) for pair in curve.line.split()), strict=True)
    assert (xs[0], xs[-1], len(xs) <= MOST_POINTS + 1) == (0, WIDTH, True)
    assert 0 <= min(ys) <= max(ys) <= HEIGHT
    assert curve.last_at == points[-1][0]
    assert curve_of(Decimal(1000), points[:1]) is None


def test_versions_tell_what_changed_and_lead_back(
    alice: Any, alice_page: Any, make_bot: Any, symbols: None
) -> None:
    from bots.configuration import change_bot, create_bot

    values = {
        "name": "Old name",
        "api_key": make_bot().api_key_id,
        "symbol": "BTCUSDT",
        "initial_capital": "1000",
    }
    bot = create_bot(alice, {**values, "timeframe": "1m", "strategy": "ema"}, by=alice)
    change_bot(bot, {"name": "New name", "timeframe": "5m", "ema_fast": 9}, version=1, by=alice)
    shown = words_of(alice_page.get(f"/bots/{bot.pk}/versions/"))
    for part in ("Name Old name New name", "Candle 1 minute 5 minutes", "Fast EMA 8 9", "alice@example.com"):
        assert part in shown
    back = f"/bots/{bot.pk}/versions/1/rollback/"
    stale = alice_page.post(back, {"seen": 1}, follow=True).content.decode()
    assert "was changed meanwhile" in stale
    alice_page.post(back, {"seen": 2})
    found = BotConfig.objects.get(pk=bot.pk)
    assert (found.name, found.timeframe, found.version) == ("Old name", "1m", 3)
