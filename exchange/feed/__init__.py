"""Market data as it happens: one stream of klines and tickers, supervised, followed by one elected process.

What it tells is a hurry-up: whoever hears twice or not at all loses time, never a candle (the schedule comes anyway).
"""
