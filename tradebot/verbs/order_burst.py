"""Fifty protected bots on five accounts that enter at one and the same close: until the last order, and the last stop.

The recording says where both symbols give an entry signal at once; the market is released to just before it, the bots
are started, and then that one candle closes.
"""

from __future__ import annotations

import re
import sys
import time
from collections.abc import Callable

import numpy as np
import psycopg

from engine.market import Candles
from engine.strategies import parse_params, strategy
from exchange.sandbox.control import ControlClient
from exchange.sandbox.market import Market
from exchange.sandbox.tape import MINUTE_MS, load_tapes
from tradebot.verbs.order_lane import quiet
from tradebot.verbs.own_instance import OwnInstance

ACCOUNTS = 5
SYMBOLS = ("BTCUSDT", "ETHUSDT")
# An account may have five stops on a symbol.
BOTS_EACH = 5
PARAMS = {"ema_fast": 1, "ema_slow": 2, "rsi_oversold": 0, "rsi_overbought": 100}
GIVE_UP_SECONDS = 60.0
LOOK_EVERY_SECONDS = 0.3
HISTORY = 200
AHEAD = 2_000
UNSEEN = "SELECT count(*) FROM bots_botstate WHERE bot_config_id = ANY(%s) AND last_candle_open_ms IS DISTINCT FROM %s"
HELD = "SELECT count(*) FROM trading_position WHERE closed_at IS NULL AND bot_config_id = ANY(%s)"
ENTRY, STOP = (re.compile(rf"tb[a-z0-9]+-\d+-{letter}\d+") for letter in "es")


class Burst:
    """The bots, and the market they wait for."""

    def __init__(self, instance: OwnInstance) -> None:
        self.instance = instance
        records = instance.records
        self.control = ControlClient(records["sandbox_url"], records["sandbox_token"])
        self.database = psycopg.connect(records["database_url"], autocommit=True)
        self.bots: list[int] = []

    def __enter__(self) -> Burst:
        return self

    def __exit__(self, *exception: object) -> None:
        self.database.close()

    def prepare(self) -> None:
        self.api = quiet(self.instance, self.control)
        for account in range(1, ACCOUNTS + 1):
            key = self.api.post("api-keys/", {"label": f"Burst {account}", "venue": "sandbox"})["id"]
            for symbol in SYMBOLS:
                self.bots += [self.make_bot(key, symbol, number) for number in range(BOTS_EACH)]

    def make_bot(self, key: int, symbol: str, number: int) -> int:
        bot = self.api.post(
            "bot-configs/",
            {
                "name": f"Burst {key} {symbol} {number}",
                "api_key": key,
                "symbol": symbol,
                "timeframe": "1m",
                "strategy": "ema",
                "strategy_params": PARAMS,
                "initial_capital": "900",
                "stop_loss_perc": "2",
                "take_profit_perc": "3",
            },
        )
        return int(bot["id"])

    def run(self) -> tuple[float, float]:
        """Seconds from the release of the candle to the last entry accepted, and to the last stop accepted."""
        self.let_go()
        signal_ms = self.next_common_signal()
        now_ms = self.market_ms()
        self.control.advance((signal_ms - now_ms) // MINUTE_MS)
        for bot in self.bots:
            self.api.post(f"bots/{bot}/start/", {})
        self.wait(
            lambda: self.count(UNSEEN, [self.bots, signal_ms - MINUTE_MS]) == 0, "The bots did not begin."
        )
        seen = len(self.control.orders())
        released = time.time()
        self.control.advance()
        self.wait(lambda: self.placed(STOP, seen)[0] >= len(self.bots), "Not every bot is protected.")
        (entries, last_entry), (_stops, last_stop) = self.placed(ENTRY, seen), self.placed(STOP, seen)
        if entries != len(self.bots):
            raise RuntimeError(f"{entries} of {len(self.bots)} bots entered.")
        accepted, protected = last_entry / 1000 - released, last_stop / 1000 - released
        print(
            f"last accepted {accepted:.2f} s, last protected {protected:.2f} s", file=sys.stderr, flush=True
        )
        return accepted, protected

    def let_go(self) -> None:
        """Every bot stopped and flat."""
        for bot in self.bots:
            self.api.post(f"bots/{bot}/stop/", {"position": "close"})
        self.wait(lambda: self.count(HELD, [self.bots]) == 0, "Not every position was closed.")

    def next_common_signal(self) -> int:
        """The opening of the next candle on which every symbol gives an entry signal, at least two candles ahead."""
        market = Market(load_tapes(), self.control.clock()["shift_weeks"])
        start_ms = self.market_ms() - HISTORY * MINUTE_MS
        common = set.intersection(*(self.signals(market, symbol, start_ms) for symbol in SYMBOLS))
        return min(open_ms for open_ms in common if open_ms >= self.market_ms() + 2 * MINUTE_MS)

    def signals(self, market: Market, symbol: str, start_ms: int) -> set[int]:
        """Openings of candles with an entry signal, the market's future included."""
        tape = market.tapes[symbol]
        first = (start_ms - market.first_open_ms(symbol)) // MINUTE_MS
        part = slice(first, first + HISTORY + AHEAD)
        open_, high, low, close = (
            column[part] * tape.tick_e8 for column in (tape.open, tape.high, tape.low, tape.close)
        )
        openings = start_ms + MINUTE_MS * np.arange(len(open_), dtype=np.int64)
        candles = Candles(openings, open_, high, low, close, tape.volume[part])
        entries = strategy("ema").signals(candles, parse_params("ema", PARAMS)).long_entry
        return {int(open_ms) for open_ms in candles.open_ms[entries]}

    def placed(self, ours: re.Pattern[str], since: int) -> tuple[int, float]:
        """How many orders of this kind were accepted since, and when the last was (ms)."""
        times = [
            row["accepted_at"]
            for row in self.control.orders(since=since)
            if ours.fullmatch(row["clientOrderId"])
        ]
        return len(times), max(times, default=0.0)

    def market_ms(self) -> int:
        return int(self.control.clock()["market_ms"])

    def count(self, query: str, values: list[object]) -> int:
        row = self.database.execute(query.encode(), values).fetchone()
        assert row is not None
        return int(row[0])

    def wait(self, is_done: Callable[[], bool], complaint: str) -> None:
        give_up_at = time.monotonic() + GIVE_UP_SECONDS
        while not is_done():
            if time.monotonic() > give_up_at:
                raise RuntimeError(complaint)
            time.sleep(LOOK_EVERY_SECONDS)
