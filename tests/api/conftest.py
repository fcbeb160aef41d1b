"""Rows of a trade history, as the ledger leaves them."""

from __future__ import annotations

import datetime
import itertools
from collections.abc import Callable
from decimal import Decimal
from typing import Any

import pytest

NOON = datetime.datetime(2026, 3, 1, 12, tzinfo=datetime.UTC)


@pytest.fixture
def make_trade() -> Callable[..., Any]:
    """A trade of a bot with a position of its own; the n-th an hour after the one before."""
    from trading.models import Position, Trade

    numbers = itertools.count(1)

    def make(bot: Any, **values: Any) -> Trade:
        number = next(numbers)
        at = NOON + datetime.timedelta(hours=number)
        position = Position.objects.create(bot_config=bot, sequence=number, opened_at=at, closed_at=at)
        fields = {
            "venue": "sandbox",
            "market": "spot",
            "symbol": bot.symbol,
            "side": "BUY",
            "order_type": "MARKET",
            "price": Decimal("64000.10"),
            "quantity_filled": Decimal("0.0156"),
            "quote_quantity_filled": Decimal("998.40156"),
            "commission_amount": Decimal("0.0000156"),
            "commission_asset": "BTC",
            "reason": "entry",
            "binance_order_id": number,
            "client_order_id": f"tag-{number}",
            "timestamp": at,
            **values,
        }
        return Trade.objects.create(
            user=bot.user, bot_config=bot, position=position, account=bot.account, **fields
        )

    return make
