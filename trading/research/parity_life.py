"""The part of a bot's life that a backtest can repeat, and what the bot traded and said in it.

It begins with the first look of the configuration that holds now, flat, and on a fresh day where daily limits count; it
ends with the last candle the bot has looked at. All times are market time (ms).
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from typing import Final

from django.db.models import Q, Sum

from accounts.models import AuditEntry, AuditEvent
from bots.models import BotConfig
from engine.amounts import E8, e8_from_decimal
from engine.limits import BREAKER_MS, is_cooling
from engine.market import DAY_MS, interval_ms
from engine.orders import OrderState, Purpose, Side
from engine.parity import BUY, SELL, Deal, Said
from engine.reasons import Reason
from exchange.instants import instant_of, ms_of
from trading.limits import STOPPED_OUT
from trading.models import Decision, Order, Position, Trade

# What kept a bot from acting and is nothing a backtest knows of.
KEPT_BY: Final = (
    Reason.TOO_LATE, Reason.NOT_TRADING, Reason.NOT_ENOUGH_MONEY, Reason.NO_STOP_SLOT, Reason.STOPPED, Reason.ERROR,
    Reason.HALTED, Reason.UNKNOWN_ORDER, Reason.ORDER_IN_FLIGHT, Reason.DISCREPANCY, Reason.KEY_INVALID,
    Reason.CLOCK_OFF,
)  # fmt: skip
CAME_TO_NOTHING: Final = (OrderState.DROPPED, OrderState.REJECTED)


@dataclass(frozen=True)
class Stretch:
    """From the first opening acted at to the close of the last candle seen; what the bot began with: its capital, and
    the dust of its earlier trades."""

    start_ms: int
    end_ms: int
    capital_e8: int
    dust_quantity_e8: int
    dust_cost_e8: int


def stretch_of(bot: BotConfig) -> Stretch | None:
    """None where there is nothing to compare yet."""
    length, seen_ms = interval_ms(bot.timeframe), bot.state.last_candle_open_ms
    # A bot started in the middle of a candle comes too late for the one before: that is nothing it missed.
    decisions = Decision.objects.filter(bot_config=bot, config_version=bot.version).exclude(
        reason=Reason.TOO_LATE
    )
    first_ms = decisions.order_by("candle_open_ms").values_list("candle_open_ms", flat=True).first()
    if first_ms is None or seen_ms is None:
        return None
    start_ms = _first_flat_start(bot, first_ms + length, length)
    if start_ms is None or start_ms >= seen_ms + length:
        return None
    # Those that began before are closed by then, the last one perhaps at this very opening.
    earlier = Position.objects.filter(bot_config=bot, opened_at__lt=instant_of(start_ms))
    earned = earlier.aggregate(sum=Sum("realized_pnl"))["sum"] or 0
    capital_e8 = e8_from_decimal(bot.initial_capital + earned)
    return Stretch(start_ms, seen_ms + length, capital_e8, *_dust_at(bot, start_ms))


def _dust_at(bot: BotConfig, start_ms: int) -> tuple[int, int]:
    """Quantity and cost: what joined the next position, or lies there still."""
    later = Position.objects.filter(bot_config=bot, opened_at__gte=instant_of(start_ms))
    position = later.order_by("sequence").first()
    if position is not None:
        return e8_from_decimal(position.opening_dust_quantity), e8_from_decimal(position.opening_dust_cost)
    return e8_from_decimal(bot.state.dust_quantity), e8_from_decimal(bot.state.dust_cost)


def _first_flat_start(bot: BotConfig, start_ms: int, length: int) -> int | None:
    """The first opening from `start_ms` on at which nothing earlier counts any more: no position, no day's numbers, no
    exit a moment ago."""
    while True:
        at = instant_of(start_ms)
        held = Position.objects.filter(bot_config=bot, opened_at__lt=at).filter(
            Q(closed_at__isnull=True) | Q(closed_at__gt=at)
        )
        position = held.order_by("pk").first()
        if position is not None:
            if position.closed_at is None:
                return None
            start_ms = -(-ms_of(position.closed_at) // length) * length
        elif _has_daily_limits(bot) and _has_traded_on(bot, at.date(), before_ms=start_ms):
            start_ms = (start_ms // DAY_MS + 1) * DAY_MS
        elif _is_held_back(bot, start_ms, length):
            start_ms += length
        else:
            return start_ms


def _is_held_back(bot: BotConfig, start_ms: int, length: int) -> bool:
    """An earlier exit still counts: for the cooldown, or as one of three stops for the circuit breaker."""
    earlier = Position.objects.filter(bot_config=bot, closed_at__lte=instant_of(start_ms))
    last = earlier.order_by("-closed_at").values_list("closed_at", flat=True).first()
    if last is None:
        return False
    since = instant_of(start_ms - BREAKER_MS)
    has_stops = earlier.filter(closed_at__gte=since, exit_reason__in=STOPPED_OUT).exists()
    return has_stops or is_cooling(start_ms, ms_of(last), length, bot.cooldown_candles)


def _has_daily_limits(bot: BotConfig) -> bool:
    return any(
        limit is not None for limit in (bot.max_daily_trades, bot.max_daily_loss_perc, bot.daily_target_perc)
    )


def _has_traded_on(bot: BotConfig, day: date, *, before_ms: int) -> bool:
    same_day = Trade.objects.filter(bot_config=bot, timestamp__lt=instant_of(before_ms))
    return bool(same_day.filter(timestamp__gte=instant_of(before_ms // DAY_MS * DAY_MS)).exists())


def deals_in(bot: BotConfig, stretch: Stretch) -> list[Deal]:
    """The trades of positions that began in the stretch, in order of time. One at its very end belongs to a candle that
    is not over."""
    trades = Trade.objects.filter(
        bot_config=bot,
        position__opened_at__gte=instant_of(stretch.start_ms),
        timestamp__lt=instant_of(stretch.end_ms),
    )
    return [
        Deal(
            at_ms=ms_of(trade.timestamp),
            side=BUY if trade.side == Side.BUY else SELL,
            reason=trade.reason,
            price_e8=e8_from_decimal(trade.quote_quantity_filled)
            * E8
            // e8_from_decimal(trade.quantity_filled),
            quantity_e8=e8_from_decimal(trade.quantity_filled),
            commission_e8=e8_from_decimal(trade.commission_amount),
            commission_is_base=trade.commission_asset == bot.base_asset,
        )
        for trade in trades.order_by("timestamp", "pk")
    ]


def said_in(bot: BotConfig, stretch: Stretch) -> list[Said]:
    length = interval_ms(bot.timeframe)
    rows = Decision.objects.filter(
        bot_config=bot, config_version=bot.version, candle_open_ms__gte=stretch.start_ms - length
    )
    found = rows.order_by("candle_open_ms", "pk").values_list("candle_open_ms", "action", "reason")
    return [Said(*row) for row in found]


def missed_in(bot: BotConfig, stretch: Stretch, said: list[Said]) -> list[tuple[int, int]]:
    """Stretches (from, until) in which the bot was kept from entering: by what its decisions say, by an entry that came
    to nothing, by its user's stop."""
    length = interval_ms(bot.timeframe)
    acts = [row.open_ms + length for row in said]
    until = [*acts[1:], stretch.end_ms]
    kept = [
        (at_ms, max(until_ms, at_ms + length))
        for row, at_ms, until_ms in zip(said, acts, until, strict=True)
        if row.reason in KEPT_BY
    ]
    failed = Order.objects.filter(bot_config=bot, purpose=Purpose.ENTRY, state__in=CAME_TO_NOTHING)
    opened = failed.exclude(decision=None).values_list("decision__candle_open_ms", flat=True)
    lost = [(open_ms + length, open_ms + 2 * length) for open_ms in opened]
    return [*kept, *lost, *_stopped(bot, stretch)]


def _stopped(bot: BotConfig, stretch: Stretch) -> list[tuple[int, int]]:
    """From a stop to the next start, by the clock on the wall: the market's own, but where a driver steps it."""
    entries = AuditEntry.objects.filter(
        subject_kind=BotConfig._meta.model_name,
        subject_id=bot.pk,
        event__in=(AuditEvent.BOT_STARTED, AuditEvent.BOT_STOPPED),
    )
    found: list[tuple[int, int]] = []
    stopped_ms: int | None = None
    for event, at in entries.order_by("at", "pk").values_list("event", "at"):
        if event == AuditEvent.BOT_STOPPED:
            stopped_ms = ms_of(at) if stopped_ms is None else stopped_ms
        elif stopped_ms is not None:
            found.append((stopped_ms, ms_of(at)))
            stopped_ms = None
    return found if stopped_ms is None else [*found, (stopped_ms, stretch.end_ms)]
