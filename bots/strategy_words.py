"""When each of our strategies buys and sells, in the plain words of a bot's summary. A strategy that has none here, as
one of the user's own, is told by its own summary.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, Final

from django.utils.translation import gettext as _

from engine.strategies import UnknownStrategy, strategy


def when_it_trades(name: str, params: Mapping[str, Any]) -> list[str]:
    words = STRATEGIES_IN_WORDS.get(name)
    if words is not None:
        return words(params)
    try:
        return [_(strategy(name).summary)]
    except UnknownStrategy:
        return []


def _ema_in_words(params: Mapping[str, Any]) -> list[str]:
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


def _rsi_in_words(params: Mapping[str, Any]) -> list[str]:
    entry = _("It buys when RSI (%(period)s) climbs back above %(limit)s.")
    exit_ = _("It sells when RSI falls back below %(limit)s.")
    return [
        entry % {"period": params["rsi_period"], "limit": params["rsi_oversold"]},
        exit_ % {"limit": params["rsi_overbought"]},
    ]


def _macd_in_words(params: Mapping[str, Any]) -> list[str]:
    entry = _(
        "It buys when MACD, the average of %(fast)s candles less that of %(slow)s, crosses above its own average of "
        "%(signal)s candles."
    )
    lengths = {"fast": params["macd_fast"], "slow": params["macd_slow"], "signal": params["macd_signal"]}
    return [entry % lengths, _("It sells when MACD crosses back below.")]


def _bollinger_in_words(params: Mapping[str, Any]) -> list[str]:
    entry = _(
        "It buys when the price climbs back above the lower Bollinger Band: %(deviations)s deviations below the "
        "average of %(period)s candles."
    )
    band = {"deviations": params["bollinger_deviations"], "period": params["bollinger_period"]}
    return [entry % band, _("It sells when the price falls back below the upper band.")]


def _confluence_in_words(params: Mapping[str, Any]) -> list[str]:
    entry = _(
        "It buys when at least %(votes)s of five agree on a rise: EMA (%(fast)s above %(slow)s), RSI (%(period)s) "
        "between 50 and %(most)s, MACD above zero, the price in the upper half of its Bollinger Bands, and %(ratio)s "
        "times the usual volume."
    )
    words = {
        "votes": params["votes_needed"],
        "fast": params["ema_fast"],
        "slow": params["ema_slow"],
        "period": params["rsi_period"],
        "most": 50 + params["rsi_band"],
        "ratio": params["volume_ratio"],
    }
    return [entry % words, _("It sells when as many agree on a fall.")]


STRATEGIES_IN_WORDS: Final[Mapping[str, Callable[[Mapping[str, Any]], list[str]]]] = {
    "ema": _ema_in_words,
    "rsi": _rsi_in_words,
    "macd": _macd_in_words,
    "bollinger": _bollinger_in_words,
    "confluence": _confluence_in_words,
}
