"""What a bot will do, in plain words, from its configuration; and what its owner should think about first."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Any, Final

from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from bots.models import Timeframe
from bots.presets import preset_of
from bots.wording import money, plain

# Spot taker fees of an entry and its exit, in percent of the stake (0.1 % each way).
ROUND_TRIP_PERCENT: Final = Decimal("0.2")
# From here on the fees of a day are worth a warning (percent of the stake).
COSTLY_PERCENT: Final = Decimal(1)
# SPEC §4.1: EMA 8/21 with RSI 7 on one-minute candles.
DEFAULT_ON_MINUTES: Final = {
    "ema_fast": 8, "ema_slow": 21, "ema_period": None, "rsi_period": 7, "rsi_oversold": 35, "rsi_overbought": 65,
}  # fmt: skip
DEFAULT_ON_MINUTES_PER_DAY: Final = 17.0


@dataclass(frozen=True, slots=True)
class Summary:
    """`sentences` say what it does, `warnings` what speaks against it."""

    sentences: tuple[str, ...]
    warnings: tuple[str, ...]

    def __str__(self) -> str:
        return " ".join(self.sentences)


def summarize(values: Mapping[str, Any]) -> Summary:
    """From a checked configuration (see `bots.validation.check_configuration`), or the same fields of a bot."""
    often = entries_per_day(values["timeframe"], values["strategy"], values["strategy_params"])
    sentences = [_what_it_watches(values), *_when_it_trades(values), _what_it_stakes(values)]
    if values["stop_loss_perc"] is None:
        sentences.append(_("It has no stop loss: only the strategy's own signal closes a position."))
    warnings = []
    if often is not None:
        sentences.append(_how_often(often))
        fees = Decimal(str(often)) * ROUND_TRIP_PERCENT
        if fees >= COSTLY_PERCENT:
            warnings.append(
                _("Fees alone cost about %(percent)s %% of what it stakes every day.")
                % {"percent": round(fees)}
            )
    if values["take_profit_perc"] is not None and values["take_profit_perc"] < 3 * ROUND_TRIP_PERCENT:
        warnings.append(
            _("The target is less than three times the fees of a round trip (%(fees)s %%).")
            % {"fees": plain(ROUND_TRIP_PERCENT)}
        )
    return Summary(tuple(sentences), tuple(warnings))


def entries_per_day(timeframe: str, strategy: str, params: Mapping[str, Any]) -> float | None:
    """How often such a bot enters, where it has been measured; None where only a backtest would tell."""
    if (timeframe, strategy, params) == (Timeframe.M1, "ema", DEFAULT_ON_MINUTES):
        return DEFAULT_ON_MINUTES_PER_DAY
    known = preset_of(timeframe, strategy, params)
    return known.entries_per_day if known else None


def _what_it_watches(values: Mapping[str, Any]) -> str:
    return _("At the close of every candle (%(timeframe)s) it looks at %(symbol)s.") % {
        "timeframe": Timeframe(values["timeframe"]).label,
        "symbol": values["symbol"],
    }


def _when_it_trades(values: Mapping[str, Any]) -> list[str]:
    """Only strategies this module has words for are described; the form shows every strategy's own summary."""
    if values["strategy"] != "ema":
        return []
    params = values["strategy_params"]
    entry = _(
        "It buys when the average of %(fast)s candles crosses above that of %(slow)s while RSI (%(period)s) is below "
        "%(limit)s."
    )
    words = {
        "fast": params["ema_fast"],
        "slow": params["ema_slow"],
        "period": params["rsi_period"],
        "limit": params["rsi_overbought"],
    }
    exit_ = _("It sells when it crosses back below while RSI is above %(limit)s.")
    sentences = [entry % words, exit_ % {"limit": params["rsi_oversold"]}]
    if params["ema_period"] is not None:
        trend = _("It buys only above the average of %(period)s candles.")
        sentences.insert(1, trend % {"period": params["ema_period"]})
    return sentences


def _what_it_stakes(values: Mapping[str, Any]) -> str:
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


def _how_often(per_day: float) -> str:
    if per_day >= 1:
        count = round(per_day)
        return ngettext(
            "Such a bot enters about %(count)s time a day.",
            "Such a bot enters about %(count)s times a day.",
            count,
        ) % {"count": count}
    return _("Such a bot enters about every %(days)s days.") % {"days": round(1 / per_day)}
