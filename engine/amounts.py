"""Amounts as integers: money, prices and quantities in 1e-8 ("e8"), percentages in 1e-6 ("e6").

Every conversion is exact or raises `InexactAmount`; nothing is rounded on the way in or out.
"""

from decimal import Context, Decimal, Inexact, InvalidOperation
from typing import Final

E8: Final = 100_000_000
E6: Final = 1_000_000

_E8_PLACES: Final = 8
_PERCENT_PLACES: Final = 4  # 0.0001 % is one e6
_LARGEST_EXPONENT: Final = 40  # "1e999999" is a trap, not an amount


class InexactAmount(ValueError):
    """The value is no number, or has more decimal places than the integer can carry."""


# No amount of ours comes near; what does not fit is looked at digit by digit. A digit lost would raise.
_WIDE: Final = Context(prec=60, traps=[Inexact, InvalidOperation])
_USUAL: Final = range(-30, 30)


def _scaled(value: Decimal | str | int, places: int) -> int:
    try:
        number = Decimal(value)
    except InvalidOperation:
        raise InexactAmount(f"{value!r} is not a number") from None
    if number.is_finite() and number.adjusted() in _USUAL:
        try:
            scaled = _WIDE.scaleb(number, places)
        except Inexact:
            return _scaled_by_digits(number, places)
        whole = int(scaled)
        if whole == scaled:
            return whole
    return _scaled_by_digits(number, places)


def _scaled_by_digits(value: Decimal, places: int) -> int:
    """For whatever is odd about a number; says what is wrong with it."""
    sign, digits, exponent = value.as_tuple()
    if not isinstance(exponent, int) or exponent > _LARGEST_EXPONENT:
        raise InexactAmount(f"{value} is not a usable number")
    magnitude, shift = int("".join(map(str, digits)) or "0"), exponent + places
    if shift >= 0:
        scaled = magnitude * int(10**shift)
    else:
        # Never a larger divisor than it takes: "1e-999999" must cost nothing.
        scaled, rest = divmod(magnitude, int(10 ** min(-shift, len(digits) + 1)))
        if rest:
            raise InexactAmount(f"{value} has more than {places} decimal places")
    return -scaled if sign else scaled


def _unscaled(value: int, places: int) -> Decimal:
    """Built from digits, so that no decimal context can round it."""
    digits = tuple(map(int, str(abs(value))))
    return Decimal((1 if value < 0 else 0, digits, -places))


def e8_from_decimal(value: Decimal | str | int) -> int:
    """1.5 → 150_000_000. Raises `InexactAmount` on more than 8 (non-zero) decimal places."""
    return _scaled(value, _E8_PLACES)


def decimal_from_e8(value: int) -> Decimal:
    """150_000_000 → Decimal("1.50000000"), always with 8 places."""
    return _unscaled(int(value), _E8_PLACES)


def e6_from_percent(percent: Decimal | str | int) -> int:
    """1 (per cent) → 10_000. Raises `InexactAmount` on more than 4 decimal places."""
    return _scaled(percent, _PERCENT_PLACES)


def percent_from_e6(value: int) -> Decimal:
    """10_000 → Decimal("1.0000") (per cent)."""
    return _unscaled(int(value), _PERCENT_PLACES)


def plain_e8(value: int) -> str:
    """For sentences: plain notation without trailing zeros, 150_000_000 → "1.5"."""
    whole, rest = divmod(abs(int(value)), E8)
    text = f"{whole}.{rest:08d}".rstrip("0").rstrip(".")
    return f"-{text}" if value < 0 else text


def share_e6(amount: int, share: int) -> int:
    """floor(amount × share / 1e6) for amount ≥ 0.

    Split so that no intermediate product exceeds 64 bits once compiled: for amount = a·1e6 + b,
    floor(amount·share / 1e6) = a·share + floor(b·share / 1e6) exactly.
    """
    return amount // 1_000_000 * share + amount % 1_000_000 * share // 1_000_000


def share_up_e6(amount: int, share: int) -> int:
    """ceil(amount × share / 1e6) for amount ≥ 0 and share ≥ 0, split like `share_e6`."""
    return amount // 1_000_000 * share + (amount % 1_000_000 * share + 999_999) // 1_000_000


def commission_e8(amount_e8: int, rate_e6: int) -> int:
    """The fee on an amount, truncated to 8 places of its asset as the exchange does (SPEC §1)."""
    return share_e6(amount_e8, rate_e6)


def worth_e8(quantity_e8: int, price_e8: int) -> int:
    """floor(quantity × price / 1e8), both ≥ 0: what a quantity is worth at a price.

    With q = q1·1e8 + q0 and p = p1·1e8 + p0 the products that are multiples of 1e8 leave the division, and what is
    left in it, q0·p0, stays below 1e16.
    """
    whole, rest = quantity_e8 // 100_000_000, quantity_e8 % 100_000_000
    return (
        whole * price_e8 + rest * (price_e8 // 100_000_000) + rest * (price_e8 % 100_000_000) // 100_000_000
    )


def mul_div(first: int, second: int, divisor: int) -> int:
    """floor(first × second / divisor) for first, second ≥ 0 and 0 < divisor < 2^61, where the result fits 64 bits.

    A quotient below 2^50 is guessed with floats, whose four roundings keep it within 1 of the truth, and proved: the
    rest first·second − guess·divisor is less than two divisors from 0, so it is right also where both products wrap
    around 64 bits.
    """
    near = float(first) * float(second) / float(divisor)
    if near < 1_125_899_906_842_624.0:
        guess = int(near)
        rest = first * second - guess * divisor
        if rest < 0:
            return guess - 1
        return guess + 1 if rest >= divisor else guess
    return _mul_div_long(first, second, divisor)


def mul_div_up(first: int, second: int, divisor: int) -> int:
    """ceil(first × second / divisor), within the bounds of `mul_div`; the rest is right also where both wrap."""
    quotient = mul_div(first, second, divisor)
    return quotient + 1 if first * second - quotient * divisor > 0 else quotient


def _mul_div_long(first: int, second: int, divisor: int) -> int:
    """Long division in digits of base 2^k: after first mod divisor has taken the place of first, each step divides
    (rest·2^k + first·digit) < divisor·2^(k+1), so k is chosen to keep that below 2^63."""
    result = first // divisor * second
    first = first % divisor
    if divisor < 2_147_483_648:
        bits, shift = 31, 62
    elif divisor < 2_199_023_255_552:
        bits, shift = 21, 42
    elif divisor < 2_251_799_813_685_248:
        bits, shift = 11, 55
    else:
        bits, shift = 1, 62
    quotient, rest, mask = 0, 0, (1 << bits) - 1
    while shift >= 0:
        part = (rest << bits) + first * ((second >> shift) & mask)
        quotient = (quotient << bits) + part // divisor
        rest = part % divisor
        shift -= bits
    return result + quotient
