"""Chaos trades through the same sandbox and the same bots as the trading tests."""

from tests.trading.conftest import new_bot, sandbox, sandbox_process

__all__ = ["new_bot", "sandbox", "sandbox_process"]
