"""Market data at rest: candles, packed or not, their gaps, funding rates, symbol rules. They point to nobody."""

from __future__ import annotations

from django.db import models

from exchange.fields import TimestampedModel


class Venue(models.TextChoices):
    SANDBOX = "sandbox", "Paper (sandbox)"
    TESTNET = "testnet", "Binance testnet"
    LIVE = "live", "Binance LIVE"


class Market(models.TextChoices):
    SPOT = "spot", "Spot"
    FUTURES = "futures", "USD-M futures"


class CandleBlock(TimestampedModel):
    """One month of one series, packed: six little-endian int64 columns, prices and volume in 1e-8.

    `source` names who served the candles (`binance` or `sandbox`); it is shown wherever they are used.
    Kept for ever: backtests and the "why" of old decisions read them.
    """

    source = models.CharField(max_length=16)
    market = models.CharField(max_length=8, choices=Market.choices)
    symbol = models.CharField(max_length=32)
    interval = models.CharField(max_length=4)
    month = models.DateField()
    first_open_ms = models.BigIntegerField()
    count = models.IntegerField()
    columns = models.BinaryField()
    checksum = models.CharField(max_length=64)

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["source", "market", "symbol", "interval", "month"],
                name="candleblock_one_per_series_month",
            ),
        ]


class CandleRow(models.Model):
    """A closed candle of the last days; packed into its month's CandleBlock when they are over, then deleted."""

    source = models.CharField(max_length=16)
    market = models.CharField(max_length=8, choices=Market.choices)
    symbol = models.CharField(max_length=32)
    interval = models.CharField(max_length=4)
    open_ms = models.BigIntegerField()
    open = models.BigIntegerField()
    high = models.BigIntegerField()
    low = models.BigIntegerField()
    close = models.BigIntegerField()
    volume = models.BigIntegerField()
    created_at = models.DateTimeField(auto_now_add=True)
    updated_at = models.DateTimeField(auto_now=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["source", "market", "symbol", "interval", "open_ms"], name="candlerow_one_per_open"
            ),
        ]


class CandleGap(TimestampedModel):
    """Candles the exchange was asked for and does not have, from `first_ms` to `last_ms` (openings, inclusive).

    Known, so that reports name them and nobody asks again. Kept for ever, like the candles around them.
    """

    source = models.CharField(max_length=16)
    market = models.CharField(max_length=8, choices=Market.choices)
    symbol = models.CharField(max_length=32)
    interval = models.CharField(max_length=4)
    first_ms = models.BigIntegerField()
    last_ms = models.BigIntegerField()

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["source", "market", "symbol", "interval", "first_ms"],
                name="candlegap_one_per_series_first",
            ),
            models.CheckConstraint(
                condition=models.Q(first_ms__lte=models.F("last_ms")), name="candlegap_first_before_last"
            ),
        ]


class FundingRate(TimestampedModel):
    """What a settlement of a perpetual cost its holders: the rate in 1e-8, positive where longs paid shorts.

    `settled_ms` is the minute it was settled in. Kept for ever: backtests of futures pay it.
    """

    source = models.CharField(max_length=16)
    symbol = models.CharField(max_length=32)
    settled_ms = models.BigIntegerField()
    rate_e8 = models.BigIntegerField()

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["source", "symbol", "settled_ms"], name="fundingrate_one_per_settlement"
            ),
        ]


class SymbolInfo(TimestampedModel):
    """The exchange's own entry for a symbol, as served: the rules orders are rounded with.

    `rules_version` rises whenever the entry changes; an order stores the version it was rounded with.
    """

    venue = models.CharField(max_length=16, choices=Venue.choices)
    market = models.CharField(max_length=8, choices=Market.choices)
    symbol = models.CharField(max_length=32)
    status = models.CharField(max_length=16)
    base_asset = models.CharField(max_length=16)
    quote_asset = models.CharField(max_length=16)
    info = models.JSONField()
    rules_version = models.PositiveIntegerField(default=1)
    fetched_at = models.DateTimeField()

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["venue", "market", "symbol"], name="symbolinfo_one_per_symbol"),
        ]
