"""How many values an average needs until it no longer knows where the window began (SPEC §5.1)."""

from typing import Final

import numpy as np

# After this many e-foldings the seed of an average weighs 1e-14: what a window computes and what the
# full history computes agree far beyond the 1e-9 that live trading promises, also where the seed was
# a thousand times larger than the value.
_FORGETTING: Final = 32.3


def sma_window(length: int) -> int:
    return length


def bollinger_window(length: int) -> int:
    return length


def volume_ratio_window(length: int) -> int:
    return length


def ema_window(length: int) -> int:
    return length + _memory(2.0 / (length + 1))


def rsi_window(length: int) -> int:
    return length + 1 + _memory(1.0 / length)


def atr_window(length: int) -> int:
    return length + 1 + _memory(1.0 / length)


def macd_window(fast: int, slow: int, smooth: int) -> int:
    """First the averages must have forgotten, then the average of their difference."""
    return ema_window(max(fast, slow)) + ema_window(smooth)


def _memory(weight: float) -> int:
    return 1 if weight >= 1.0 else int(np.ceil(_FORGETTING / -np.log1p(-weight)))
