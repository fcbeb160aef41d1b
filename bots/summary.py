"""What a bot will do, in plain words, from its configuration; and what its owner should think about first."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Any, Final

from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from bots import margin_words
from bots.models import Direction, Timeframe
from bots.presets import preset_of
from bots.strategy_words import when_it_trades
from bots.wording import money, plain

# Spot taker fees of an entry and its exit, in percent of the stake (0.1 % each way).
ROUND_TRIP_PERCENT: Final = Decimal("0.2")
# From here on the fees of a day are worth a warning (percent of the stake).
COSTLY_PERCENT: Final = Decimal(1)
CENT: Final = Decimal("0.01")
# SPEC §4.1: EMA 8/21 with RSI 7 on one-minute candles.
DEFAULT_ON_MINUTES: Final = {
    "ema_fast": 8, "ema_slow": 21, "ema_period": None, "rsi_period": 7, "rsi_oversold": 35, "rsi_overbought": 65,
}  # fmt: skip
DEFAULT_ON_MINUTES_PER_DAY: Final = 17.0

type Values = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Summary:
    """`sentences` say what it does, `warnings` what speaks against it."""

    sentences: tuple[str, ...]
    warnings: tuple[str, ...]

    def __str__(self) -> str:
        return " ".join(self.sentences)


def summarize(values: Values) -> Summary:
    """From a checked configuration (see `bots.validation.check_configuration`), or the same fields of a bot."""
    often = entries_per_day(values["timeframe"], values["strategy"], values["strategy_params"])
    if values.get("direction", Direction.LONG) != Direction.LONG:
        # It was measured of bots that go long.
        often = None
    sentences = [
        _what_it_watches(values),
        *when_it_trades(values["strategy"], values["strategy_params"]),
        *(margin_words.which_way(values) if margin_words.is_futures(values) else ()),
        _what_it_stakes(values),
        *_how_it_gets_out(values),
        *_when_it_rests(values),
        *([] if often is None else [_how_often(often)]),
    ]
    return Summary(tuple(sentences), tuple(_warnings(values, often)))


def entries_per_day(timeframe: str, strategy: str, params: Mapping[str, Any]) -> float | None:
    """How often such a bot enters, where it has been measured; None where only a backtest would tell."""
    if (timeframe, strategy, params) == (Timeframe.M1, "ema", DEFAULT_ON_MINUTES):
        return DEFAULT_ON_MINUTES_PER_DAY
    known = preset_of(timeframe, strategy, params)
    return known.entries_per_day if known else None


def stake_of(values: Values) -> Decimal:
    """What its first entry would stake, in quote money."""
    capital = Decimal(values["initial_capital"])
    if values["position_size_fixed"] is not None:
        return min(Decimal(values["position_size_fixed"]), capital)
    return capital * (values["position_size_perc"] or Decimal(100)) / 100


def _what_it_watches(values: Values) -> str:
    return _("At the close of every candle (%(timeframe)s) it looks at %(symbol)s.") % {
        "timeframe": Timeframe(values["timeframe"]).label,
        "symbol": values["symbol"],
    }


def _what_it_stakes(values: Values) -> str:
    asset, capital = values["quote_asset"], values["initial_capital"]
    if values["position_size_fixed"] is not None:
        return _("Each entry stakes %(amount)s of its %(capital)s.") % {
            "amount": money(values["position_size_fixed"], asset),
            "capital": money(capital, asset),
        }
    percent = values["position_size_perc"] or Decimal(100)
    return _("Each entry stakes %(percent)s %% of its capital, at first %(amount)s.") % {
        "percent": plain(percent),
        "amount": money(capital * percent / 100, asset),
    }


def _how_it_gets_out(values: Values) -> Iterator[str]:
    """Stop, target and trailing stop, with what they mean in money for a first stake."""
    stop, target, trail = (values.get(name) for name in EXITS)
    stake, asset = stake_of(values), values["quote_asset"]
    if margin_words.is_futures(values):
        yield margin_words.what_it_is_worth(stake, values)
        yield from margin_words.how_it_gets_out(stake, values)
        return
    if stop is not None:
        loss = _cents(stake * (stop + ROUND_TRIP_PERCENT) / 100)
        yield _(
            "If the price falls %(percent)s %% below the entry it sells: a loss of about %(amount)s with fees."
        ) % {"percent": plain(stop), "amount": money(loss, asset)}
    if target is not None:
        gain = _cents(stake * (target - ROUND_TRIP_PERCENT) / 100)
        text = (
            _("If it rises %(percent)s %% above the entry it sells: a gain of about %(amount)s after fees.")
            if gain > 0
            else _("If it rises %(percent)s %% above the entry it sells, which does not even pay the fees.")
        )
        yield text % {"percent": plain(target), "amount": money(gain, asset)}
    if trail is not None:
        yield _("A stop follows the highest price %(percent)s %% below it, and never goes down again.") % {
            "percent": plain(trail)
        }
    # What is tried on recorded candles (`source`) lies nowhere.
    if (stop, target, trail) != (None, None, None) and "source" not in values:
        yield _("These orders lie on the exchange: they hold while TradeBot is switched off.")


EXITS: Final = ("stop_loss_perc", "take_profit_perc", "trailing_stop_perc")


def _when_it_rests(values: Values) -> Iterator[str]:
    asset, capital = values["quote_asset"], values["initial_capital"]
    trades, loss, gain = (
        values.get(name) for name in ("max_daily_trades", "max_daily_loss_perc", "daily_target_perc")
    )
    if trades is not None:
        text = ngettext(
            "After %(count)s entry in a day it rests until midnight UTC.",
            "After %(count)s entries in a day it rests until midnight UTC.",
            trades,
        )
        yield text % {"count": trades}
    if loss is not None:
        text = _("After losing %(percent)s %% (%(amount)s) in a day it rests until midnight UTC.")
        yield text % {"percent": plain(loss), "amount": money(_cents(capital * loss / 100), asset)}
    if gain is not None:
        text = _("After gaining %(percent)s %% (%(amount)s) in a day it rests until midnight UTC.")
        yield text % {"percent": plain(gain), "amount": money(_cents(capital * gain / 100), asset)}
    if candles := values.get("cooldown_candles"):
        text = ngettext(
            "After an exit it waits %(count)s candle before it may buy again.",
            "After an exit it waits %(count)s candles before it may buy again.",
            candles,
        )
        yield text % {"count": candles}
    if (slippage := values.get("max_slippage_perc")) is not None:
        text = _("It drops an entry that would cost %(percent)s %% more than the price of its signal.")
        yield text % {"percent": plain(slippage)}


def _how_often(per_day: float) -> str:
    if per_day >= 1:
        count = round(per_day)
        return ngettext(
            "Such a bot enters about %(count)s time a day.",
            "Such a bot enters about %(count)s times a day.",
            count,
        ) % {"count": count}
    return _("Such a bot enters about every %(days)s days.") % {"days": round(1 / per_day)}


def _round_trip(values: Values) -> Decimal:
    return margin_words.round_trip_percent(values) if margin_words.is_futures(values) else ROUND_TRIP_PERCENT


def _warnings(values: Values, often: float | None) -> Iterator[str]:
    fees = _round_trip(values)
    stop, target, trail = (values.get(name) for name in EXITS)
    if stop is None and trail is None:
        yield _("It has no stop: only the strategy's own signal ends a losing position.")
    if stop is not None and trail is not None and trail <= stop:
        yield _("The trailing stop is always closer than the stop loss, so that the stop loss never acts.")
    per_stake = fees * (Decimal(values["leverage"]) if margin_words.is_futures(values) else 1)
    if often is not None and Decimal(str(often)) * per_stake >= COSTLY_PERCENT:
        yield _("Fees alone cost about %(percent)s %% of what it stakes every day.") % {
            "percent": round(Decimal(str(often)) * per_stake)
        }
    if target is not None and target < 3 * fees:
        yield _("The target is less than three times the fees of a round trip (%(fees)s %%).") % {
            "fees": plain(fees)
        }


def _cents(amount: Decimal) -> Decimal:
    return amount.quantize(CENT)
