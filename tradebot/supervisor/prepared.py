"""Whether the database already stands as this code expects it, told without starting Django.

A second start may skip the preparation only when code, demo user, database and its migrations are those of the last.
"""

from __future__ import annotations

import hashlib
from typing import Any

import psycopg

from tradebot.supervisor.files import read_json, write_private_json
from tradebot.supervisor.instance import ROOT, Instance

ROOMS = ("engine", "exchange", "accounts", "bots", "trading", "tradebot")
DATABASE_IDENTITY = """
    SELECT (SELECT system_identifier FROM pg_control_system())::text,
           (SELECT oid FROM pg_database WHERE datname = current_database())::text,
           (SELECT md5(string_agg(app || '.' || name, ',' ORDER BY id)) FROM django_migrations),
           (SELECT count(*) FROM accounts_user)::text
"""


def is_prepared(instance: Instance, database_url: str) -> bool:
    """True when nothing has changed since `note_prepared`; static files of production are always collected."""
    if not instance.has_demo_user:
        return False
    noted = read_json(instance.data_dir / "prepared.json")
    return bool(noted and noted["database"]) and noted == fingerprint(instance, database_url)


def note_prepared(instance: Instance, database_url: str) -> None:
    write_private_json(instance.data_dir / "prepared.json", fingerprint(instance, database_url))


def fingerprint(instance: Instance, database_url: str) -> dict[str, Any]:
    demo = hashlib.sha256(f"{instance.demo_email}\0{instance.demo_password}".encode()).hexdigest()
    return {
        "code": code_fingerprint(),
        "environment": instance.environment,
        "demo": demo,
        "database": database_identity(database_url),
    }


def code_fingerprint() -> str:
    """One hash over every source file and the pins: a few hundredths of a second."""
    whole = hashlib.sha256((ROOT / "requirements.txt").read_bytes())
    for path in sorted(path for room in ROOMS for path in (ROOT / room).rglob("*.py")):
        whole.update(str(path.relative_to(ROOT)).encode())
        whole.update(path.read_bytes())
    return whole.hexdigest()


def database_identity(database_url: str) -> list[str] | None:
    """Which database this is, and its migrations; None where that cannot be told."""
    try:
        with psycopg.connect(database_url, connect_timeout=2) as connection:
            row = connection.execute(DATABASE_IDENTITY).fetchone()
            return list(row[:3]) if row and int(row[3]) else None
    except psycopg.Error:
        return None
