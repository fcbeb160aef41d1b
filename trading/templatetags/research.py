"""How backtests are printed: ratios in percent, their state and their verdict in words and colours."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

from django import template

from trading.backtest_pages import figures
from trading.backtest_pages.fields import SOURCE_NAMES, SOURCE_TITLES
from trading.backtest_pages.report import COLOURS, level_title
from trading.templatetags.figures import rounded

register = template.Library()
register.filter("share", figures.share)
register.filter("change", figures.change)
register.filter("grouped", figures.count)
register.filter("level_title", level_title)

STATUS_COLOURS = {"queued": "azure", "running": "azure", "done": "green", "failed": "red"}


@register.filter
def score(value: float, places: int = 3) -> str:
    """An objective, of whatever unit."""
    return rounded(Decimal(repr(value)), places)


@register.filter
def level_colour(level: str) -> str:
    return COLOURS.get(level, "secondary")


@register.filter
def run_colour(status: str) -> str:
    return STATUS_COLOURS.get(status, "secondary")


@register.filter
def source_title(source: str) -> Any:
    """Whose candles, in words."""
    return SOURCE_TITLES.get(source, source)  # type: ignore[call-overload]


@register.filter
def source_name(source: str) -> Any:
    """The same in a word or two."""
    return SOURCE_NAMES.get(source, source)  # type: ignore[call-overload]
