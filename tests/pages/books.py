"""Rows as runs and fills leave them, for pages to show."""

from __future__ import annotations

import itertools
from datetime import UTC, datetime
from decimal import Decimal

from django.utils import timezone

from bots.models import BotConfig
from trading.models import Decision, Order, Position, Trade

_numbers = itertools.count(int(timezone.now().timestamp() * 1000))


def add_trade(
    bot: BotConfig, side: str, price: Decimal | int, *, at: datetime | None = None, pnl: Decimal | None = None
) -> Trade:
    """One filled order of 0.01: a BUY opens a position, a SELL closes it with `pnl`."""
    at, number, quantity = at or timezone.now(), next(_numbers), Decimal("0.01")
    is_entry = side == "BUY"
    position = _position(bot, is_entry=is_entry, price=Decimal(price), at=at, pnl=pnl)
    reason = "entry" if is_entry else "exit_signal"
    common = {
        "bot_config": bot, "account": bot.account, "position": position, "venue": bot.account.venue, "market": "spot",
        "symbol": bot.symbol, "side": side, "reason": reason, "client_order_id": f"t-{number}",
    }  # fmt: skip
    Order.objects.create(
        **common, purpose="entry" if is_entry else "exit", quantity=quantity, state="filled", planned_at=at,
        request_timestamp_ms=number, executed_quantity=quantity, executed_quote=quantity * price,
        exchange_order_id=number, settled_at=at,
    )  # fmt: skip
    return Trade.objects.create(
        **common, user=bot.user, order_type="MARKET", price=price, quantity_filled=quantity,
        quote_quantity_filled=quantity * price, commission_amount=Decimal("0.00001") if is_entry else Decimal("0.64"),
        commission_asset=bot.base_asset if is_entry else bot.quote_asset, realized_pnl=pnl, binance_order_id=number,
        timestamp=at,
    )  # fmt: skip


def _position(
    bot: BotConfig, *, is_entry: bool, price: Decimal, at: datetime, pnl: Decimal | None
) -> Position:
    if is_entry:
        bot.state.in_position, bot.state.entry_price = True, price
        bot.state.position_side, bot.state.current_position_size_coins = "long", Decimal("0.00999")
        bot.state.save()
        return Position.objects.create(
            bot_config=bot, sequence=Position.objects.filter(bot_config=bot).count() + 1, quantity=Decimal("0.00999"),
            cost=price / 100, entry_price=price, opened_at=at, fees=Decimal("0.64"),
        )  # fmt: skip
    position: Position = Position.objects.get(bot_config=bot, closed_at__isnull=True)
    position.closed_at, position.exit_price, position.realized_pnl = at, price, pnl or Decimal(0)
    position.quantity = position.cost = Decimal(0)
    position.fees, position.exit_reason = Decimal("1.28"), "exit_signal"
    position.save()
    bot.state.in_position, bot.state.entry_price, bot.state.position_side = False, None, ""
    bot.state.current_position_size_coins = Decimal(0)
    bot.state.realized_pnl += pnl or 0
    bot.state.daily_pnl += pnl or 0
    bot.state.save()
    return position


def add_decision(bot: BotConfig, open_ms: int, action: str, reason: str, text: str) -> Decision:
    acts_at = datetime.fromtimestamp(open_ms / 1000 + 60, UTC)
    return Decision.objects.create(
        bot_config=bot, config_version=bot.version, candle_open_ms=open_ms, acts_at=acts_at, action=action,
        reason=reason, text=text, close_price=Decimal(64_000),
    )  # fmt: skip


def protect(bot: BotConfig, *, stop: int | None = None, target: int | None = None) -> None:
    """The open position's stop and target, standing at the exchange: alone, or as one list."""
    position = Position.objects.get(bot_config=bot, closed_at__isnull=True)
    position.stop_price, position.stop_reason = stop and Decimal(stop), "stop_loss" if stop else ""
    position.target_price = target and Decimal(target)
    position.save()
    bot.state.stop_loss_price, bot.state.take_profit_price = position.stop_price, position.target_price
    bot.state.save()
    together = f"l-{next(_numbers)}" if stop and target else ""
    for purpose, price in (("stop", stop), ("target", target)):
        if price is None:
            continue
        number = next(_numbers)
        prices = {"stop_price": Decimal(price)} if purpose == "stop" else {"price": Decimal(price)}
        Order.objects.create(
            bot_config=bot, account=bot.account, position=position, venue=bot.account.venue, market="spot",
            symbol=bot.symbol, side="SELL", reason="stop_loss", client_order_id=f"p-{number}", purpose=purpose,
            kind="STOP_LOSS" if purpose == "stop" else "LIMIT_MAKER", quantity=position.quantity, state="open",
            planned_at=timezone.now(), request_timestamp_ms=number, exchange_order_id=number,
            list_client_order_id=together, **prices,
        )  # fmt: skip
