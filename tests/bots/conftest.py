"""What a user would send to make a bot; the exchange's rules are stored, so nobody is asked."""

from __future__ import annotations

from typing import Any

import pytest


@pytest.fixture
def wanted(paper_key: Any, symbols: None) -> dict[str, Any]:
    return {
        "name": "My first bot",
        "api_key": paper_key.pk,
        "symbol": "BTCUSDT",
        "timeframe": "5m",
        "strategy": "ema",
        "initial_capital": "1000",
    }


@pytest.fixture
def charlies_key(charlie: Any) -> Any:
    from accounts.keys import mint_paper_key

    return mint_paper_key(charlie, "Charlie's")
