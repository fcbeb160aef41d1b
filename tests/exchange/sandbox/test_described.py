"""docs/sandbox.md names everything this venue serves, so that its table can be trusted."""

import re
from pathlib import Path

import pytest

from exchange.sandbox import stream_faults
from exchange.sandbox.endpoints import ENDPOINTS
from exchange.sandbox.faults import KINDS
from exchange.sandbox.stream_names import ALL_SYMBOLS_NAMES, BY_NAME
from exchange.sandbox.stream_requests import METHODS

TEXT = (Path(__file__).parents[3] / "docs" / "sandbox.md").read_text()
ROWS = [line for line in TEXT.splitlines() if line.startswith("|")]
PREFIXES = ("/api/v3", "/sapi/v1", "/dapi/v1")


def names_path(row: str, method: str, path: str) -> bool:
    """A row's first cell names paths after their method; a later one may leave out what it shares with the first."""
    cell = row.split("|")[1]
    if method not in re.findall(r"[A-Z]{3,}", cell):
        return False
    shared = [path.removeprefix(prefix) for prefix in PREFIXES if path.startswith(prefix)]
    tails = {path, *shared, "/" + path.rsplit("/", 1)[1]}
    return any(f"`{tail}`" in cell or f" {tail}`" in cell for tail in tails)


@pytest.mark.parametrize("endpoint", ENDPOINTS, ids=lambda entry: f"{entry.method} {entry.path}")
def test_every_endpoint(endpoint):
    assert any(names_path(row, endpoint.method, endpoint.path) for row in ROWS)


@pytest.mark.parametrize("name", [*BY_NAME, *ALL_SYMBOLS_NAMES[:1], "kline_<interval>", "depth5", "depth"])
def test_every_stream(name):
    said = f"`{name}`" if name.startswith("!") else f"@{name}`"
    assert any(said in row for row in ROWS)


@pytest.mark.parametrize("word", [*METHODS, *KINDS, *stream_faults.LASTING, *stream_faults.AT_ONCE])
def test_every_request_and_fault(word):
    assert f"`{word}`" in TEXT or f"`{word} " in TEXT
