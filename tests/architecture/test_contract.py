"""What is written down about the command line and the settings equals the code."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from django.core.management import get_commands
from django.template.loader import get_template

from tradebot.verbs.entrance import VERBS, usage

ROOT = Path(__file__).resolve().parents[2]
READS = re.compile(r"""(?:\benv(?:\.\w+)?|\bsecret|\bpositive_amount)\(\s*["']([A-Z][A-Z_]+)["']""")
# Not a person's to set: where .env is, and which of our processes this is.
INTERNAL = {"ENV_FILE", "PROCESS_ROLE"}
# SPEC §13, as far as this version goes.
COMMANDS = {
    "quickstart",
    "run_bots",
    "run_feed",
    "audit_fills",
    "sandbox",
    "doctor",
    "verify_audit_log",
    "backfill_candles",
    "backtest",
}


def test_env_example_names_every_setting_and_no_other() -> None:
    read = set(READS.findall((ROOT / "tradebot" / "settings.py").read_text()))
    composed = set(re.findall(r"\$\{([A-Z_]+)", (ROOT / "docker-compose.yml").read_text()))
    example = (ROOT / ".env.example").read_text()
    named = set(re.findall(r"^#?([A-Z][A-Z_]+)=", example, re.MULTILINE))
    assert named == (read | composed | {"COMPOSE_PROFILES"}) - INTERNAL


def test_the_verbs_are_those_of_the_contract() -> None:
    assert list(VERBS) == ["", "status", "stop", "test", "check", "bench", "chaos", "parity", "manage"]
    assert all(f"./run {verb}".rstrip() in usage() for verb in VERBS)


def test_every_verb_has_its_module() -> None:
    missing = [
        name for name, _ in VERBS.values() if not (ROOT / "tradebot" / "verbs" / f"{name}.py").is_file()
    ]
    assert missing == []


def test_every_command_of_this_version_is_there() -> None:
    rooms = {"engine", "exchange", "accounts", "bots", "trading", "tradebot"}
    ours = {name for name, app in get_commands().items() if app in rooms}
    assert COMMANDS - ours == set()


@pytest.mark.parametrize(
    "name",
    sorted(path.relative_to(ROOT / "templates").as_posix() for path in (ROOT / "templates").rglob("*.html")),
)
def test_every_template_compiles(name: str) -> None:
    assert get_template(name).template is not None


@pytest.mark.parametrize("path", ["run", ".ci/run"])
def test_entrances_can_be_executed(path: str) -> None:
    assert (ROOT / path).stat().st_mode & 0o111 == 0o111
