"""Where the price is inside a recorded minute: open → nearer extreme → other extreme → close (ties: low first).

The opening price holds for the first 5 s, then three straight legs of 18 s each, then the close for the last
second: at whole milliseconds the path touches every one of the four prices and never leaves low..high (SPEC §5.7).
"""

KNOTS_MS = (5_000, 23_000, 41_000, 59_000)
LEG_MS = 18_000
MINUTE_LENGTH_MS = 60_000


def turning_points(open_: int, high: int, low: int, close: int) -> tuple[int, int, int, int]:
    """The four prices in the order the path visits them."""
    if high - open_ < open_ - low:
        return open_, high, low, close
    return open_, low, high, close


def price_inside(minute: tuple[int, int, int, int], offset_ms: int) -> int:
    """Ticks at `offset_ms` (0..59_999) after the opening of (open, high, low, close)."""
    points = turning_points(*minute)
    if offset_ms <= KNOTS_MS[0]:
        return points[0]
    if offset_ms >= KNOTS_MS[-1]:
        return points[-1]
    leg = (offset_ms - KNOTS_MS[0]) // LEG_MS
    start, target = points[leg], points[leg + 1]
    travelled = abs(target - start) * (offset_ms - KNOTS_MS[leg]) // LEG_MS
    return start + travelled if target >= start else start - travelled


def range_until(minute: tuple[int, int, int, int], offset_ms: int) -> tuple[int, int]:
    """(highest, lowest) ticks the path has touched from the opening up to and including `offset_ms`."""
    points = turning_points(*minute)
    visited = [points[0]]
    visited += [point for point, knot in zip(points[1:], KNOTS_MS[1:], strict=True) if knot <= offset_ms]
    visited.append(price_inside(minute, offset_ms))
    return max(visited), min(visited)


def first_touch(minute: tuple[int, int, int, int], level: int, *, rising: bool, after_ms: int) -> int | None:
    """The first whole millisecond later than `after_ms` (-1: from the opening on) at which `price_inside` is at or
    beyond `level` (ticks), seen upwards when `rising`; None if that is not in this minute any more."""
    sign = 1 if rising else -1
    points = [sign * point for point in turning_points(*minute)]
    level *= sign
    soonest = after_ms + 1
    if soonest >= MINUTE_LENGTH_MS:
        return None
    if sign * price_inside(minute, soonest) >= level:
        return soonest
    for leg in range(3):
        start, target = points[leg], points[leg + 1]
        if start < level <= target:
            offset = KNOTS_MS[leg] - (start - level) * LEG_MS // (target - start)
            if offset > after_ms:
                return offset
    return None
