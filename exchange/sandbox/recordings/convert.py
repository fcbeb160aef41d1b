"""Turns recorded parquet candles into the compact integer files beside this module, losing nothing.

`python -m exchange.sandbox.recordings.convert FOLDER`.
"""

import hashlib
import json
import sys
from pathlib import Path
from typing import Any

import numpy as np

MINUTE_MS = 60_000
PRICE_SCALE = 100
VOLUME_SCALE = 10**8
FLOAT_COLUMNS = {
    "open": PRICE_SCALE,
    "high": PRICE_SCALE,
    "low": PRICE_SCALE,
    "close": PRICE_SCALE,
    "volume": VOLUME_SCALE,
}


def exact_integers(values: Any, scale: int) -> Any:
    """The float column times `scale` as int64; ValueError unless going back gives the same floats."""
    numbers = np.rint(values * scale).astype(np.int64)
    if not np.array_equal(numbers / scale, values):
        raise ValueError(f"column is not exact at 1/{scale}")
    return numbers


def columns_sha256(columns: dict[str, Any]) -> str:
    """One digest over open, high, low, close (0.01) and volume (1e-8) as little-endian int64."""
    digest = hashlib.sha256()
    for name in FLOAT_COLUMNS:
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


def convert(source: Path, target: Path, symbol: str) -> dict[str, Any]:
    import pyarrow.parquet

    table = pyarrow.parquet.read_table(source / f"{symbol}-1m.parquet")
    opens_ms = table["open_time"].to_numpy()
    if not (np.diff(opens_ms) == MINUTE_MS).all():
        raise ValueError(f"{symbol}: minutes are missing or repeated")
    columns = {name: exact_integers(table[name].to_numpy(), scale) for name, scale in FLOAT_COLUMNS.items()}
    file = target / f"{symbol}-1m.npz"
    np.savez_compressed(file, **packed(columns))
    return {
        "symbol": symbol,
        "file": file.name,
        "rows": len(opens_ms),
        "first_open_ms": int(opens_ms[0]),
        "last_open_ms": int(opens_ms[-1]),
        "price_scale": PRICE_SCALE,
        "volume_scale": VOLUME_SCALE,
        "columns_sha256": columns_sha256(columns),
        "file_sha256": hashlib.sha256(file.read_bytes()).hexdigest(),
    }


def main(source: str) -> None:
    target = Path(__file__).parent
    entries = [convert(Path(source), target, symbol) for symbol in ("BTCUSDT", "ETHUSDT")]
    (target / "manifest.json").write_text(json.dumps(entries, indent=2) + "\n")


if __name__ == "__main__":
    main(sys.argv[1])
