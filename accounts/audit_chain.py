"""The seal of the audit log: every entry's hash covers its content and the hash before it.

Entries are chained after their transaction, by one sealer at a time; whoever changes, removes or inserts a sealed row
afterwards breaks the chain at that row.
"""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass
from typing import Any

from django.db import connection, transaction

from accounts.models import AuditEntry

# Any number, as long as nobody else locks it: "audit" in letters of the telephone.
SEALER_LOCK = 28348
BATCH = 500
GENESIS = "0" * 64
CONTENT = (
    "id", "at", "event", "actor_id", "owner_id", "address", "subject_kind", "subject_id", "subject", "before", "after",
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Verdict:
    """How far the chain holds: `sealed` rows do; `broken_id` is the first that does not, and `why`."""

    sealed: int
    waiting: int
    last_hash: str
    broken_id: int | None = None
    why: str = ""


def seal_entries() -> int:
    """Chain what has been committed since; how many entries. Another sealer at work means 0."""
    total = 0
    while sealed := _seal_batch():
        total += sealed
        if sealed < BATCH:
            break
    return total


@transaction.atomic
def _seal_batch() -> int:
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_try_advisory_xact_lock(%s)", [SEALER_LOCK])
        if not cursor.fetchone()[0]:
            return 0
    last = AuditEntry.objects.filter(sequence__isnull=False).order_by("-sequence").first()
    number, previous = (last.sequence or 0, last.hash) if last else (0, GENESIS)
    waiting = AuditEntry.objects.filter(sequence__isnull=True).order_by("id")[:BATCH]
    for entry in waiting:
        number += 1
        sealed = hash_of(entry, number, previous)
        AuditEntry.objects.filter(pk=entry.pk, sequence__isnull=True).update(
            sequence=number, previous_hash=previous, hash=sealed
        )
        previous = sealed
    return len(waiting)


def hash_of(entry: AuditEntry, sequence: int, previous_hash: str) -> str:
    """SHA-256 over the previous hash and the entry's content as JSON with sorted names and no spaces."""
    content: dict[str, Any] = {name: getattr(entry, name) for name in CONTENT}
    content["at"] = entry.at.isoformat()
    content["sequence"] = sequence
    text = json.dumps(content, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
    return hashlib.sha256(f"{previous_hash}\n{text}".encode()).hexdigest()


def verify_chain() -> Verdict:
    """Walk the chain from its first row to the first that breaks it."""
    held, previous = 0, GENESIS
    waiting = AuditEntry.objects.filter(sequence__isnull=True).count()
    for entry in AuditEntry.objects.filter(sequence__isnull=False).order_by("sequence").iterator():
        why = _objection(entry, held + 1, previous)
        if why:
            return Verdict(held, waiting, previous, entry.pk, why)
        held, previous = held + 1, entry.hash
    return Verdict(held, waiting, previous)


def _objection(entry: AuditEntry, sequence: int, previous: str) -> str:
    if entry.sequence != sequence:
        return f"entry number {sequence} is missing before it"
    if entry.previous_hash != previous:
        return "it does not follow the entry before it"
    if entry.hash != hash_of(entry, sequence, previous):
        return "its content was changed"
    return ""
