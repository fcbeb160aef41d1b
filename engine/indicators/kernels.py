"""The arithmetic of the indicators, one loop each, by TA-Lib's conventions: averages are seeded with an SMA.

Plain Python and numba run this same text (`engine.indicators.running`), the former over lists, the latter over vectors,
and give the same bits. A kernel takes its inputs, its numbers, then what it fills; NaN where there is no value yet.
"""

from collections.abc import MutableSequence, Sequence
from math import nan, sqrt

type Values = Sequence[float]
type Filled = MutableSequence[float]

# What TA-Lib takes for no movement at all.
NOTHING = 1e-14


def sma(values: Values, length: int, out: Filled) -> None:
    """Mean of the last `length` values; first at index length - 1.

    Every mean is summed afresh, as distances from the newest value: rounding knows neither how many values came before
    nor where a window began, and a price that stands still is its own mean.
    """
    count = len(values)
    for n in range(min(length - 1, count)):
        out[n] = nan
    for n in range(length - 1, count):
        newest, total = values[n], 0.0
        for value in values[n - length + 1 : n]:
            total += value - newest
        out[n] = newest + total / length


def ema(values: Values, length: int, out: Filled) -> float:
    """α = 2 / (length + 1), seeded with the SMA of the first `length` values; first at index length - 1.

    Answers the newest of them (NaN where there is none), for whoever goes on from there.
    """
    count = len(values)
    for n in range(min(length - 1, count)):
        out[n] = nan
    if count < length:
        return nan
    total = 0.0
    for n in range(length):
        total += values[n]
    average = total / length
    out[length - 1] = average
    weight = 2.0 / (length + 1)
    rest = 1.0 - weight
    for n in range(length, count):
        average = weight * values[n] + rest * average
        out[n] = average
    return average


def rsi(values: Values, length: int, out: Filled) -> tuple[float, float]:
    """Wilder 1978: the share of gains in all movement, averaged; first at index `length`; 0 where nothing moved.

    Answers the newest averages of gains and of losses, for whoever goes on from there.
    """
    count = len(values)
    for n in range(min(length, count)):
        out[n] = nan
    if count <= length:
        return nan, nan
    gain = loss = 0.0
    for n in range(1, length + 1):
        change = values[n] - values[n - 1]
        risen = change if change > 0.0 else 0.0
        gain += risen
        loss += risen - change
    gain, loss = gain / length, loss / length
    out[length] = strength(gain, loss)
    weight = 1.0 / length
    rest = 1.0 - weight
    last = values[length]
    for n in range(length + 1, count):
        value = values[n]
        change = value - last
        last = value
        # No branch for the processor to guess: the sign of a change is a coin.
        risen = change if change > 0.0 else 0.0
        gain = rest * gain + weight * risen
        loss = rest * loss + weight * (risen - change)
        out[n] = strength(gain, loss)
    return gain, loss


def strength(gain: float, loss: float) -> float:
    """The RSI of averages of gains and of losses, both above or at 0."""
    moved = gain + loss
    return 100.0 * (gain / moved) if moved > NOTHING else 0.0


def crossing(
    values: Values, fast: int, slow: int, length: int, quick: Filled, calm: Filled, brake: Filled
) -> None:
    """EMA(fast), EMA(slow) and RSI(length) in one loop; the bits are those of each by itself.

    An average waits for its own last value, and that is all the time it takes: three that wait side by side are done
    as soon as one.
    """
    count, begin = len(values), max(fast, slow, length + 1)
    head = values[:begin]
    quicker, calmer = ema(head, fast, quick), ema(head, slow, calm)
    gain, loss = rsi(head, length, brake)
    quick_weight, calm_weight, weight = 2.0 / (fast + 1), 2.0 / (slow + 1), 1.0 / length
    quick_rest, calm_rest, rest = 1.0 - quick_weight, 1.0 - calm_weight, 1.0 - weight
    for n in range(begin, count):
        value = values[n]
        quicker = quick_weight * value + quick_rest * quicker
        calmer = calm_weight * value + calm_rest * calmer
        change = value - values[n - 1]
        risen = change if change > 0.0 else 0.0
        gain = rest * gain + weight * risen
        loss = rest * loss + weight * (risen - change)
        quick[n], calm[n], brake[n] = quicker, calmer, strength(gain, loss)


def macd(values: Values, fast: int, slow: int, smooth: int, line: Filled, signal: Filled) -> None:
    """EMA(fast) - EMA(slow), and the EMA(smooth) of that; both from index slow + smooth - 2 on, as TA-Lib has them.

    The fast average is seeded as late as the slow one, with the SMA of the `fast` values before it.
    """
    count, begin = len(values), slow + smooth - 2
    for n in range(min(begin, count)):
        line[n] = signal[n] = nan
    if count <= begin:
        return
    quick = calm = total = average = 0.0
    for n in range(slow):
        calm += values[n]
        if n >= slow - fast:
            quick += values[n]
    quick, calm = quick / fast, calm / slow
    quick_weight, calm_weight, weight = 2.0 / (fast + 1), 2.0 / (slow + 1), 2.0 / (smooth + 1)
    quick_rest, calm_rest, rest = 1.0 - quick_weight, 1.0 - calm_weight, 1.0 - weight
    for n in range(slow - 1, count):
        if n >= slow:
            quick = quick_weight * values[n] + quick_rest * quick
            calm = calm_weight * values[n] + calm_rest * calm
        apart = quick - calm
        if n <= begin:
            total += apart
            average = total / smooth
        else:
            average = weight * apart + rest * average
        if n >= begin:
            line[n] = apart
            signal[n] = average


def bollinger(
    values: Values, length: int, deviations: float, lower: Filled, middle: Filled, upper: Filled
) -> None:
    """Mean of the last `length` values, and so many of their standard deviations (of the population) below and above.

    Sums as in `sma`: the newest value is never further than √length deviations from the mean, so that nothing is lost
    where the price is a million times its spread.
    """
    count = len(values)
    for n in range(min(length - 1, count)):
        lower[n] = middle[n] = upper[n] = nan
    for n in range(length - 1, count):
        newest, total, squares = values[n], 0.0, 0.0
        for value in values[n - length + 1 : n]:
            apart = value - newest
            total += apart
            squares += apart * apart
        mean = total / length
        variance = squares / length - mean * mean
        reach = deviations * sqrt(variance) if variance > 0.0 else 0.0
        mean = newest + mean
        lower[n] = mean - reach
        middle[n] = mean
        upper[n] = mean + reach


def atr(high: Values, low: Values, close: Values, length: int, out: Filled) -> None:
    """Wilder's average of the true range, seeded with the SMA of the first `length`; first at index `length`."""
    count = len(close)
    for n in range(min(length, count)):
        out[n] = nan
    if count <= length:
        return
    weight = 1.0 / length
    rest = 1.0 - weight
    average = 0.0
    for n in range(1, count):
        reach = max(high[n], close[n - 1]) - min(low[n], close[n - 1])
        if n <= length:
            average += reach
            if n == length:
                average = average / length
        else:
            average = rest * average + weight * reach
        if n >= length:
            out[n] = average
