"""Where in the recording the stepped markets of the tests begin: the same minute for every run, on whatever day.

A test that trades on what the market does next then sees the same candles today and in a year.
"""

from __future__ import annotations

from typing import Final

# A lively hour: Wednesday, 2025-06-18 13:00 UTC as recorded.
RECORDED_MS: Final = 1_750_251_600_000
WEEK_MS: Final = 7 * 24 * 3_600_000


def beginning_ms(now_ms: int) -> int:
    """The last instant before now that lies whole weeks after the recorded one: market time, never in the future."""
    return RECORDED_MS + (now_ms - RECORDED_MS) // WEEK_MS * WEEK_MS
