"""Sends planned orders. A row is claimed, with the request's own timestamp, before a byte leaves; what the exchange
answers is recorded; where the end is not certain the row says `unknown` and only a query may settle it.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Final

import structlog
from django.db.models import BooleanField
from django.db.models.expressions import RawSQL
from django.utils import timezone

from accounts.keys import check_key, client_of
from engine.amounts import e6_from_percent, e8_from_decimal, plain_e8
from engine.orders import OrderState, Purpose, Side
from engine.slippage import DEFAULT_MAX_PERCENT_E6, average_ask_e8, has_moved
from exchange.port import (
    CredentialsRefused,
    Exchange,
    ExchangeError,
    MarketOrder,
    OutcomeUnknown,
    RateLimited,
    Rejected,
    Stamp,
    Unavailable,
)
from exchange.symbols import refresh
from trading.models import Order
from trading.orders import ledger

logger = structlog.get_logger(__name__)

# What closes a position is as urgent as what protects it: the shorter its window, the sooner its absence is believed.
RECV_WINDOW_MS = {Purpose.ENTRY: 5_000, Purpose.EXIT: 2_000}
FILTER_FAILURE = -1013
FEW_LEVELS, MANY_LEVELS = 20, 100
SELF_TRADE_PREVENTION = {Purpose.ENTRY: "EXPIRE_TAKER", Purpose.EXIT: "EXPIRE_MAKER"}
# Parts of the claim's one statement, spelled out: put together from models they cost as much as all the rest of it.
# The bot of an entry is active and neither paused nor in error, its user may sign in, and no switch halts it.
MAY_ENTER: Final = RawSQL(
    """EXISTS (
        SELECT 1 FROM bots_botconfig bot
        JOIN bots_botstate state ON state.bot_config_id = bot.id
        JOIN accounts_user owner ON owner.id = bot.user_id
        WHERE bot.id = trading_order.bot_config_id AND bot.is_active AND owner.is_active
            AND state.status NOT IN ('paused', 'error')
            AND NOT EXISTS (
                SELECT 1 FROM bots_halt halt WHERE halt.ended_at IS NULL AND (
                    (halt.user_id IS NULL AND halt.bot_config_id IS NULL)
                    OR halt.user_id = bot.user_id OR halt.bot_config_id = bot.id)))""",
    (),
    output_field=BooleanField(),
)
LAST_TRADE_ID: Final = """COALESCE((
    SELECT max(trade_id) FROM trading_fill WHERE account_id = %s AND market = %s AND symbol = %s), 0)"""


def send(order_id: int) -> Order:
    """Take one planned order to an end, or to `unknown`. Safe to call any number of times, from anywhere."""
    return send_loaded(load(order_id))


def send_loaded(order: Order, *, market_now_ms: int | None = None) -> Order:
    """`send` for an order as `load_all` reads it; whether it may still be sent is asked of its row. `market_now_ms`:
    the venue's market time, where the caller has asked for it a moment ago."""
    if order.state != OrderState.PLANNED:
        return order
    try:
        exchange = client_of(order.bot_config.api_key)
        if order.purpose == Purpose.ENTRY and market_now_ms is None:
            market_now_ms = exchange.market_time_ms(order.symbol)
        stamp = Stamp(exchange.signing_time_ms(), RECV_WINDOW_MS[Purpose(order.purpose)])
    except ExchangeError as error:
        # Nothing left us. An exit stays planned and is sent by the next pass; an entry too, until it is stale.
        logger.warning("order_not_sent", order=order.client_order_id, cause=str(error))
        return order
    if not claim(order, stamp=stamp, market_now_ms=market_now_ms, at=timezone.now()):
        if order.purpose == Purpose.ENTRY:
            drop_refused_entry(order)
        return load(order.pk)
    order.state = OrderState.SENDING
    booked = None
    if order.purpose != Purpose.ENTRY or _is_price_as_decided(order, exchange):
        booked = _transmit(order, exchange, stamp)
    return booked or load(order.pk)


def claim(order: Order, *, stamp: Stamp, market_now_ms: int | None, at: datetime) -> bool:
    """Move planned → sending for exactly one caller. An entry also needs its bot active, not paused, not in error,
    not halted, and the venue's market time (ms) within its freshness limit."""
    rows = Order.objects.filter(pk=order.pk, state=OrderState.PLANNED)
    if order.purpose == Purpose.ENTRY:
        rows = rows.filter(MAY_ENTER, fresh_until_ms__gte=market_now_ms)
    claimed: int = rows.update(
        state=OrderState.SENDING,
        claimed_at=at,
        request_timestamp_ms=stamp.timestamp_ms,
        recv_window_ms=stamp.recv_window_ms,
        last_trade_id_at_claim=last_known_trade_id(order),
        updated_at=at,
    )
    return claimed == 1


