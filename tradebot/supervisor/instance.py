"""What one instance is: its folder, address and demo user, read from the environment once.

Everything an instance keeps lies under its DATA_DIR; two instances with two folders and two ports do not meet.
"""

from __future__ import annotations

import ipaddress
import os
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path

import environ

ROOT = Path(__file__).resolve().parent.parent.parent
DEFAULT_PASSWORD = "Demo-trading-2026"


class UsageError(Exception):
    """What was asked for cannot be meant so; the message says what to change (exit 2)."""


@dataclass(frozen=True, slots=True)
class Instance:
    """One installation's place and address; `variables` is the environment it was read from."""

    data_dir: Path
    host: str
    port: int
    environment: str
    demo_email: str
    demo_password: str
    variables: Mapping[str, str]

    def with_variables(self, variables: Mapping[str, str]) -> Instance:
        """The same instance, told other things by its environment."""
        return replace(self, variables=variables)

    @property
    def logs(self) -> Path:
        return self.data_dir / "logs"

    @property
    def run_file(self) -> Path:
        return self.data_dir / "run.json"

    @property
    def local_host(self) -> str:
        """The address this machine reaches the web process by."""
        if self.host in {"0.0.0.0", ""}:
            return "127.0.0.1"
        return "[::1]" if self.host == "::" else self.host

    @property
    def url(self) -> str:
        return f"http://{self.local_host}:{self.port}"

    @property
    def has_demo_user(self) -> bool:
        return self.environment != "production"


def read_instance() -> Instance:
    """The instance the environment (and `.env`) describes; raises UsageError on values that cannot be."""
    env_file = Path(os.environ.get("ENV_FILE") or ROOT / ".env")
    if env_file.is_file():
        environ.Env.read_env(env_file)
    variables = dict(os.environ)
    host = variables.get("HOST") or "127.0.0.1"
    instance = Instance(
        data_dir=(ROOT / (variables.get("DATA_DIR") or "var")).resolve(),
        host=host,
        port=read_port(variables.get("PORT") or "8000"),
        environment=variables.get("ENVIRONMENT") or "development",
        demo_email=variables.get("DEMO_EMAIL") or "demo@tradebot.local",
        demo_password=variables.get("DEMO_PASSWORD") or DEFAULT_PASSWORD,
        variables=variables,
    )
    check_password_fits_host(instance)
    return instance


def read_port(text: str) -> int:
    if not text.isdecimal() or not 0 <= int(text) <= 65535:
        raise UsageError(f"PORT must be a number from 1 to 65535 (or 0 for any free one), not {text!r}.")
    return int(text)


def check_password_fits_host(instance: Instance) -> None:
    """Refuse to show an account with a published password to a network."""
    if is_loopback(instance.host) or not instance.has_demo_user or instance.demo_password != DEFAULT_PASSWORD:
        return
    raise UsageError(
        f"HOST={instance.host} opens this instance to the network, and the demo user has its published password.\n"
        "Type DEMO_PASSWORD=<one of your own> ./run, or leave HOST at 127.0.0.1."
    )


def is_loopback(host: str) -> bool:
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False
