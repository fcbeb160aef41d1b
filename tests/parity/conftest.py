"""Parity trades through the same sandbox and the same bots as the trading tests, and is looked at on the pages."""

from tests.pages.conftest import alice_page, charlie_page, page_of
from tests.trading.conftest import new_bot, queued

__all__ = ["alice_page", "charlie_page", "new_bot", "page_of", "queued"]
