"""Stop, target and trailing stop of an open position, moved by hand: checked against side, last price and tick, then
written down for `protection` to bring to the exchange.

The exchange is asked for its price before the transaction; what the position is, is read under its bot's state row.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Any, Final

import structlog
from django.db import transaction
from django.utils.translation import gettext as _

from accounts import audit, live
from accounts.models import AuditEvent
from bots import parsing
from bots.lifecycle import LifecycleRefused
from bots.models import BotConfig, BotState
from bots.validation import ConfigurationRefused
from bots.wording import plain
from engine.amounts import decimal_from_e8, e8_from_decimal
from engine.rules import SymbolRules
from exchange.connect import market_data
from exchange.port import ExchangeError
from exchange.symbols import UnknownSymbol, rules_for
from trading.models import Position
from trading.models.money import PositionAction
from trading.orders.protection import move_exits, wake

logger = structlog.get_logger(__name__)

STOPS: Final = ("stop_loss_price", "trailing_stop_price")
TARGET: Final = "take_profit_price"
EXIT_FIELDS: Final = ("stop_loss_price", TARGET, "trailing_stop_price")


@dataclass(frozen=True, slots=True)
class Wish:
    """New exit prices, read and checked against the market; None takes an exit away."""

    prices: Mapping[str, Decimal | None]

    @property
    def is_empty(self) -> bool:
        return not self.prices


def change_exit_prices(bot: BotConfig, given: Mapping[str, Any], *, by: Any) -> None:
    """Move the exits named in `given` (see EXIT_FIELDS); the others stay. Raises ConfigurationRefused (a message per
    field) or LifecycleRefused, and then nothing has changed."""
    wish = read_wish(bot, given)
    with transaction.atomic():
        carry_out(bot, wish, by=by)


def read_wish(bot: BotConfig, given: Mapping[str, Any]) -> Wish:
    """Everything that can be said before the position is locked. May ask the exchange."""
    errors: dict[str, str] = {}
    prices = {}
    for name, raw in given.items():
        if name not in EXIT_FIELDS:
            errors[name] = _("This is no exit price.")
            continue
        try:
            prices[name] = _read(name, raw)
        except parsing.Unreadable as wrong:
            errors[name] = str(wrong)
    if errors:
        raise ConfigurationRefused(errors)
    if prices:
        _check_movable(Position.objects.open().filter(bot_config_id=bot.pk).first(), prices)
    wanted = {name: price for name, price in prices.items() if price is not None}
    if wanted:
        last, rules = _market(bot)
        errors = {name: text for name in wanted if (text := _objection(name, wanted[name], last, rules))}
    if errors:
        raise ConfigurationRefused(errors)
    return Wish(prices)


def carry_out(bot: BotConfig, wish: Wish, *, by: Any) -> None:
    """Write the wish down, inside the caller's transaction, and have it brought to the exchange after the commit."""
    if wish.is_empty:
        return
    state = BotState.objects.select_for_update().get(pk=bot.pk)
    position = Position.objects.open().filter(bot_config_id=bot.pk).first()
    _check_movable(position, wish.prices)
    assert position is not None  # else the check has refused
    before = {name: getattr(state, name) for name in EXIT_FIELDS}
    changed = {name: price for name, price in wish.prices.items() if price != before[name]}
    if not changed:
        return
    if changed.get("trailing_stop_price", ...) is None:
        # Without its distance no candle brings the trail back.
        position.trailing_stop_perc = None
        position.save(update_fields=["trailing_stop_perc", "updated_at"])
    names = {
        "stop_loss_price": "stop_loss_price",
        "trailing_stop_price": "trailing_stop_price",
        TARGET: "target_price",
    }
    move_exits(position, state, **{names[name]: price for name, price in changed.items()})
    audit.record(AuditEvent.EXIT_PRICES_CHANGED, bot, by=by, **audit.changes(before, changed))
    wake(position.pk)
    transaction.on_commit(lambda: live.publish(bot.user_id, f"bot-{bot.pk}", "dashboard"))
    logger.info("exit_prices_changed", bot_config_id=bot.pk, by=by.pk, fields=sorted(changed))


def _read(name: str, raw: Any) -> Decimal | None:
    """A price, or None. A stop is not taken away by a field left blank: only null says so."""
    if name in STOPS and isinstance(raw, str) and not raw.strip():
        raise parsing.Unreadable(_("Say null to take this stop away."))
    price = parsing.amount(raw)
    if price is not None and price <= 0:
        raise parsing.Unreadable(_("A price is more than 0."))
    return price


def _market(bot: BotConfig) -> tuple[Decimal, SymbolRules]:
    """The last price and the symbol's rules, as the exchange says now. No transaction is open here."""
    bot = BotConfig.objects.select_related("account").get(pk=bot.pk)
    try:
        rules, _version = rules_for(bot.account.venue, bot.position_type, bot.symbol)
        return decimal_from_e8(market_data(bot.account.venue).price_e8(bot.symbol)), rules
    except (ExchangeError, UnknownSymbol) as error:
        logger.warning("exits_without_exchange", bot_config_id=bot.pk, cause=str(error))
        message = _("The exchange does not answer, so the price cannot be checked. Nothing was changed.")
        raise LifecycleRefused(503, message) from None


def _objection(name: str, price: Decimal, last: Decimal, rules: SymbolRules) -> str:
    numbers = {"last": plain(last), "tick": plain(decimal_from_e8(rules.tick_e8)), "symbol": rules.symbol}
    if name in STOPS and price >= last:
        return _("A stop lies below the last price (%(last)s).") % numbers
    if name == TARGET and price <= last:
        return _("A target lies above the last price (%(last)s).") % numbers
    if e8_from_decimal(price) % rules.tick_e8:
        return _("%(symbol)s has prices in steps of %(tick)s.") % numbers
    lowest, highest = (decimal_from_e8(bound) for bound in (rules.sell_price_down_e8, rules.sell_price_up_e8))
    if not last * lowest <= price <= last * highest:
        return _("This is too far from the last price (%(last)s) for %(symbol)s.") % numbers
    return ""


def _check_movable(position: Position | None, prices: Mapping[str, Decimal | None]) -> None:
    if position is None:
        raise ConfigurationRefused(dict.fromkeys(prices, _("This bot holds no position.")))
    if position.action == PositionAction.EXIT:
        raise LifecycleRefused(409, _("The position is already being closed."))
    if prices.get("trailing_stop_price") is not None and position.trailing_stop_perc is None:
        message = _("This position was opened without a trailing stop; there is no distance to follow at.")
        raise ConfigurationRefused({"trailing_stop_price": message})
