"""A Binance-compatible spot exchange that replays recorded minutes: the venue `sandbox`.

It imports no Django and no product database, so that it survives the product and can witness its failures.
"""
