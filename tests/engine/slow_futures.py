"""The slow bot on futures: contracts of either side on isolated margin, with funding and liquidation, as an independent
reference of the fold. What a rule says is written out for both sides, in plain integers and fractions."""

from dataclasses import dataclass, field, replace
from fractions import Fraction

from engine.amounts import E6, E8
from engine.decide import Bar, Decision, Snapshot
from engine.margin import Bracket
from engine.market import Candle
from exchange.sandbox.path import first_touch
from tests.engine.slow_bot import MINUTE_MS, SlowBot


@dataclass
class Contract:
    """An open position; levels in 1e-8, 0 = none."""

    side: int
    steps: int
    quantity: int
    opened_ms: int
    notional: int
    entry: int
    fees: int
    margin: int
    stop: int
    target: int
    stop_reason: str
    best: int
    lowest: int
    highest: int
    funding: int = 0

    def sees(self, *prices: int) -> None:
        self.lowest, self.highest = min(self.lowest, *prices), max(self.highest, *prices)

    def result_at(self, price: int) -> int:
        return self.side * (self.quantity * price // E8 - self.notional)


def liquidation_price(
    side: int, quantity: int, notional: int, margin: int, brackets: tuple[Bracket, ...]
) -> int:
    """Where margin + result = notional × mmr − cum, with the bracket that the notional has there; 0: nowhere."""
    coins = Fraction(quantity, E8)
    for number, bracket in enumerate(brackets):
        ratio = Fraction(bracket.mmr_e6, E6)
        if side > 0:
            price = (notional - margin - bracket.cum_e8) / (coins * (1 - ratio))
        else:
            price = (notional + margin + bracket.cum_e8) / (coins * (1 + ratio))
        is_first, is_last = number == 0, number == len(brackets) - 1
        if (is_first or price * coins > bracket.floor_e8) and (is_last or price * coins <= bracket.cap_e8):
            break
    if price <= 0:
        return 0 if side > 0 else 1
    return price.__floor__() if side > 0 else price.__ceil__()


@dataclass
class SlowFutures(SlowBot):
    contract: Contract | None = None
    last_close: int = 0
    settlements: list[tuple[int, int]] = field(default_factory=list)

    def __post_init__(self) -> None:
        funding = self.setting.funding
        if funding is not None:
            pairs = zip(funding.at_ms.tolist(), funding.rate_e8.tolist(), strict=True)
            self.settlements = [(at_ms - at_ms % MINUTE_MS, rate) for at_ms, rate in pairs]

    # Prices.

    def ticks_down(self, price: int | Fraction) -> int:
        return int(price // self.setting.rules.tick_e8) * self.setting.rules.tick_e8

    def ticks_up(self, price: int | Fraction) -> int:
        return -int(-price // self.setting.rules.tick_e8) * self.setting.rules.tick_e8

    def bought_at(self, price: int) -> int:
        slippage = self.setting.slippage_e6
        return self.ticks_up(Fraction(price * (E6 + slippage), E6)) if slippage else price

    def sold_at(self, price: int) -> int:
        slippage, tick = self.setting.slippage_e6, self.setting.rules.tick_e8
        return max(self.ticks_down(Fraction(price * (E6 - slippage), E6)), tick) if slippage else price

    def away(self, price: int, percent: int | None, *, up: bool) -> int:
        """A level this far from the price, rounded to the tick toward it."""
        if not percent:
            return 0
        if up:
            return self.ticks_down(Fraction(price * (E6 + percent), E6))
        return self.ticks_up(Fraction(price * (E6 - percent), E6))

    def liquidation(self, held: Contract) -> int:
        return liquidation_price(held.side, held.quantity, held.notional, held.margin, self.setting.brackets)

    # Asking.

    def is_flat(self) -> bool:
        return self.contract is None

    def may_enter(self, bar: Bar) -> bool:
        direction = self.setting.direction
        return (bar.long_entry and direction != "short") or (bar.short_entry and direction != "long")

    def snapshot(self) -> Snapshot:
        setting, held, tick = self.setting, self.contract, self.setting.rules.tick_e8
        tightest = min(
            percent for percent in (setting.stop_percent_e6, setting.trailing_percent_e6) if percent
        )
        return replace(
            super().snapshot(), in_position=held is not None, quantity_steps=held.steps if held else 0,
            side=held.side if held else 1, stop_ticks=held.stop // tick if held else 0,
            best_ticks=held.best if held else 0, direction=setting.direction, leverage=setting.leverage,
            brackets=setting.brackets, taker_e6=setting.taker_e6, first_stop_e6=tightest,
        )  # fmt: skip

    # The market.

    def live_through(self, minute: Candle, *, is_new: bool) -> None:
        if is_new:
            self.pass_opening(minute)
        if self.contract is not None:
            self.meet_the_path(self.contract, minute)
        self.last_close = minute.close

    def meet_the_path(self, held: Contract, minute: Candle) -> None:
        ohlc, is_long = (minute.open, minute.high, minute.low, minute.close), held.side > 0
        touches = []
        for what, level, rising in (
            ("liquidation", self.liquidation(held), not is_long), ("stop", held.stop, not is_long),
            ("target", held.target, is_long),
        ):  # fmt: skip
            at = first_touch(ohlc, level, rising=rising, after_ms=0) if level else None
            if at is not None:
                # Of two levels in the same millisecond the nearer; of equal ones the liquidation.
                touches.append((at, level if rising else -level, what))
        turns = [minute.high, minute.low] if minute.high - minute.open < minute.open - minute.low else [
            minute.low, minute.high
        ]  # fmt: skip
        if not touches:
            held.sees(*turns)
            return
        offset, signed, what = min(touches)
        reached = (turn for turn, knot in zip(turns, (23_000, 41_000), strict=True) if knot < offset)
        held.sees(minute.open, *reached, abs(signed))
        self.leave(minute.open_ms + offset, abs(signed), what)

    def pass_opening(self, minute: Candle) -> None:
        self.settle(minute.open_ms)
        if self.contract is not None:
            self.leave_if_passed(self.contract, minute.open_ms, minute.open)

    def leave_if_passed(self, held: Contract, at_ms: int, price: int) -> None:
        level = self.liquidation(held)
        if held.side > 0:
            passed = [price <= level, held.stop > 0 and price <= held.stop, 0 < held.target <= price]
        else:
            passed = [price >= level, 0 < held.stop <= price, held.target > 0 and price <= held.target]
        for what, is_passed in zip(("liquidation", "stop", "target"), passed, strict=True):
            if is_passed:
                self.leave(at_ms, price, what)
                return

    def settle(self, now_ms: int) -> None:
        """Longs pay a positive rate and shorts receive it, on what the position is worth at the last close."""
        while self.settlements and self.settlements[0][0] <= now_ms:
            _, rate = self.settlements.pop(0)
            held = self.contract
            if held is None:
                continue
            amount = held.quantity * self.last_close // E8 * abs(rate) // E8
            pays = amount if (rate > 0) == (held.side > 0) else -amount
            held.margin, held.funding, self.money_e8 = (
                held.margin - pays,
                held.funding + pays,
                self.money_e8 - pays,
            )

    def finish(self, close_ms: int, close_e8: int) -> None:
        self.settle(close_ms)
        if self.contract is not None:
            self.leave_if_passed(self.contract, close_ms, close_e8)
        if self.contract is not None:
            self.leave(close_ms, close_e8, "end_of_data")

    # Orders.

    def enter(self, decided: Decision, at: Candle, *, close_e8: int) -> None:
        setting, rules, side = self.setting, self.setting.rules, decided.side
        if abs(at.open - close_e8) * E6 > close_e8 * setting.max_slippage_e6:
            return
        price = self.bought_at(at.open) if side > 0 else self.sold_at(at.open)
        quantity = decided.quantity_steps * rules.step_e8
        notional = quantity * price // E8
        fee = notional * setting.taker_e6 // E6
        allowed = max(row.cap_e8 for row in setting.brackets if row.max_leverage >= setting.leverage)
        takes = -(-notional // setting.leverage) + fee
        if takes > self.money_e8 or notional > allowed or notional < rules.market_limits.min_notional_e8:
            return
        self.settlements = [pair for pair in self.settlements if pair[0] > at.open_ms]
        self.roll(at.open_ms)
        self.trades_today += 1
        self.money_e8 -= fee
        average = notional * E8 // quantity
        self.trades.append(
            (at.open_ms, len(self.positions), side, "", average, quantity, notional, fee, 0, 0)
        )
        stop = self.away(average, setting.stop_percent_e6, up=side < 0)
        trail = self.away(average, setting.trailing_percent_e6, up=side < 0)
        trails = bool(trail) and (trail > stop if side > 0 else trail < stop)
        self.contract = Contract(
            side, decided.quantity_steps, quantity, at.open_ms, notional, average, fee, notional // setting.leverage,
            trail if trails else stop, self.away(average, setting.target_percent_e6, up=side > 0),
            "trailing_stop" if trails else "stop_loss", average // rules.tick_e8, at.open, at.open,
        )  # fmt: skip
        self.leave_if_passed(self.contract, at.open_ms, at.open)

    def follow(self, decided: Decision, following: Candle) -> None:
        """What a decision does to the open position."""
        held = self.contract
        if held is None:
            return
        held.best = decided.best_ticks
        if decided.action == "exit":
            self.leave(following.open_ms, following.open, decided.exit_reason)
        elif decided.action == "move_stop":
            held.stop = decided.stop_ticks * self.setting.rules.tick_e8
            held.stop_reason = "trailing_stop"
            self.leave_if_passed(held, following.open_ms, following.open)

    def leave(self, at_ms: int, price: int, what: str) -> None:
        held, setting = self.contract, self.setting
        assert held is not None
        reason = {"stop": held.stop_reason, "target": "take_profit"}.get(what, what)
        filled = self.sold_at(price) if held.side > 0 else self.bought_at(price)
        if reason == "liquidation" or held.margin + held.result_at(filled) <= 0:
            # Nothing but the margin is lost; the price shown is the one that loses it.
            reason, gross, fee = "liquidation", -held.margin, 0
            value = max(held.notional - held.side * held.margin, 0)
            filled = value * E8 // held.quantity
        else:
            gross, value = held.result_at(filled), held.quantity * filled // E8
            fee = value * setting.taker_e6 // E6
        held.sees(filled)
        self.money_e8 += gross - fee
        average, result = value * E8 // held.quantity, gross - fee - held.fees - held.funding
        self.trades.append(
            (at_ms, len(self.positions), -held.side, reason, average, held.quantity, value, fee, 0, 0)
        )
        self.positions.append(
            (
                held.opened_ms, at_ms, held.side, held.quantity, held.entry, average, held.notional + held.fees,
                held.fees + fee, held.funding, result, reason, held.lowest, held.highest,
            )
        )  # fmt: skip
        self.contract = None
        self.book_result(at_ms, result, reason)

    def worth(self, close_e8: int) -> int:
        return self.money_e8 + (self.contract.result_at(close_e8) if self.contract else 0)
