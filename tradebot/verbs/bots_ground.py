"""What the bench `bots` stands on, written straight into its own database: users, bots, made-up symbols, and candles
of a generated random walk, seeded and called so. Run inside Django (`manage.py shell`)."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from decimal import Decimal
from itertools import product
from pathlib import Path
from typing import Any, Final

import numpy as np

MINUTE_MS: Final = 60_000
# Noon of a day, so that no day rolls while the bench runs.
BEGIN_MS: Final = int(datetime(2026, 1, 5, 12, tzinfo=UTC).timestamp()) * 1000
SEED: Final = 20_260_105
BOTS: Final = 10_000
USERS: Final = 10
SYMBOLS: Final = tuple(f"G{number:02d}USDT" for number in range(50))
# Twenty pairs of eyes. With such a brake no candle asks for an order: orders are what the bench `order` measures.
EYES: Final = tuple(
    {"ema_fast": fast, "ema_slow": slow, "rsi_period": rsi, "rsi_oversold": 20, "rsi_overbought": 21}
    for fast, slow, rsi in product((3, 5, 8, 12, 15), (21, 34), (7, 14))
)
HISTORY: Final = 1_000
AHEAD: Final = 120
RECORDED: Final = Path(__file__).parents[2] / "exchange" / "sandbox" / "recordings" / "exchange_info.json"


def fill() -> None:
    """Everything at once; the database is empty but for its tables."""
    _write_symbols()
    _write_candles()
    _write_bots()
    _look_after_tables()


def _look_after_tables() -> None:
    """What autovacuum would have done a minute later."""
    from django.db import connection

    with connection.cursor() as cursor:
        cursor.execute("VACUUM ANALYZE")


def _write_symbols() -> None:
    from django.utils import timezone

    from exchange.models import SymbolInfo

    entry = next(row for row in json.loads(RECORDED.read_text())["symbols"] if row["symbol"] == "BTCUSDT")
    SymbolInfo.objects.bulk_create(
        SymbolInfo(
            venue="sandbox", market="spot", symbol=symbol, status="TRADING", base_asset=symbol[:3], quote_asset="USDT",
            info={**entry, "symbol": symbol, "baseAsset": symbol[:3]}, fetched_at=timezone.now(),
        )
        for symbol in SYMBOLS
    )  # fmt: skip


def _write_candles() -> None:
    from engine.market import Candles
    from exchange.candles.store import Series, insert

    chance = np.random.default_rng(SEED)
    count = HISTORY + AHEAD
    opens = BEGIN_MS + (np.arange(count, dtype=np.int64) - HISTORY) * MINUTE_MS
    for symbol in SYMBOLS:
        steps = chance.normal(0.0, 0.0008, count)
        close = (100.0 * np.exp(np.cumsum(steps)) * 100).astype(np.int64) * 1_000_000
        begin = np.concatenate((close[:1], close[:-1]))
        above, below = (chance.integers(0, 5, count) * 1_000_000 for _ in range(2))
        high, low = np.maximum(begin, close) + above, np.minimum(begin, close) - below
        volume = chance.integers(1, 10**10, count)
        insert(Series("sandbox", "spot", symbol, "1m"), Candles(opens, begin, high, low, close, volume))


def _write_bots() -> None:
    from accounts.keys import mint_paper_key
    from accounts.models import User
    from bots.models import BotConfig, BotState, BotVersion

    users = [User.objects.create(email=f"bench{number}@example.com", password="!") for number in range(USERS)]
    keys = {user.pk: mint_paper_key(user, "Bench") for user in users}
    bots = [_bot(number, keys[users[number % USERS].pk]) for number in range(BOTS)]
    BotConfig.objects.bulk_create(bots, batch_size=1_000)
    BotState.objects.bulk_create((_state(bot) for bot in bots), batch_size=1_000)
    BotVersion.objects.bulk_create(
        (BotVersion(bot_config=bot, version=1, author_id=bot.user_id, configuration={}) for bot in bots),
        batch_size=1_000,
    )


def _bot(number: int, key: Any) -> Any:
    from bots.models import BotConfig

    symbol = SYMBOLS[number // len(EYES) % len(SYMBOLS)]
    return BotConfig(
        user_id=key.user_id, api_key=key, account_id=key.account_id, name=f"Bench {number}", symbol=symbol,
        base_asset=symbol[:3], quote_asset="USDT", timeframe="1m", strategy="ema",
        strategy_params=EYES[number % len(EYES)], initial_capital=Decimal(500), position_size_perc=Decimal(20),
        stop_loss_perc=Decimal(2), max_daily_trades=20, max_daily_loss_perc=Decimal(5), cooldown_candles=number % 3,
        is_active=True,
    )  # fmt: skip


def _state(bot: Any) -> Any:
    from bots.models import BotState

    return BotState(
        bot_config=bot, status="waiting", status_detail="no signal", last_reason="no signal",
        counters_date=datetime.fromtimestamp(BEGIN_MS // 1000, UTC).date(),
        last_candle_open_ms=BEGIN_MS - 2 * MINUTE_MS,
    )  # fmt: skip
