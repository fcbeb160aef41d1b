"""Amounts as people read them, in messages and summaries."""

from __future__ import annotations

from decimal import Decimal

from exchange.fields import plain

__all__ = ["money", "plain"]


def money(amount: Decimal, asset: str) -> str:
    """`5,000.00 USDT`: grouped, at least two places, more only where they say something."""
    whole, _, places = plain(amount).partition(".")
    sign, digits = ("-", whole[1:]) if whole.startswith("-") else ("", whole)
    return f"{sign}{int(digits or 0):,}.{places.ljust(2, '0')} {asset}"
