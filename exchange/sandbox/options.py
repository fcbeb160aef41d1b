"""How a sandbox is told what to be: environment in, one frozen value out, loud when something is missing."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from exchange.sandbox.limits import Limits


class OptionsError(ValueError):
    """A setting is missing or makes no sense; the message names it."""


@dataclass(frozen=True)
class Options:
    """`clock` and `start_ms` count at the first start only; afterwards the journal knows better."""

    data_dir: Path
    token: str
    key_secret: str
    host: str = "127.0.0.1"
    port: int = 8001
    clock: str = "real"
    start_ms: int | None = None
    limits: Limits = field(default_factory=Limits)


def options_from(environ: Mapping[str, str]) -> Options:
    for name in ("DATA_DIR", "SANDBOX_TOKEN", "SANDBOX_KEY_SECRET"):
        if not environ.get(name):
            raise OptionsError(f"{name} is not set")
    clock = environ.get("SANDBOX_CLOCK", "real")
    if clock not in ("real", "step"):
        raise OptionsError("SANDBOX_CLOCK must be real or step")
    start = environ.get("SANDBOX_START_MS", "")
    return Options(
        data_dir=Path(environ["DATA_DIR"]),
        token=environ["SANDBOX_TOKEN"],
        key_secret=environ["SANDBOX_KEY_SECRET"],
        host=environ.get("SANDBOX_HOST", "127.0.0.1"),
        port=_whole(environ.get("SANDBOX_PORT", "8001"), "SANDBOX_PORT"),
        clock=clock,
        start_ms=_whole(start, "SANDBOX_START_MS") if start else None,
        limits=_limits(environ),
    )


LIMIT_NAMES = {
    "weight_per_minute": "SANDBOX_WEIGHT_LIMIT",
    "orders_per_10s": "SANDBOX_ORDERS_10S_LIMIT",
    "orders_per_day": "SANDBOX_ORDERS_DAY_LIMIT",
}


def _limits(environ: Mapping[str, str]) -> Limits:
    """What is not set keeps its generous default."""
    given = {field_name: environ.get(name, "") for field_name, name in LIMIT_NAMES.items()}
    return Limits(
        **{field_name: _whole(text, LIMIT_NAMES[field_name]) for field_name, text in given.items() if text}
    )


def _whole(text: str, name: str) -> int:
    if not text.isdigit():
        raise OptionsError(f"{name} must be a whole number")
    return int(text)
