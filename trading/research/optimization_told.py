"""A finished search as text for a terminal: the best sets where they were chosen and where not, and the verdict."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any, Final

from django.utils.translation import gettext as _

from trading.models.optimization import Optimization, Trial
from trading.research.optimizations import ranked
from trading.research.told import percent, verdict_lines

MOST_SHOWN: Final = 10


def told(row: Optimization) -> str:
    """Of one that is done."""
    parts = [_heading(row), _board(row), _walk(row), _judged(row)]
    ending = _("Past results on recorded prices say nothing about future ones.")
    return "\n\n".join("\n".join(part) for part in (*map(list, parts), [ending]) if part)


def leaders(row: Optimization) -> list[Trial]:
    """The best sets that were ranked."""
    return list(ranked(row).filter(score__isnull=False)[:MOST_SHOWN])


def _heading(row: Optimization) -> Iterator[str]:
    yield row.name
    yield _("  %(symbol)s %(timeframe)s, %(start)s to %(end)s UTC") % {
        "symbol": row.symbol,
        "timeframe": row.timeframe,
        "start": f"{row.start_at:%Y-%m-%d %H:%M}",
        "end": f"{row.end_at:%Y-%m-%d %H:%M}",
    }
    yield _("  chosen on what lies before %(split)s UTC; what comes after was held back") % {
        "split": f"{row.split_at:%Y-%m-%d %H:%M}"
    }
    yield _("  %(tried)s sets tried, %(method)s; best by: %(objective)s") % {
        "tried": f"{row.tried:,}",
        "method": row.get_method_display(),
        "objective": row.get_objective_display(),
    }


def _board(row: Optimization) -> Iterator[str]:
    sets = leaders(row)
    if not sets:
        yield _(
            "No set could be ranked: none has a score from %(count)s positions or more where it is chosen. Take a "
            "longer period, or ask for fewer positions."
        ) % {"count": max(row.min_positions, 1)}
        return
    sides = [_("Return"), _("Drawdown"), _("Positions")]
    heads = [_("Set"), _("Score"), *(f"{_('Chosen on')}: {sides[0]}", *sides[1:])]
    heads += [f"{_('Held back')}: {sides[0]}", *sides[1:]]
    lines = [[str(one.number), f"{one.score:,.3f}", *_side(one.inside), *_side(one.outside)] for one in sets]
    widths = [max(map(len, column)) for column in zip(heads, *lines, strict=True)]
    yield _aligned(heads, widths)
    for one, line in zip(sets, lines, strict=True):
        values = ", ".join(f"{name} {value}" for name, value in one.values.items())
        yield f"{_aligned(line, widths)}  {values}" + (f"  ({_('parts ways')})" if one.parts_ways else "")


def _walk(row: Optimization) -> Iterator[str]:
    """What was best in each window, and what that did on the next stretch."""
    for pair in row.best.get("walk", []) if row.windows else []:
        yield _(
            "  Window %(window)s: set %(set)s, %(inside)s where chosen, %(outside)s on the next stretch"
        ) % {
            "window": pair["window"]["number"],
            "set": pair["chosen"],
            "inside": percent(pair["inside"]["total_return"]),
            "outside": percent(pair["outside"]["total_return"]),
        }


def _judged(row: Optimization) -> Iterator[str]:
    if not row.best:
        return
    yield _("Set %(number)s over the whole period: %(result)s, deepest fall %(fall)s") % {
        "number": row.best["number"],
        "result": percent(row.best["statistics"]["total_return"]),
        "fall": percent(row.best["statistics"]["max_drawdown"]),
    }
    yield from verdict_lines(row.best["examination"]["verdict"])


def _side(found: dict[str, Any]) -> list[str]:
    return [percent(found["total_return"]), percent(found["max_drawdown"]), f"{found['positions']:,}"]


def _aligned(texts: Sequence[str], widths: Sequence[int]) -> str:
    return "  " + "  ".join(text.rjust(width) for text, width in zip(texts, widths, strict=True))