def drop_refused_entry(order: Order) -> None:
    """An entry that may no longer be sent is dropped, never kept for later; its reservation ends."""
    ledger.close_without_fill(
        order.pk,
        OrderState.DROPPED,
        only_from=OrderState.PLANNED,
        message="No longer wanted: the bot was stopped, paused or halted, or it is too late.",
    )


def _is_price_as_decided(order: Order, exchange: Exchange) -> bool:
    """After the claim and before signing the book is asked: an entry at another price than the signal's is refused."""
    assert order.quote_quantity is not None
    amount = e8_from_decimal(order.quote_quantity)
    try:
        price = average_ask_e8(exchange.book(order.symbol, levels=FEW_LEVELS).asks, amount)
        if price is None:
            price = average_ask_e8(exchange.book(order.symbol, levels=MANY_LEVELS).asks, amount)
    except ExchangeError as error:
        ledger.close_without_fill(order.pk, OrderState.REJECTED, message=f"Not sent: {error}")
        return False
    assert order.decision is not None
    close = e8_from_decimal(order.decision.close_price)
    allowed = order.bot_config.max_slippage_perc
    share = DEFAULT_MAX_PERCENT_E6 if allowed is None else e6_from_percent(allowed)
    if price is not None and not has_moved(price, close, share):
        return True
    now = "more than the book shows" if price is None else plain_e8(price)
    ledger.close_without_fill(
        order.pk, OrderState.REJECTED, message=f"price moved: {plain_e8(close)} at the signal, {now} now."
    )
    return False


def _transmit(order: Order, exchange: Exchange, stamp: Stamp) -> Order | None:
    """Send the claimed order and record one of three ends: known, not executed, unknown (SPEC §7.3). Returns the order
    as it was booked, if it was."""
    try:
        report = exchange.place_market_order(_request(order), stamp)
    except OutcomeUnknown as error:
        mark_unknown(order.pk, message=str(error))
    except CredentialsRefused as error:
        ledger.close_without_fill(order.pk, OrderState.REJECTED, code=error.code, message=error.message)
        ask_about_the_key(order)
    except Rejected as error:
        ledger.close_without_fill(order.pk, OrderState.REJECTED, code=error.code, message=error.message)
        if error.code == FILTER_FAILURE:
            read_rules_again(order)
    except (RateLimited, Unavailable) as error:
        ledger.close_without_fill(order.pk, OrderState.REJECTED, message=f"Not sent: {error}")
    else:
        fills = report.fills
        if fills is None:
            fills = (
                tuple(exchange.fills_of_order(order.symbol, report.order_id)) if report.executed_e8 else ()
            )
        return ledger.book_together([(order, report, fills)])[0]
    return None


def read_rules_again(order: Order) -> None:
    """A refusal by a filter means that the symbol's rules have changed since we read them."""
    try:
        refresh(order.venue, order.market)
    except ExchangeError as error:
        logger.warning("rules_not_read", venue=order.venue, cause=str(error))


def ask_about_the_key(order: Order) -> None:
    """A refused key is checked on its own: if it really is invalid, its bots pause and say why."""
    try:
        check_key(order.bot_config.api_key)
    except ExchangeError as error:
        logger.warning("key_check_unanswered", key_id=order.bot_config.api_key_id, cause=str(error))


def mark_unknown(order_id: int, *, message: str) -> bool:
    """sending → unknown. The reservation stays, and the bot makes no entry until a query has settled it."""
    changed: int = Order.objects.filter(pk=order_id, state=OrderState.SENDING).update(
        state=OrderState.UNKNOWN,
        error_message=message[:300],
        unknown_at=timezone.now(),
        updated_at=timezone.now(),
    )
    if changed:
        logger.warning("order_unknown", order_id=order_id, cause=message)
    return changed == 1


def _request(order: Order) -> MarketOrder:
    return MarketOrder(
        symbol=order.symbol,
        side=Side(order.side),
        client_order_id=order.client_order_id,
        quantity_e8=None if order.quantity is None else e8_from_decimal(order.quantity),
        quote_quantity_e8=None if order.quote_quantity is None else e8_from_decimal(order.quote_quantity),
        self_trade_prevention=SELF_TRADE_PREVENTION[Purpose(order.purpose)],
    )


def last_known_trade_id(order: Order) -> RawSQL:
    """Trades with a higher id than this are news: among them an unknown order's fills would be. A part of the claim's
    own statement."""
    return RawSQL(LAST_TRADE_ID, [order.account_id, order.market, order.symbol])


def load(order_id: int) -> Order:
    (order,) = load_all([order_id])
    return order


def load_all(order_ids: Sequence[int]) -> list[Order]:
    """Orders with their bot and its key, in the order of planning. What few of them need is read when it is asked for:
    every joined row costs more than the query that would fetch it."""
    return list(
        Order.objects.select_related("bot_config__api_key", "decision")
        .filter(pk__in=order_ids)
        .order_by("pk")
    )
