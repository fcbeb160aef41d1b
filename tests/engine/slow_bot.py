"""A bot told slowly, as an independent reference of the fold: `decide` decides, `engine.positions` counts, and the
sandbox's own path says where the price is. Plain Python integers of any size; nothing of `engine.walk` is used."""

from collections import Counter
from dataclasses import dataclass, field, replace

from engine.amounts import E6, E8, share_e6
from engine.decide import Action, Bar, Decision, Snapshot, bar_at, decide
from engine.exits import protective_ticks, stop_limit_ticks, worst_sale_e6
from engine.fold import Setting
from engine.limits import breaker_trips
from engine.market import Candle, Candles, day_of
from engine.orders import Side
from engine.positions import Dust, Fill, Position, after_fill
from engine.strategies.contract import Signals
from exchange.sandbox.path import first_touch

MINUTE_MS = 60_000


@dataclass
class Protected:
    """An open position with what stands at the exchange, in ticks (0 = none)."""

    position: Position
    opened_ms: int
    stop: int
    target: int
    stop_reason: str
    best: int
    lowest: int
    highest: int
    bought: int = 0

    def sees(self, *prices: int) -> None:
        self.lowest, self.highest = min(self.lowest, *prices), max(self.highest, *prices)


@dataclass
class SlowBot:
    setting: Setting
    realized_e8: int = 0
    money_e8: int = 0
    day: int = 0
    trades_today: int = 0
    pnl_today_e8: int = 0
    last_exit_ms: int | None = None
    stop_exits_ms: list[int] = field(default_factory=list)
    paused_ms: int = 0
    held: Protected | None = None
    dust: Position | None = None
    positions: list[tuple[object, ...]] = field(default_factory=list)
    trades: list[tuple[object, ...]] = field(default_factory=list)
    equity: list[int] = field(default_factory=list)
    reasons: Counter[str] = field(default_factory=Counter)

    def run(self, bars: Candles, signals: Signals, minutes: Candles, start_ms: int) -> None:
        dust = Dust(quantity_e8=self.setting.dust_quantity_e8, cost_e8=self.setting.dust_cost_e8)
        self.dust = Position.opened("COIN", "QUOTE", dust)
        self.money_e8 = self.setting.initial_capital_e8 - dust.cost_e8
        length, all_minutes = self.setting.interval_ms, rows_of(minutes)
        for index in range(len(bars)):
            bar = bars.at(index)
            if bar.open_ms < start_ms:
                continue
            close_ms = bar.open_ms + length
            inside = [m for m in all_minutes if bar.open_ms <= m.open_ms < close_ms]
            for number, minute in enumerate(inside):
                self.live_through(minute, is_new=number > 0)
            self.equity.append(self.worth(bar.close))
            following = next((m for m in all_minutes if m.open_ms >= close_ms), None)
            if following is None or index + 1 == len(bars):
                self.finish(close_ms, bar.close)
                return
            self.pass_opening(following)
            self.judge(bars, signals, index, following)

    def finish(self, close_ms: int, close_e8: int) -> None:
        if self.held is not None:
            self.sell(close_ms, self.got(close_e8), "end_of_data", is_maker=False)

    def live_through(self, minute: Candle, *, is_new: bool) -> None:
        """Resting orders meet the path; a new minute's opening may already have passed them."""
        if is_new:
            self.pass_opening(minute)
        if self.held is None:
            return
        held, tick = self.held, self.setting.rules.tick_e8
        ohlc = (minute.open, minute.high, minute.low, minute.close)
        touches = []
        if held.stop and self.sellable():
            touches.append((first_touch(ohlc, held.stop * tick, rising=False, after_ms=0), "stop"))
        if held.target and self.sellable():
            touches.append((first_touch(ohlc, held.target * tick, rising=True, after_ms=0), "target"))
        first = min(((at, what) for at, what in touches if at is not None), default=None)
        turns = [minute.high, minute.low] if minute.high - minute.open < minute.open - minute.low else [
            minute.low, minute.high
        ]  # fmt: skip
        if first is None:
            held.sees(minute.high, minute.low)
            return
        offset, what = first
        held.sees(
            minute.open, *(turn for turn, knot in zip(turns, (23_000, 41_000), strict=True) if knot < offset)
        )
        if what == "stop":
            self.stop_out(minute.open_ms + offset, held.stop * tick)
        else:
            self.sell(minute.open_ms + offset, held.target * tick, "take_profit", is_maker=True)

    def pass_opening(self, minute: Candle) -> None:
        if self.held is None or not self.sellable():
            return
        held, tick = self.held, self.setting.rules.tick_e8
        if held.stop and minute.open <= held.stop * tick:
            if minute.open < self.stop_limit_e8():
                self.sell(minute.open_ms, self.got(minute.open), "stop_gap", is_maker=False)
            else:
                self.stop_out(minute.open_ms, minute.open)
        elif held.target and minute.open >= held.target * tick:
            self.sell(minute.open_ms, held.target * tick, "take_profit", is_maker=True)

    def judge(self, bars: Candles, signals: Signals, index: int, following: Candle) -> None:
        length = self.setting.interval_ms
        is_next = following.open_ms == bars.at(index).open_ms + length
        bar = bar_at(
            bars, signals, index, interval_ms=length, rules=self.setting.rules, now_ms=following.open_ms,
            is_last_closed=is_next,
        )  # fmt: skip
        decided = self.ask(bar)
        self.follow(decided, following)
        if decided.action in (Action.EXIT, Action.MOVE_STOP) and self.is_flat() and self.may_enter(bar):
            decided = self.ask(bar)
        if decided.action is Action.ENTER:
            self.enter(decided, following, close_e8=bars.at(index).close)

    def follow(self, decided: Decision, following: Candle) -> None:
        """What a decision does to the open position."""
        if self.held is not None and decided.action is Action.NONE:
            self.held.best = decided.best_ticks
        if decided.action is Action.EXIT:
            self.sell(following.open_ms, self.got(following.open), decided.exit_reason, is_maker=False)
        elif decided.action is Action.MOVE_STOP and self.held is not None:
            self.held.best, self.held.stop = decided.best_ticks, decided.stop_ticks
            self.held.stop_reason = "trailing_stop"
            self.protect(following)

    def is_flat(self) -> bool:
        return self.held is None

    def may_enter(self, bar: Bar) -> bool:
        return bar.long_entry

    def ask(self, bar: Bar) -> Decision:
        decision = decide(self.snapshot(), bar)
        self.reasons[decision.reason] += 1
        self.day, self.trades_today = decision.counters_day, decision.daily_trades
        self.pnl_today_e8 = decision.daily_pnl_e8
        return decision

    def snapshot(self) -> Snapshot:
        setting, held = self.setting, self.held
        capital = setting.initial_capital_e8 + self.realized_e8
        return Snapshot(
            rules=replace(setting.rules, status="TRADING"),
            in_position=held is not None,
            quantity_steps=self.sellable(),
            capital_e8=capital,
            available_e8=capital,
            counters_day=self.day,
            size_percent_e6=setting.size_percent_e6,
            size_fixed_e8=setting.size_fixed_e8,
            daily_trades=self.trades_today,
            daily_pnl_e8=self.pnl_today_e8,
            entry_block="paused" if self.paused_ms else None,
            stop_ticks=held.stop if held else 0,
            best_ticks=held.best if held else 0,
            trailing_percent_e6=setting.trailing_percent_e6,
            max_daily_trades=setting.max_daily_trades,
            max_daily_loss_e8=setting.max_daily_loss_e8,
            daily_target_e8=setting.daily_target_e8,
            cooldown_candles=setting.cooldown_candles,
            last_exit_ms=self.last_exit_ms,
            worst_sale_e6=worst_sale_e6(
                setting.stop_percent_e6, setting.trailing_percent_e6,
                0 if "STOP_LOSS" in setting.rules.order_types else setting.stop_limit_offset_e6,
            ),
        )  # fmt: skip

    def enter(self, decided: Decision, at: Candle, *, close_e8: int) -> None:
        setting, rules = self.setting, self.setting.rules
        if abs(at.open - close_e8) * E6 > close_e8 * setting.max_slippage_e6:
            return
        price = at.open
        if setting.slippage_e6:
            paid = -(-at.open * (E6 + setting.slippage_e6) // E6)
            price = -(-paid // rules.tick_e8) * rules.tick_e8
        quantity = decided.quote_e8 * E8 // price // rules.step_e8 * rules.step_e8
        limits = rules.market_limits
        if not limits.min_quantity * rules.step_e8 <= quantity <= limits.max_quantity * rules.step_e8:
            return
        spent, fee = quantity * price // E8, quantity * setting.taker_e6 // E6
        self.roll(at.open_ms)
        self.trades_today += 1
        dust = None if self.dust is None else self.dust.dust()
        position = after_fill(
            Position.opened("COIN", "QUOTE", dust),
            Fill(
                side=Side.BUY,
                quantity_e8=quantity,
                quote_e8=spent,
                commission_e8=fee,
                commission_asset="COIN",
            ),
        )
        self.money_e8 -= spent
        self.trades.append(
            (at.open_ms, len(self.positions), 1, "", spent * E8 // quantity, quantity, spent, fee, 1, 0)
        )
        entry = position.entry_price_e8 or 0
        wanted = protective_ticks(
            entry, stop_percent_e6=setting.stop_percent_e6, target_percent_e6=setting.target_percent_e6,
            trailing_percent_e6=setting.trailing_percent_e6, tick_e8=rules.tick_e8,
        )  # fmt: skip
        self.held = Protected(
            position, at.open_ms, wanted.stop_ticks, wanted.target_ticks,
            "trailing_stop" if wanted.stop_is_trailing else "stop_loss", entry // rules.tick_e8, at.open, at.open,
            quantity - fee,
        )  # fmt: skip
        self.protect(at)

    def protect(self, at: Candle) -> None:
        held, tick = self.held, self.setting.rules.tick_e8
        assert held is not None
        if not self.sellable():
            return
        if held.stop and at.open <= held.stop * tick:
            self.sell(at.open_ms, self.got(at.open), held.stop_reason, is_maker=False)
        elif held.target and at.open >= held.target * tick:
            self.sell(at.open_ms, self.got(at.open), "take_profit", is_maker=False)

    def stop_out(self, at_ms: int, price_e8: int) -> None:
        assert self.held is not None
        self.sell(at_ms, max(self.got(price_e8), self.stop_limit_e8()), self.held.stop_reason, is_maker=False)

    def stop_limit_e8(self) -> int:
        assert self.held is not None
        if "STOP_LOSS" in self.setting.rules.order_types:
            return 0
        return (
            stop_limit_ticks(self.held.stop, self.setting.stop_limit_offset_e6) * self.setting.rules.tick_e8
        )

    def got(self, price_e8: int) -> int:
        setting, tick = self.setting, self.setting.rules.tick_e8
        if not setting.slippage_e6:
            return price_e8
        return max(price_e8 * (E6 - setting.slippage_e6) // E6 // tick, 1) * tick

    def sell(self, at_ms: int, price_e8: int, reason: str, *, is_maker: bool) -> None:
        held, step = self.held, self.setting.rules.step_e8
        assert held is not None
        held.sees(price_e8)
        quantity = self.sellable() * step
        if quantity:
            received = quantity * price_e8 // E8
            fee = share_e6(received, self.setting.maker_e6 if is_maker else self.setting.taker_e6)
            held.position = after_fill(
                held.position,
                Fill(
                    side=Side.SELL, quantity_e8=quantity, quote_e8=received, commission_e8=fee, commission_asset="QUOTE"
                ),
            )  # fmt: skip
            self.money_e8 += received - fee
            average = received * E8 // quantity
            self.trades.append(
                (at_ms, len(self.positions), -1, reason, average, quantity, received, fee, 0, int(is_maker))
            )
        after, result = held.position, held.position.realized_pnl_e8
        self.positions.append(
            (
                held.opened_ms, at_ms, 1, held.bought, after.entry_price_e8, after.exit_price_e8 or 0, after.spent_e8,
                after.fees_e8, 0, result, reason, held.lowest, held.highest,
            )
        )  # fmt: skip
        self.held, self.dust = None, after
        self.book_result(at_ms, result, reason)

    def book_result(self, at_ms: int, result: int, reason: str) -> None:
        self.roll(at_ms)
        self.pnl_today_e8 += result
        self.realized_e8 += result
        self.last_exit_ms = at_ms
        if reason in ("stop_loss", "stop_gap"):
            self.stop_exits_ms = [*self.stop_exits_ms, at_ms][-3:]
            if not self.paused_ms and breaker_trips(self.stop_exits_ms, at_ms):
                self.paused_ms, self.stop_exits_ms = at_ms, []

    def roll(self, at_ms: int) -> None:
        if day_of(at_ms) > self.day:
            self.day, self.trades_today, self.pnl_today_e8 = day_of(at_ms), 0, 0

    def sellable(self) -> int:
        return 0 if self.held is None else self.held.position.sellable_steps(self.setting.rules.step_e8)

    def worth(self, close_e8: int) -> int:
        if self.held is None:
            return self.setting.initial_capital_e8 + self.realized_e8
        return self.money_e8 + self.held.position.quantity_e8 * close_e8 // E8


def rows_of(candles: Candles) -> list[Candle]:
    return [
        Candle(*values) for values in zip(*(column.tolist() for column in candles.columns()), strict=True)
    ]
