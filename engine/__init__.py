"""The room that decides: candles, rules, indicators, strategies, decisions, positions.

Pure Python on integers. Nothing here knows Django, the network, a clock or a database; every
function gives the same answer for the same arguments, live, on paper and in backtests.
"""
