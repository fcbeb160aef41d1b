"""Chaos trades through the same sandbox and the same bots as the trading tests."""

from tests.trading.conftest import new_bot

__all__ = ["new_bot"]
