"""Ready-made configurations for the form and the demo: timeframe, strategy, parameters, share of the capital.

`entries_per_day` is what the signals of each made of the 90 recorded days shipped with the sandbox (BTCUSDT and
ETHUSDT), before stops and targets were added: it says how busy such a bot is, not what it earns.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal
from types import MappingProxyType
from typing import Any, Final

from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _


@dataclass(frozen=True, slots=True)
class Preset:
    """`values` are configuration fields; name, key, symbol and capital are the user's to give."""

    name: str
    title: str | Promise
    summary: str | Promise
    values: Mapping[str, Any]
    entries_per_day: float


class UnknownPreset(KeyError):
    """No preset of that name exists."""


def _crossing(
    timeframe: str, fast: int, slow: int, *, share: int, rsi: tuple[int, int], **exits: str
) -> Mapping[str, Any]:
    """An EMA bot's values; RSI limits of 0 and 100 stop nothing. `exits` are percentages: stop, target, trail."""
    params = {"ema_fast": fast, "ema_slow": slow, "ema_period": None, "rsi_period": 7}
    return MappingProxyType(
        {
            "timeframe": timeframe,
            "strategy": "ema",
            "strategy_params": {**params, "rsi_oversold": rsi[0], "rsi_overbought": rsi[1]},
            "position_size_perc": Decimal(share),
            **{f"{name}_perc": Decimal(percent) for name, percent in exits.items()},
        }
    )


WIDE: Final = (0, 100)
USUAL: Final = (35, 65)
# The busy ones stake a tenth of their capital: fees take what they trade for.
PRESETS: Final = (
    Preset(
        name="first-look",
        title=_("First look"),
        summary=_(
            "Trades about every ten minutes, so that you soon see everything work. It pays far more in fees."
        ),
        values=_crossing("1m", 2, 5, share=10, rsi=WIDE, stop_loss="1", take_profit="1.5"),
        entries_per_day=133,
    ),
    Preset(
        name="quick",
        title=_("Quick"),
        summary=_("Follows the shortest moves of one-minute candles, about six times an hour."),
        values=_crossing("1m", 2, 4, share=10, rsi=WIDE, trailing_stop="0.6"),
        entries_per_day=148,
    ),
    Preset(
        name="eager",
        title=_("Eager"),
        summary=_("Follows short moves of one-minute candles, about four times an hour."),
        values=_crossing("1m", 3, 6, share=10, rsi=WIDE, stop_loss="1"),
        entries_per_day=101,
    ),
    Preset(
        name="swing",
        title=_("Swing"),
        summary=_("Waits a little longer than the quick ones before it follows a one-minute move."),
        values=_crossing("1m", 3, 8, share=10, rsi=WIDE, stop_loss="1", take_profit="2"),
        entries_per_day=88,
    ),
    Preset(
        name="restless",
        title=_("Restless"),
        summary=_(
            "Turns with almost every one-minute move, about nine times an hour: something to watch, not to keep."
        ),
        values=_crossing("1m", 1, 3, share=10, rsi=WIDE, stop_loss="1"),
        entries_per_day=226,
    ),
    Preset(
        name="steady",
        title=_("Steady"),
        summary=_(
            "Follows moves of five-minute candles unless they have run too far: about three entries a day."
        ),
        values=_crossing("5m", 8, 21, share=100, rsi=USUAL, stop_loss="2", take_profit="4"),
        entries_per_day=2.8,
    ),
    Preset(
        name="calm",
        title=_("Calm"),
        summary=_(
            "Follows moves of quarter-hour candles unless they have run too far: about one entry a day."
        ),
        values=_crossing("15m", 8, 21, share=100, rsi=USUAL, stop_loss="3", trailing_stop="2"),
        entries_per_day=1.1,
    ),
    Preset(
        name="patient",
        title=_("Patient"),
        summary=_("Follows moves of hourly candles, about every second day; the fees hardly count."),
        values=_crossing("1h", 8, 21, share=100, rsi=(25, 75), stop_loss="5", take_profit="10"),
        entries_per_day=0.5,
    ),
)


def preset(name: str) -> Preset:
    for found in PRESETS:
        if found.name == name:
            return found
    raise UnknownPreset(name)


def preset_of(timeframe: str, strategy: str, params: Mapping[str, Any]) -> Preset | None:
    """The preset that signals exactly as this configuration does, whatever it stakes."""
    for found in PRESETS:
        values = found.values
        if (values["timeframe"], values["strategy"], values["strategy_params"]) == (
            timeframe,
            strategy,
            params,
        ):
            return found
    return None
