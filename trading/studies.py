"""What can be laid over a chart beside a strategy's own averages: indicators of pandas-ta's catalogue.

The research worker computes them, because pandas would cost the web process 150 MB; the lines come by way of Redis.
With Redis or that worker away the chart simply has no overlay.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from django.http import Http404
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from bots.models import BotConfig
from engine.indicators import study
from engine.market import Candles, FloatArray, last_closed_opening
from exchange import candles as store
from exchange.cache import cache
from exchange.connect import market_data
from trading.chart import SHOWN, ChartSeries, points
from trading.waking import is_research_there, queue


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
DRAW_TASK: Final = "trading.draw_overlay"
KEPT_SECONDS: Final = 120.0
# Many pages asking for the same lines wake one worker.
ASKED_SECONDS: Final = 5.0
ASKED_FOR_SECONDS: Final = 30.0
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


def overlay_of(bot: BotConfig, name: str, *, now_ms: int) -> dict[str, Any]:
    """`study_of` what the bot trades."""
    series = ChartSeries(bot.api_key.venue, bot.position_type, bot.symbol, bot.timeframe)
    return study_of(series, name, now_ms=now_ms)


def study_of(series: ChartSeries, name: str, *, now_ms: int) -> dict[str, Any]:
    """`lines` over the newest closed candles, [] and `is_pending` while a worker is still at it. Raises Http404 for a
    name that is not offered."""
    if name not in OVERLAYS:
        raise Http404
    until_ms = last_closed_opening(now_ms, series.interval)
    lines = cache().get(_key(series, name, until_ms))
    if lines is not None:
        return {"lines": lines, "is_pending": False}
    asked = f"overlay-asked:{_key(series, name, until_ms)}"
    if is_research_there() and cache().add(asked, ttl_seconds=int(ASKED_SECONDS)) == 1:
        queue(DRAW_TASK, list(series), name, until_ms, expires=ASKED_FOR_SECONDS)
    return {"lines": [], "is_pending": True}


def draw_overlay(series: ChartSeries, name: str, until_ms: int) -> int:
    """The worker's part: compute and leave the lines where the page finds them. Returns how many."""
    count = SHOWN + LEAD_IN
    store.sync(market_data(series.venue), *series.stored, count=count, until_open_ms=until_ms)
    candles = store.read(*series.stored, count=count, until_open_ms=until_ms)
    first = max(0, len(candles) - SHOWN)
    seconds = (candles.open_ms[first:] // 1000).tolist()
    lines = [
        {"name": label, "points": points(seconds, values[first:])}
        for label, values in lines_over(candles, name)
    ]
    cache().put(_key(series, name, until_ms), lines, ttl_seconds=KEPT_SECONDS)
    return len(lines)


def _key(series: ChartSeries, name: str, until_ms: int) -> str:
    return f"overlay:{':'.join(series)}:{name}:{until_ms}"
