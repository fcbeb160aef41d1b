"""What can be laid over a bot's chart beside its strategy's own averages: indicators of pandas-ta's catalogue."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from engine.indicators import study
from engine.market import Candles, FloatArray


@dataclass(frozen=True)
class Overlay:
    """`columns`: how the wanted columns of pandas-ta's answer begin, in drawing order, and what each is called."""

    title: str | Promise
    columns: Mapping[str, str]
    options: Mapping[str, Any] = field(default_factory=dict)


OVERLAYS: Final[Mapping[str, Overlay]] = {
    "bbands": Overlay(
        _("Bollinger Bands 20"), {"BBU": "BB+", "BBM": "BB", "BBL": "BB−"}, {"length": 20, "std": 2.0}
    ),
    "kc": Overlay(_("Keltner Channel 20"), {"KCU": "KC+", "KCB": "KC", "KCL": "KC−"}, {"length": 20}),
    "donchian": Overlay(
        _("Donchian Channel 20"),
        {"DCU": "DC+", "DCM": "DC", "DCL": "DC−"},
        {"lower_length": 20, "upper_length": 20},
    ),
    "hma": Overlay(_("Hull average 21"), {"HMA": "HMA"}, {"length": 21}),
    "vwma": Overlay(_("Volume-weighted average 20"), {"VWMA": "VWMA"}, {"length": 20}),
    "supertrend": Overlay(_("Supertrend 10"), {"SUPERT_": "ST"}, {"length": 10, "multiplier": 3.0}),
}
# Candles before the first one shown that these need to say the same as on the whole history, roughly.
LEAD_IN: Final = 100


def lines_over(candles: Candles, name: str) -> list[tuple[str, FloatArray]]:
    """(label, values) of one overlay, each as long as the candles; [] for a name that is not offered or too few."""
    overlay = OVERLAYS.get(name)
    if overlay is None:
        return []
    columns = study(name, candles, **overlay.options)
    found = []
    for beginning, label in overlay.columns.items():
        values = next((values for column, values in columns.items() if column.startswith(beginning)), None)
        if values is not None:
            found.append((label, values))
    return found
