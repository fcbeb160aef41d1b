"""The secrets of an instance: made once, kept in DATA_DIR/secrets.json (0600), overruled by the environment."""

from __future__ import annotations

import base64
import os
import secrets
from collections.abc import Mapping
from pathlib import Path

from tradebot.supervisor.files import read_json, write_private_json

SIGNING = ("SECRET_KEY", "JWT_SIGNING_KEY", "SANDBOX_TOKEN", "SANDBOX_KEY_SECRET")
SERVERS = ("POSTGRES_OWNER_PASSWORD", "POSTGRES_PASSWORD", "VALKEY_PASSWORD")


def instance_secrets(data_dir: Path) -> dict[str, str]:
    """All secrets by name; what is missing is made and written down before anyone uses it."""
    path = data_dir / "secrets.json"
    known: dict[str, str] = read_json(path) or {}
    made = {name: secrets.token_urlsafe(36) for name in (*SIGNING, *SERVERS) if name not in known}
    if "FERNET_KEYS" not in known:
        made["FERNET_KEYS"] = base64.urlsafe_b64encode(os.urandom(32)).decode()
    if made:
        known = {**known, **made}
        write_private_json(path, known)
    return known


def exported_secrets(known: Mapping[str, str], variables: Mapping[str, str]) -> dict[str, str]:
    """What processes of ours get in their environment; a value the person set wins."""
    return {name: variables.get(name) or known[name] for name in (*SIGNING, "FERNET_KEYS")}
