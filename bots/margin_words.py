"""What a configuration on futures does that one on spot does not, in plain words: leverage, and going short."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from decimal import Decimal
from typing import Any, Final

from django.utils.translation import gettext as _

from bots.models import Direction
from bots.wording import money, plain
from engine.amounts import percent_from_e6
from engine.sizing import RESERVE_E6
from exchange.models import Market

type Values = Mapping[str, Any]

CENT: Final = Decimal("0.01")
# The usual taker fee of futures.
TAKER_PERCENT: Final = Decimal("0.05")


def is_futures(values: Values) -> bool:
    return bool(values.get("market", values.get("position_type")) == Market.FUTURES)


def round_trip_percent(values: Values) -> Decimal:
    """Taker fees of an entry and its exit, of what the position is worth."""
    return 2 * _taker(values)


def worth_of(stake: Decimal, values: Values) -> Decimal:
    """What a position of this stake is worth on futures."""
    leverage = Decimal(values["leverage"])
    return stake * leverage / (1 + leverage * (_taker(values) + percent_from_e6(RESERVE_E6)) / 100)


def _taker(values: Values) -> Decimal:
    given = values.get("taker_fee_perc")
    return TAKER_PERCENT if given is None else Decimal(given)


def which_way(values: Values) -> Iterator[str]:
    """How to read what the strategy's words say of buying and selling."""
    if values["direction"] == Direction.SHORT:
        yield _(
            "It goes short only: where the strategy sells it opens a position, where it buys it closes it."
        )
    elif values["direction"] == Direction.BOTH:
        yield _("It goes long and short: where the strategy sells it also goes short, until it buys again.")


def what_it_is_worth(stake: Decimal, values: Values) -> str:
    return _("With leverage %(leverage)s such a position is worth about %(amount)s.") % {
        "leverage": values["leverage"],
        "amount": money(worth_of(stake, values).quantize(CENT), values["quote_asset"]),
    }


def how_it_gets_out(stake: Decimal, values: Values) -> Iterator[str]:
    """Stop, target and trailing stop of a position that may be either way, with what they mean in money."""
    stop, target, trail = (
        values.get(name) for name in ("stop_loss_perc", "take_profit_perc", "trailing_stop_perc")
    )
    worth, fees, asset = worth_of(stake, values), round_trip_percent(values), values["quote_asset"]
    if stop is not None:
        loss = (worth * (stop + fees) / 100).quantize(CENT)
        text = _(
            "If the price moves %(percent)s %% against it, it closes: a loss of about %(amount)s with fees."
        )
        yield text % {"percent": plain(stop), "amount": money(loss, asset)}
    if target is not None:
        gain = (worth * (target - fees) / 100).quantize(CENT)
        text = (
            _("If it moves %(percent)s %% in its favour, it closes: a gain of about %(amount)s after fees.")
            if gain > 0
            else _("If it moves %(percent)s %% in its favour, it closes, which does not even pay the fees.")
        )
        yield text % {"percent": plain(target), "amount": money(gain, asset)}
    if trail is not None:
        text = _("A stop follows the best price at %(percent)s %%, and never moves away from it again.")
        yield text % {"percent": plain(trail)}
