"""Turns recorded parquet candles into the compact integer files beside this module, losing nothing, and takes over what
was recorded of the futures market.

`python -m exchange.sandbox.recordings.convert FOLDER`, where FOLDER holds `candles/`, `exchange_info/` and
`funding_rates.csv`.
"""

import hashlib
import json
import sys
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

MINUTE_MS = 60_000
COLUMNS = ("open", "high", "low", "close", "volume")


class Recorded(NamedTuple):
    """How many ticks make one unit of quote, and how many volume units one of base."""

    symbol: str
    price_scale: int
    volume_scale: int


SPOT = (Recorded("BTCUSDT", 100, 10**8), Recorded("ETHUSDT", 100, 10**8))
FUTURES = (Recorded("BTCUSDT", 10, 1_000), Recorded("ETHUSDT", 100, 1_000))
# What was recorded of the futures market beside candles: file, when, what.
FACTS = (
    ("exchange_info.json", "2026-03-31", "GET /fapi/v1/exchangeInfo, production"),
    ("leverage_brackets.json", "2024-10", "GET /fapi/v1/leverageBracket"),
    ("funding_rates.csv", "2025-05 to 2025-06", "GET /fapi/v1/fundingRate"),
)


def exact_integers(values: Any, scale: int) -> Any:
    """The float column times `scale` as int64; ValueError unless going back gives the same floats."""
    numbers = np.rint(values * scale).astype(np.int64)
    if not np.array_equal(numbers / scale, values):
        raise ValueError(f"column is not exact at 1/{scale}")
    return numbers


def columns_sha256(columns: dict[str, Any]) -> str:
    """One digest over open, high, low, close and volume, in whole ticks and units, as little-endian int64."""
    digest = hashlib.sha256()
    for name in COLUMNS:
        digest.update(np.ascontiguousarray(columns[name], dtype="<i8").tobytes())
    return digest.hexdigest()


def packed(columns: dict[str, Any]) -> dict[str, Any]:
    """Small differences instead of prices: they compress to a third."""
    open_, high, low, close = (columns[name] for name in ("open", "high", "low", "close"))
    return {
        "open_step": np.diff(open_, prepend=0).astype(np.int32),
        "above_body": (high - np.maximum(open_, close)).astype(np.int32),
        "below_body": (np.minimum(open_, close) - low).astype(np.int32),
        "body": (close - open_).astype(np.int32),
        "volume": columns["volume"],
    }


def convert(source: Path, target: Path, recorded: Recorded) -> dict[str, Any]:
    import pyarrow.parquet

    symbol, price_scale, volume_scale = recorded
    table = pyarrow.parquet.read_table(source / f"{symbol}-1m.parquet")
    opens_ms = table["open_time"].to_numpy()
    if not (np.diff(opens_ms) == MINUTE_MS).all():
        raise ValueError(f"{symbol}: minutes are missing or repeated")
    scales = {name: volume_scale if name == "volume" else price_scale for name in COLUMNS}
    columns = {name: exact_integers(table[name].to_numpy(), scale) for name, scale in scales.items()}
    file = target / f"{symbol}-1m.npz"
    np.savez_compressed(file, **packed(columns))
    return {
        "symbol": symbol,
        "file": file.name,
        "rows": len(opens_ms),
        "first_open_ms": int(opens_ms[0]),
        "last_open_ms": int(opens_ms[-1]),
        "price_scale": price_scale,
        "volume_scale": volume_scale,
        "columns_sha256": columns_sha256(columns),
        "file_sha256": sha256(file),
    }


def take_over_facts(source: Path, target: Path) -> list[dict[str, str]]:
    """What was served of the perpetuals against USDT whose rules and brackets are both recorded, and the funding rates
    of those with candles; and a line for each file."""
    info = json.loads((source / "exchange_info" / "um_prod_2026-03-31.subset.json").read_text())
    brackets = json.loads((source / "exchange_info" / "um_leverageBracket_2024-10.subset.json").read_text())
    both = {entry["symbol"] for entry in info["symbols"] if entry["quoteAsset"] == "USDT"}
    both &= {entry["symbol"] for entry in brackets}
    named = {"serverTime": info["serverTime"], "timezone": info["timezone"], "symbols": []}
    write_entries(target / "exchange_info.json", info["symbols"], both, head=named)
    write_entries(target / "leverage_brackets.json", brackets, both)
    with_candles = {recorded.symbol for recorded in FUTURES}
    head, *rows = (source / "funding_rates.csv").read_text().splitlines()
    kept = [row for row in rows if row.split(",")[0] in with_candles]
    (target / "funding_rates.csv").write_text("\n".join([head, *kept]) + "\n")
    return [
        {"file": file, "recorded": recorded, "what": what, "file_sha256": sha256(target / file)}
        for file, recorded, what in FACTS
    ]


def write_entries(file: Path, entries: list[Any], wanted: set[str], *, head: Any = None) -> None:
    """One line an entry, as it was served."""
    lines = ",\n".join(json.dumps(entry) for entry in entries if entry["symbol"] in wanted)
    listed = f"[\n{lines}\n]"
    if head is not None:
        listed = json.dumps(head).replace("[]", listed)
    file.write_text(listed + "\n")


def sha256(file: Path) -> str:
    return hashlib.sha256(file.read_bytes()).hexdigest()


def write_manifest(file: Path, entries: list[dict[str, Any]]) -> None:
    file.write_text(json.dumps(entries, indent=2) + "\n")


def main(folder: str) -> None:
    source, target = Path(folder), Path(__file__).parent
    futures = target / "futures"
    futures.mkdir(exist_ok=True)
    spot = [convert(source / "candles" / "spot", target, recorded) for recorded in SPOT]
    write_manifest(target / "manifest.json", spot)
    of_futures = [convert(source / "candles" / "futures", futures, recorded) for recorded in FUTURES]
    write_manifest(futures / "manifest.json", of_futures)
    write_manifest(futures / "facts.json", take_over_facts(source, futures))


if __name__ == "__main__":
    main(sys.argv[1])
