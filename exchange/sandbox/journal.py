"""What survives a kill: an accepted command is on disk before it is applied or answered.

SQLite in WAL mode with full sync. Start = last snapshot + replay of the commands after it; fills follow from the
journal and the tape. `facts` holds what is one value: shift, clock, faults, the ledger of the last snapshot.
"""

import fcntl
import json
import sqlite3
from collections.abc import Iterable, Iterator
from dataclasses import asdict
from pathlib import Path
from typing import Any

from exchange.sandbox.commands import At, Command, command_from
from exchange.sandbox.state import Order, OrderList, State, Trade
from exchange.sandbox.venue import apply, evolve
from exchange.sandbox.world import World

SNAPSHOT_EVERY = 2_000
SCHEMA = """
CREATE TABLE IF NOT EXISTS facts (name TEXT PRIMARY KEY, value TEXT NOT NULL);
CREATE TABLE IF NOT EXISTS commands (
    id INTEGER PRIMARY KEY AUTOINCREMENT, kind TEXT NOT NULL, body TEXT NOT NULL,
    server_us INTEGER NOT NULL, market_ms INTEGER NOT NULL);
CREATE TABLE IF NOT EXISTS orders (seq INTEGER PRIMARY KEY, body TEXT NOT NULL);
CREATE TABLE IF NOT EXISTS lists (seq INTEGER PRIMARY KEY, body TEXT NOT NULL);
CREATE TABLE IF NOT EXISTS trades (seq INTEGER PRIMARY KEY, body TEXT NOT NULL);
"""


class JournalInUse(RuntimeError):
    """Another process holds this journal."""


class OtherRecording(RuntimeError):
    """This journal was written over other candles; replaying it would change what was served."""


class Journal:
    """The one writer's disk. Every method that writes has committed when it returns."""

    def __init__(self, folder: Path, *, snapshot_every: int = SNAPSHOT_EVERY):
        folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        self._lock = open(folder / "journal.lock", "w")  # noqa: SIM115  held as long as the process lives
        try:
            fcntl.flock(self._lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as busy:
            self._lock.close()
            raise JournalInUse(f"{folder} is in use by another sandbox") from busy
        self.path = folder / "journal.sqlite3"
        self._database = sqlite3.connect(self.path, isolation_level=None)
        self._database.execute("PRAGMA journal_mode=WAL")
        self._database.execute("PRAGMA synchronous=FULL")
        self._database.executescript(SCHEMA)
        self._snapshot_every = snapshot_every
        self._since_snapshot = 0

    def close(self) -> None:
        self._database.close()
        self._lock.close()

    def fact(self, name: str) -> Any:
        row = self._database.execute("SELECT value FROM facts WHERE name = ?", (name,)).fetchone()
        return None if row is None else json.loads(row[0])

    def record_fact(self, name: str, value: Any) -> None:
        self._database.execute("INSERT OR REPLACE INTO facts VALUES (?, ?)", (name, json.dumps(value)))

    def hold_to_recording(self, digests: dict[str, str]) -> None:
        """A candle once served never changes: symbols may be added, none may be replaced or taken away."""
        kept = self.fact("recording") or {}
        for symbol, digest in kept.items():
            if digests.get(symbol) != digest:
                raise OtherRecording(f"the journal was written over other candles of {symbol}")
        if kept != digests:
            self.record_fact("recording", digests)

    def record(self, command: Command, at: At) -> None:
        self._database.execute(
            "INSERT INTO commands (kind, body, server_us, market_ms) VALUES (?, ?, ?, ?)",
            (type(command).__name__, json.dumps(asdict(command)), at.server_us, at.market_ms),
        )
        self._since_snapshot += 1

    def is_snapshot_due(self) -> bool:
        return self._since_snapshot >= self._snapshot_every

    def take_snapshot(self, state: State) -> None:
        """The ledger whole, rows only where they are new or have changed: the cost does not grow with history."""
        last_id = self._database.execute("SELECT coalesce(max(id), 0) FROM commands").fetchone()[0]
        stored_trades = self._database.execute("SELECT coalesce(max(seq), 0) FROM trades").fetchone()[0]
        self._database.execute("BEGIN")
        self._store("orders", ((seq, state.orders[seq - 1]) for seq in sorted(state.unsaved_orders)))
        self._store("lists", ((seq, state.lists[seq - 1]) for seq in sorted(state.unsaved_lists)))
        self._store("trades", ((trade.seq, trade) for trade in state.trades[stored_trades:]))
        self.record_fact(
            "snapshot", {"through": last_id, "market_ms": state.market_ms, "ledger": state.ledger()}
        )
        self._database.execute("COMMIT")
        state.unsaved_orders.clear()
        state.unsaved_lists.clear()
        self._since_snapshot = 0

    def _store(self, table: str, rows: Iterable[tuple[int, Order | OrderList | Trade]]) -> None:
        self._database.executemany(
            f"INSERT OR REPLACE INTO {table} VALUES (?, ?)",
            ((seq, json.dumps(asdict(row))) for seq, row in rows),
        )

    def restore(self, world: World) -> State:
        """The state as it was when the last command had been applied."""
        state, through = State(), 0
        snapshot = self.fact("snapshot")
        if snapshot is not None:
            through = snapshot["through"]
            evolve(state, [OrderList(**json.loads(body)) for body in self._bodies("lists")])
            evolve(state, [Order(**json.loads(body)) for body in self._bodies("orders")])
            evolve(state, [Trade(**json.loads(body)) for body in self._bodies("trades")])
            state.load_ledger(snapshot["ledger"])
            state.market_ms = snapshot["market_ms"]
            state.unsaved_orders.clear()
            state.unsaved_lists.clear()
        rows = self._database.execute(
            "SELECT kind, body, server_us, market_ms FROM commands WHERE id > ? ORDER BY id", (through,)
        )
        for kind, body, server_us, market_ms in rows:
            apply(
                state,
                command_from(kind, json.loads(body)),
                At(server_us=server_us, market_ms=market_ms),
                world,
            )
            self._since_snapshot += 1
        return state

    def _bodies(self, table: str) -> Iterator[str]:
        return (row[0] for row in self._database.execute(f"SELECT body FROM {table} ORDER BY seq"))
