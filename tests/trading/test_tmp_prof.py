"""The main job: a bot trades recorded prices through python-binance, over HTTP, and our books equal the market's."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest

from engine.strategies import parse_params, strategy
from exchange.connect import market_data
from trading.audit import audit_fills
from trading.due import due_bots
from trading.models import Decision, Order, Position, Trade
from trading.runner import run_bot

pytestmark = pytest.mark.django_db
STEPS = 100


def test_500_candles_make_the_trades_the_market_filled(sandbox: Any, new_bot: Any) -> None:
    bot = new_bot()
    start = market_data("sandbox").market_time_ms(bot.symbol)
    for _ in range(STEPS):
        sandbox.control.advance()
        assert due_bots() == [bot.pk]
        run_bot(bot.pk)
        assert due_bots() == []

    fills = sandbox.control.fills(uid=int(bot.account.external_id))
    trades = list(Trade.objects.filter(bot_config=bot).order_by("timestamp"))
    assert len(trades) > 2
    assert [
        (
            t.side,
            t.price,
            t.quantity_filled,
            t.quote_quantity_filled,
            t.commission_amount,
            t.commission_asset,
            t.binance_order_id,
            t.client_order_id,
            int(t.timestamp.timestamp() * 1000),
        )
        for t in trades
    ] == [
        (
            f["side"],
            Decimal(f["price"]),
            Decimal(f["qty"]),
            Decimal(f["quoteQty"]),
            Decimal(f["commission"]),
            f["commissionAsset"],
            f["orderId"],
            f["clientOrderId"],
            f["time"],
        )
        for f in fills
    ]
    assert [(t.side, t.timestamp) for t in trades] == _expected_sides(bot, start, sandbox)
    report = audit_fills(sandbox.control)
    assert (report.fills, report.details) == (len(trades), ())
    _check_books(bot)


def _expected_sides(bot: Any, start: int, sandbox: Any) -> list[tuple[str, Any]]:
    """The same strategy over one array of candles, folded by hand: flat → buy on an entry, long → sell on an exit."""
    from datetime import UTC, datetime

    params = parse_params(bot.strategy, bot.strategy_params)
    chosen = strategy(bot.strategy)
    window = chosen.window(params)
    data = market_data("sandbox")
    candles = data.candles(bot.symbol, "1m", start_ms=start - window * 60_000, end_ms=None, limit=1000)
    signals = chosen.signals(candles, params)
    sides, holding = [], False
    for index, open_ms in enumerate(candles.open_ms[:-1]):
        if open_ms < start:
            continue
        if (signals.long_exit if holding else signals.long_entry)[index]:
            sides.append(
                ("SELL" if holding else "BUY", datetime.fromtimestamp((open_ms + 60_000) / 1000, tz=UTC))
            )
            holding = not holding
    return sides


def _check_books(bot: Any) -> None:
    bot.refresh_from_db()
    state = bot.state
    state.refresh_from_db()
    closed = Position.objects.filter(bot_config=bot, closed_at__isnull=False)
    assert state.realized_pnl == sum(p.realized_pnl for p in closed)
    assert sum(t.realized_pnl or 0 for t in Trade.objects.filter(bot_config=bot)) == state.realized_pnl
    assert Order.objects.filter(bot_config=bot).exclude(state="filled").count() == 0
    assert Order.objects.filter(bot_config=bot, reserved__gt=0).count() == 0
    assert (
        Decision.objects.filter(bot_config=bot, action="enter").count()
        == Order.objects.filter(bot_config=bot, purpose="entry").count()
    )
