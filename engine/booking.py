"""What an order of a backtest does to a bot's money, coins and results, compiled: coins of spot, contracts of futures.

On spot it is the arithmetic of `engine.positions`, deliberately written a second time: the live path replays fills on
unlimited integers, this books one entry and one exit a position on 64 bits, and tests hold both against each other to
the last digit.
"""

from typing import Final, NamedTuple

from engine.amounts import E6, E8, commission_e8, mul_div, share_e6, share_up_e6, worth_e8

LONG_AGO: Final = -(1 << 60)


class Costs(NamedTuple):
    """Fees of the account and the slippage of market orders, in 1e-6."""

    taker_e6: int
    maker_e6: int
    slippage_e6: int


class Account(NamedTuple):
    """The bot's money and coins. While flat `quantity_e8` and `cost_e8` are dust; it joins the next position and leaves
    with its exit. `capital_e8` is the initial capital plus all realised results, `money_e8` what lies there in quote;
    always money + cost = capital. On futures money is the wallet, margin included, and the cost of a position what it
    has paid so far: the fee of its entry, and funding."""

    money_e8: int
    capital_e8: int
    quantity_e8: int
    cost_e8: int


class Deal(NamedTuple):
    """One filled order and the account after it. `average_e8` is its average price, rounded down; `result_e8` what an
    exit realised, net of its fee and its cost; `fee_e8` the commission's value in quote."""

    account: Account
    average_e8: int
    quantity_e8: int
    quote_e8: int
    commission_e8: int
    fee_e8: int
    result_e8: int


def buy(account: Account, quote_e8: int, price_e8: int, step_e8: int, costs: Costs) -> Deal:
    """A market purchase for at most `quote_e8`: floor(quote / price) to the step, its fee taken in coins. Nothing is
    bought (quantity 0) where that is less than a step."""
    quantity = mul_div(quote_e8, E8, price_e8) // step_e8 * step_e8
    if quantity <= 0:
        return Deal(account, 0, 0, 0, 0, 0, 0)
    spent = worth_e8(quantity, price_e8)
    commission = commission_e8(quantity, costs.taker_e6)
    after = Account(
        account.money_e8 - spent,
        account.capital_e8,
        account.quantity_e8 + quantity - commission,
        account.cost_e8 + spent,
    )
    average, fee = mul_div(spent, E8, quantity), mul_div(commission, spent, quantity)
    return Deal(after, average, quantity, spent, commission, fee, 0)


def sell(account: Account, quantity_e8: int, price_e8: int, rate_e6: int) -> Deal:
    """A sale of some of the coins, its fee taken in quote. Cost leaves in proportion, rounded down."""
    received = worth_e8(quantity_e8, price_e8)
    commission = commission_e8(received, rate_e6)
    cost = mul_div(account.cost_e8, quantity_e8, account.quantity_e8)
    result = received - commission - cost
    after = Account(
        account.money_e8 + received - commission,
        account.capital_e8 + result,
        account.quantity_e8 - quantity_e8,
        account.cost_e8 - cost,
    )
    average = mul_div(received, E8, quantity_e8)
    return Deal(after, average, quantity_e8, received, commission, commission, result)


def open_contract(account: Account, quantity_e8: int, price_e8: int, rate_e6: int) -> Deal:
    """Of either side: nothing changes hands but the fee."""
    notional = worth_e8(quantity_e8, price_e8)
    fee = commission_e8(notional, rate_e6)
    after = Account(account.money_e8 - fee, account.capital_e8, quantity_e8, fee)
    return Deal(after, mul_div(notional, E8, quantity_e8), quantity_e8, notional, fee, fee, 0)


def close_contract(account: Account, side: int, notional_e8: int, price_e8: int, rate_e6: int) -> Deal:
    """All of a position that was entered for `notional_e8`."""
    value = worth_e8(account.quantity_e8, price_e8)
    return _settled(account, side * (value - notional_e8), value, commission_e8(value, rate_e6))


def liquidate(account: Account, side: int, notional_e8: int, margin_e8: int) -> Deal:
    """What is left of the margin is lost, and nothing else: the price that takes just that is shown."""
    return _settled(account, -margin_e8, max(notional_e8 - side * margin_e8, 0), 0)


def _settled(account: Account, gross_e8: int, value_e8: int, fee_e8: int) -> Deal:
    result = gross_e8 - fee_e8 - account.cost_e8
    after = Account(account.money_e8 + gross_e8 - fee_e8, account.capital_e8 + result, 0, 0)
    average = mul_div(value_e8, E8, account.quantity_e8)
    return Deal(after, average, account.quantity_e8, value_e8, fee_e8, fee_e8, result)


def after_funding(account: Account, paid_e8: int) -> Account:
    return Account(
        account.money_e8 - paid_e8, account.capital_e8, account.quantity_e8, account.cost_e8 + paid_e8
    )


def paid_e8(price_e8: int, slippage_e6: int, tick_e8: int) -> int:
    """What a market purchase pays: the price with slippage, rounded up to the tick."""
    if slippage_e6 <= 0:
        return price_e8
    return (share_up_e6(price_e8, E6 + slippage_e6) + tick_e8 - 1) // tick_e8 * tick_e8


def got_e8(price_e8: int, slippage_e6: int, tick_e8: int) -> int:
    """What a market sale gets: the price less slippage, rounded down to the tick, at least one."""
    if slippage_e6 <= 0:
        return price_e8
    return max(share_e6(price_e8, E6 - slippage_e6) // tick_e8, 1) * tick_e8


class Day(NamedTuple):
    """The counters of a UTC day (SPEC §4.3): entries filled and results realised on it."""

    day: int
    trades: int
    pnl_e8: int


def on_day(day: Day, today: int) -> Day:
    """A fill's day begins the count anew; it never goes back."""
    return Day(today, 0, 0) if today > day.day else day


class StopExits(NamedTuple):
    """When the last three stop losses closed, for the circuit breaker."""

    oldest_ms: int
    middle_ms: int
    newest_ms: int


def no_stop_exits() -> StopExits:
    return StopExits(LONG_AGO, LONG_AGO, LONG_AGO)


def with_stop_exit(exits: StopExits, at_ms: int) -> StopExits:
    return StopExits(exits.middle_ms, exits.newest_ms, at_ms)
