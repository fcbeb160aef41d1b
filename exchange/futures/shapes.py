"""The engine's integers of the futures market."""

from typing import NamedTuple

from engine.market import IntArray


class Bracket(NamedTuple):
    floor_e8: int
    cap_e8: int
    mmr_e6: int
    cum_e8: int
    max_leverage: int


class Funding(NamedTuple):
    at_ms: IntArray
    rate_e8: IntArray
