"""Which files hold candles of which symbol: a name or a folder as Binance gives them says so by itself."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Final, NamedTuple

from exchange.candles.files.sheet import FileRefused
from exchange.candles.files.table_files import read_feather, read_parquet
from exchange.candles.files.text_files import CHECKSUM_SUFFIX, read_archive, read_csv
from exchange.candles.store import MINUTES
from exchange.models import Market

READERS: Final = {
    ".csv": read_csv,
    ".zip": read_archive,
    ".parquet": read_parquet,
    ".feather": read_feather,
    ".arrow": read_feather,
}
# BTCUSDT-1m-2025-05.zip, ETHUSDT-1m-2025-05-20.csv, BTCUSDT-1m.parquet
_NAMED: Final = re.compile(r"(?P<symbol>[^\W_][\w]*)-(?P<interval>\d+[smhdwM]|1mo)(-\d{4}-\d{2}(-\d{2})?)?")


class Found(NamedTuple):
    """A file to import; `symbol` is None where its name does not say."""

    path: Path
    symbol: str | None


class Skipped(NamedTuple):
    path: Path
    why: str


def list_files(paths: Iterable[Path], market: str) -> Iterator[Found | Skipped]:
    """Files as given, and all in the folders given, in the order of their names.

    What a folder holds besides is skipped and said; a file given by itself is refused (`FileRefused`) instead.
    """
    for path in paths:
        if not path.is_dir():
            yield _found(path, market)
            continue
        for inside in sorted(path.rglob("*")):
            if inside.is_dir() or inside.name.endswith(CHECKSUM_SUFFIX):
                continue
            try:
                yield _found(inside, market)
            except FileRefused as refusal:
                yield Skipped(inside, str(refusal))


def _found(path: Path, market: str) -> Found:
    if not path.is_file():
        raise FileRefused(str(path), "there is no such file.")
    if path.suffix.lower() not in READERS:
        raise FileRefused(path.name, f"only {', '.join(READERS)} can be read.")
    _check_folders(path, market)
    named = _NAMED.fullmatch(path.stem)
    if named is None:
        return Found(path, None)
    if named["interval"] != MINUTES:
        raise FileRefused(
            path.name,
            f"it holds {named['interval']} candles; only one-minute candles are stored, others are made of them.",
        )
    return Found(path, named["symbol"].upper())


def _check_folders(path: Path, market: str) -> None:
    """Binance's archives say by their folders what they hold: …/spot/monthly/klines/…, …/futures/um/daily/klines/…"""
    folders = path.resolve().parts[:-1]
    if not {"monthly", "daily"} & set(folders):
        return
    archived = next((name for name in Market.values if name in folders), market)
    if archived != market or "cm" in folders:
        kind = "coin-margined futures" if "cm" in folders else archived
        raise FileRefused(path.name, f"its folder is one of {kind} candles, not of {market}.")
    others = [name for name in folders if name.endswith("Klines")]
    if others:
        raise FileRefused(path.name, f"its folder {others[0]} holds no traded prices.")
