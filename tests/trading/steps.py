"""Steps the crash-path tests share: orders planned the way a run does it, faults on one bot's requests, time moved in
rows instead of waited for, and a look ahead in the recording to where a signal will be."""

from __future__ import annotations

from datetime import timedelta
from decimal import Decimal
from typing import Any

from django.db import transaction
from django.db.models import F
from django.utils import timezone

from accounts.vault import credentials_of
from bots.models import BotConfig
from engine.amounts import decimal_from_e8
from engine.market import Candles
from engine.strategies import parse_params, strategy
from exchange.connect import market_data
from exchange.sandbox.market import Market
from exchange.sandbox.tape import MINUTE_MS, load_tapes
from exchange.symbols import rules_for
from trading.models import Decision, Order, Position, Wallet
from trading.money import read_wallet
from trading.orders.execution import send
from trading.orders.planning import plan_entry, plan_exit
from trading.orders.settlement import settle_orders

ORDER = {"method": "POST", "path": "/api/v3/order"}
QUERY = {"method": "GET", "path": "/api/v3/order"}
SPENT = Decimal(100)
LONG_AGO_MS = 60_000


def fresh(bot: BotConfig) -> BotConfig:
    return BotConfig.objects.select_related("state", "api_key", "account").get(pk=bot.pk)


def plan_buy(
    bot: BotConfig, *, quote: Decimal = SPENT, late_ms: int = 0, close_price: Decimal | None = None
) -> Order:
    """An entry committed as `planned`, its money reserved; `late_ms` past its freshness; decided at the price of now,
    or at another."""
    read_wallet(bot.api_key, "spot", "USDT")
    now_ms = market_data("sandbox").market_time_ms(bot.symbol)
    _rules, version = rules_for("sandbox", "spot", bot.symbol)
    with transaction.atomic():
        decision = Decision.objects.create(
            bot_config=bot,
            config_version=1,
            # No candle's own opening, so that a run's decision about a candle never meets this one.
            candle_open_ms=now_ms - 1 - Decision.objects.filter(bot_config=bot).count(),
            acts_at=timezone.now(),
            action="enter",
            reason="entry signal",
            text="The test wants it.",
            close_price=close_price or decimal_from_e8(market_data("sandbox").price_e8(bot.symbol)),
        )
        return plan_entry(
            bot,
            decision=decision,
            quote_quantity=quote,
            rules_version=version,
            fresh_until_ms=now_ms + 15_000 if not late_ms else now_ms - late_ms,
            at=timezone.now(),
        )


def plan_sell(bot: BotConfig) -> Order:
    """An exit of everything the bot can sell, committed as `planned`."""
    rules, version = rules_for("sandbox", "spot", bot.symbol)
    position = Position.objects.open().get(bot_config=bot)
    step = Decimal(rules.step_e8) / 10**8
    with transaction.atomic():
        return plan_exit(
            bot,
            position,
            reason="exit_signal",
            quantity=position.quantity // step * step,
            rules_version=version,
            at=timezone.now(),
        )


def plan(bot: BotConfig, purpose: str) -> Order:
    """A planned order of either purpose; an exit gets a position to close first."""
    if purpose == "entry":
        return plan_buy(bot)
    if not Position.objects.open().filter(bot_config=bot).exists():
        assert send(plan_buy(bot).pk).state == "filled"
    return plan_sell(bot)


def strike(sandbox: Any, bot: BotConfig, *rules: dict[str, Any]) -> None:
    """Faults that meet the requests of this bot's key only."""
    key = credentials_of(bot.api_key).api_key
    sandbox.control.set_faults([{**ORDER, "api_key": key, **rule} for rule in rules])


def make_older(order: Order, *names: str) -> None:
    """Move these instants of the row a minute into the past, instead of waiting for a minute."""
    seconds = timedelta(milliseconds=LONG_AGO_MS)
    moved = {name: F(name) - (LONG_AGO_MS if name.endswith("_ms") else seconds) for name in names}
    assert Order.objects.filter(pk=order.pk).update(**moved) == 1


def settle_until_believed(order: Order) -> Order:
    """The three late negative answers that SPEC §7.4 asks for, in three passes."""
    make_older(order, "request_timestamp_ms")
    settle_orders()
    make_older(order, "first_negative_ms")
    settle_orders()
    assert reloaded(order).state == "unknown"
    settle_orders()
    return reloaded(order)


def reloaded(order: Order) -> Order:
    return Order.objects.select_related("bot_config__state", "position").get(pk=order.pk)


def their_orders(sandbox: Any, bot: BotConfig) -> list[str]:
    """Client ids of what the market executed for this bot's account, in order."""
    return [row["clientOrderId"] for row in sandbox.control.orders(uid=int(bot.account.external_id))]


def reserved(bot: BotConfig) -> Decimal:
    wallet = Wallet.objects.get(account_id=bot.account_id, asset="USDT")
    return Decimal(wallet.reserved)


def recorded_candles(sandbox: Any, symbol: str, *, start_ms: int, count: int) -> Candles:
    """The market's own recording, also of what it has not shown yet."""
    shift = sandbox.control.clock()["shift_weeks"]
    market = Market(load_tapes(), shift)
    tape = market.tapes[symbol]
    first = (start_ms - market.first_open_ms(symbol)) // MINUTE_MS
    part = slice(first, first + count)
    columns = [column[part] * tape.tick_e8 for column in (tape.open, tape.high, tape.low, tape.close)]
    opens = (tape.open[part] * 0) + market.first_open_ms(symbol)
    opens += MINUTE_MS * (first + (opens * 0 + 1).cumsum() - 1)
    return Candles(opens, *columns, tape.volume[part])


def go_to_signal(sandbox: Any, bot: BotConfig, name: str) -> int:
    """Release the market to the opening at which the next `long_entry`, `long_exit` or `no_signal` acts; its ms."""
    now_ms = int(sandbox.control.clock()["market_ms"])
    candles = recorded_candles(sandbox, bot.symbol, start_ms=now_ms - 300 * MINUTE_MS, count=1_500)
    signals = strategy(bot.strategy).signals(candles, parse_params(bot.strategy, bot.strategy_params))
    wanted = {
        "long_entry": signals.long_entry,
        "long_exit": signals.long_exit,
        "no_signal": ~(signals.long_entry | signals.long_exit),
    }
    for open_ms in candles.open_ms[wanted[name]]:
        if open_ms >= now_ms:
            sandbox.control.advance(int(open_ms + MINUTE_MS - now_ms) // MINUTE_MS)
            return int(open_ms) + MINUTE_MS
    raise AssertionError(f"no {name} in the next {len(candles)} minutes")
