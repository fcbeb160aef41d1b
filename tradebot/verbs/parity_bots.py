"""The bots of `./run parity`, and the stretch of the recording they trade: chosen so that every exit, every tie inside
a candle and every daily limit happens often enough to be compared.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from types import MappingProxyType
from typing import Any, Final

# Seven lively days and their midnights, the first six hours away; a month of recording lies before, two after.
START_MS: Final = int(datetime(2025, 6, 17, 18, tzinfo=UTC).timestamp() * 1000)
CANDLES: Final = 7 * 24 * 60
EVERY_CROSSING: Final = {"rsi_oversold": 0, "rsi_overbought": 100}
NEAREST: Final = {"stop_loss_perc": "0.05", "take_profit_perc": "0.05", "cooldown_candles": 6}


@dataclass(frozen=True, kw_only=True)
class ParityBot:
    """One bot as the API is asked for it; `account` numbers the paper account it trades on."""

    name: str
    account: int
    symbol: str
    strategy: str
    params: Mapping[str, int]
    timeframe: str = "1m"
    size: str = "50"
    settings: Mapping[str, Any] = field(default_factory=lambda: MappingProxyType({}))

    def body(self, key: int) -> dict[str, Any]:
        return {
            "name": self.name,
            "api_key": key,
            "symbol": self.symbol,
            "timeframe": self.timeframe,
            "strategy": self.strategy,
            "strategy_params": dict(self.params),
            "initial_capital": "1500",
            "position_size_perc": self.size,
            **self.settings,
        }


def _ema(fast: int, slow: int) -> dict[str, int]:
    return {"ema_fast": fast, "ema_slow": slow, **EVERY_CROSSING}


BOTS: Final[Sequence[ParityBot]] = (
    ParityBot(
        name="BTC ema, list",
        account=1,
        symbol="BTCUSDT",
        strategy="ema",
        params=_ema(3, 8),
        size="20",
        settings={**NEAREST, "max_daily_trades": 12},
    ),
    ParityBot(
        name="BTC rsi, list that trails",
        account=1,
        symbol="BTCUSDT",
        strategy="rsi",
        params={"rsi_period": 7},
        settings={
            "stop_loss_perc": "0.8",
            "take_profit_perc": "0.6",
            "trailing_stop_perc": "0.3",
            "max_daily_trades": 5,
        },
    ),
    ParityBot(
        name="BTC rsi, bare",
        account=1,
        symbol="BTCUSDT",
        strategy="rsi",
        params={"rsi_period": 14},
        settings={"max_daily_trades": 3},
    ),
    ParityBot(
        name="BTC ema 5m, list",
        account=1,
        symbol="BTCUSDT",
        strategy="ema",
        params=_ema(5, 13),
        timeframe="5m",
        settings={"stop_loss_perc": "0.5", "take_profit_perc": "0.5", "max_daily_loss_perc": "0.6"},
    ),
    ParityBot(
        name="ETH ema, trails",
        account=2,
        symbol="ETHUSDT",
        strategy="ema",
        params=_ema(5, 13),
        settings={"trailing_stop_perc": "0.5", "max_daily_loss_perc": "0.8"},
    ),
    ParityBot(
        name="ETH rsi, list",
        account=2,
        symbol="ETHUSDT",
        strategy="rsi",
        params={"rsi_period": 5, "rsi_oversold": 35, "rsi_overbought": 90},
        size="10",
        settings={**NEAREST, "max_daily_loss_perc": "1.2"},
    ),
    ParityBot(
        name="ETH ema, target of the day",
        account=2,
        symbol="ETHUSDT",
        strategy="ema",
        params={"ema_fast": 8, "ema_slow": 21},
        settings={
            "stop_loss_perc": "1.5",
            "take_profit_perc": "0.6",
            "cooldown_candles": 2,
            "daily_target_perc": "0.3",
            "max_daily_trades": 8,
        },
    ),
    ParityBot(
        name="ETH rsi 5m, list that trails",
        account=2,
        symbol="ETHUSDT",
        strategy="rsi",
        params={"rsi_period": 7},
        timeframe="5m",
        settings={"stop_loss_perc": "0.6", "trailing_stop_perc": "0.4", "take_profit_perc": "0.8"},
    ),
    ParityBot(
        name="ETH ema, stopped by the circuit breaker",
        account=3,
        symbol="ETHUSDT",
        strategy="ema",
        params=_ema(1, 2),
        size="20",
        settings={"stop_loss_perc": "0.05", "trailing_stop_perc": "1"},
    ),
)
