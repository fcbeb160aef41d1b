"""Symbols and rules: from the real sandbox, from rows when it is away, with versions that rise on change."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from exchange import symbols
from exchange.cache import cache
from exchange.models import SymbolInfo
from exchange.port import Unavailable
from exchange.sandbox.running import SandboxProcess, free_port
from exchange.tasks import warm_symbols

pytestmark = pytest.mark.django_db


@pytest.fixture
def nobody(settings: Any) -> None:
    settings.SANDBOX_URL = f"http://127.0.0.1:{free_port()}"


def forget_all() -> None:
    symbols.forget_process()
    cache().clear()


def test_warming_fills_rows_and_list(sandbox: SandboxProcess) -> None:
    assert warm_symbols() == 2
    assert symbols.tradable("sandbox", "spot") == ["BTCUSDT", "ETHUSDT"]
    assert symbols.listing("sandbox")[0] == {"symbol": "BTCUSDT", "base_asset": "BTC", "quote_asset": "USDT"}
    assert warm_symbols() == 0


def test_rules_are_the_exchanges_and_asked_for_once(sandbox: SandboxProcess) -> None:
    rules, version = symbols.rules_for("sandbox", "spot", "BTCUSDT")
    assert (rules.symbol, rules.tick_e8, rules.step_e8, version) == ("BTCUSDT", 1_000_000, 1_000, 1)
    with CaptureQueriesContext(connection) as queries:
        assert symbols.rules_for("sandbox", "spot", "BTCUSDT") == (rules, version)
    assert len(queries) == 0


def test_a_change_raises_the_version_of_that_symbol_only(sandbox: SandboxProcess) -> None:
    symbols.refresh("sandbox")
    row = SymbolInfo.objects.get(symbol="BTCUSDT")
    row.info = {**row.info, "icebergAllowed": "sometimes"}
    row.save()
    assert symbols.refresh("sandbox") == 1
    versions = dict(SymbolInfo.objects.values_list("symbol", "rules_version"))
    assert versions == {"BTCUSDT": 2, "ETHUSDT": 1}
    assert symbols.rules_for("sandbox", "spot", "BTCUSDT")[1] == 2


def test_a_symbol_no_longer_listed_cannot_be_traded(sandbox: SandboxProcess) -> None:
    symbols.refresh("sandbox")
    row = SymbolInfo.objects.get(symbol="BTCUSDT")
    row.pk, row.symbol, row.info = None, "OLDUSDT", {**row.info, "symbol": "OLDUSDT"}
    row.save()
    assert symbols.refresh("sandbox") == 1
    assert symbols.tradable("sandbox") == ["BTCUSDT", "ETHUSDT"]
    rules, version = symbols.rules_for("sandbox", "spot", "OLDUSDT")
    assert (rules.is_trading, version) == (False, 2)
    assert symbols.refresh("sandbox") == 0


def test_unknown_symbols_are_named(sandbox: SandboxProcess) -> None:
    with pytest.raises(symbols.UnknownSymbol, match="DOGEUSDT is not a symbol of the sandbox venue"):
        symbols.rules_for("sandbox", "spot", "DOGEUSDT")


@pytest.mark.usefixtures("symbols")
def test_rows_do_when_the_exchange_is_away(nobody: None) -> None:
    assert symbols.tradable("sandbox") == ["BTCUSDT", "ETHUSDT"]
    assert symbols.rules_for("sandbox", "spot", "BTCUSDT")[1] == 1


@pytest.mark.usefixtures("symbols")
def test_the_last_good_copy_does_when_it_is_old(nobody: None) -> None:
    SymbolInfo.objects.update(fetched_at=timezone.now() - timedelta(days=3))
    assert symbols.rules_for("sandbox", "spot", "BTCUSDT")[1] == 1
    with pytest.raises(Unavailable):
        symbols.refresh("sandbox")
    assert SymbolInfo.objects.filter(status="TRADING").count() == 2


def test_an_old_row_is_refreshed(sandbox: SandboxProcess) -> None:
    symbols.refresh("sandbox")
    SymbolInfo.objects.update(fetched_at=timezone.now() - timedelta(days=3), info={"symbol": "BTCUSDT"})
    forget_all()
    assert symbols.rules_for("sandbox", "spot", "BTCUSDT")[1] == 2


def test_nothing_known_and_nobody_there_is_unavailable(nobody: None) -> None:
    with pytest.raises(Unavailable):
        symbols.rules_for("sandbox", "spot", "BTCUSDT")
    with pytest.raises(Unavailable):
        symbols.tradable("sandbox")


@pytest.mark.usefixtures("symbols")
def test_without_redis_the_rows_answer(settings: Any, nobody: None) -> None:
    settings.REDIS_URL = f"redis://127.0.0.1:{free_port()}/0"
    assert symbols.rules_for("sandbox", "spot", "ETHUSDT")[0].base_asset == "ETH"
    assert symbols.tradable("sandbox") == ["BTCUSDT", "ETHUSDT"]


@pytest.mark.usefixtures("symbols")
def test_redis_spares_the_database() -> None:
    symbols.rules_for("sandbox", "spot", "BTCUSDT")
    symbols.listing("sandbox")
    symbols.forget_process()
    with CaptureQueriesContext(connection) as queries:
        symbols.rules_for("sandbox", "spot", "BTCUSDT")
        symbols.listing("sandbox")
    assert len(queries) == 0


@pytest.mark.usefixtures("symbols")
def test_rules_nobody_understands_are_an_unknown_symbol() -> None:
    SymbolInfo.objects.filter(symbol="BTCUSDT").update(info={"symbol": "BTCUSDT", "filters": []})
    with pytest.raises(symbols.UnknownSymbol, match="cannot be read"):
        symbols.rules_for("sandbox", "spot", "BTCUSDT")
