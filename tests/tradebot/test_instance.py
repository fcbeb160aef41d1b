"""What an instance is told by its environment, and what it keeps."""

from __future__ import annotations

import stat
from pathlib import Path

import pytest

from tradebot.supervisor.files import read_json, write_private_json
from tradebot.supervisor.instance import ROOT, UsageError, read_instance
from tradebot.supervisor.keys import exported_secrets, instance_secrets
from tradebot.supervisor.logfiles import TURN_OVER_BYTES, last_lines, open_log

NAMES = ("HOST", "PORT", "DATA_DIR", "ENVIRONMENT", "DEMO_EMAIL", "DEMO_PASSWORD")


@pytest.fixture(autouse=True)
def bare_environment(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    for name in NAMES:
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("ENV_FILE", str(tmp_path / "none"))


def test_without_environment_everything_is_local() -> None:
    instance = read_instance()
    assert (instance.url, instance.data_dir) == ("http://127.0.0.1:8000", ROOT / "var")
    assert (instance.demo_email, instance.demo_password) == ("demo@tradebot.local", "Demo-trading-2026")


def test_an_env_file_is_read_and_the_environment_wins(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    (tmp_path / "settings").write_text("PORT=8100\nDEMO_EMAIL=me@example.com\n")
    monkeypatch.setenv("ENV_FILE", str(tmp_path / "settings"))
    monkeypatch.setenv("PORT", "8200")
    # Written by the file; restored afterwards.
    monkeypatch.setenv("DEMO_EMAIL", "")
    monkeypatch.delenv("DEMO_EMAIL")
    instance = read_instance()
    assert (instance.port, instance.demo_email) == (8200, "me@example.com")


@pytest.mark.parametrize("port", ["http", "-1", "65536", "80.5"])
def test_a_port_that_is_none_is_refused(monkeypatch: pytest.MonkeyPatch, port: str) -> None:
    monkeypatch.setenv("PORT", port)
    with pytest.raises(UsageError, match="PORT must be a number"):
        read_instance()


@pytest.mark.parametrize("host", ["0.0.0.0", "::", "192.168.1.5", "tradebot.example.com"])
def test_the_published_password_is_not_shown_to_a_network(monkeypatch: pytest.MonkeyPatch, host: str) -> None:
    monkeypatch.setenv("HOST", host)
    with pytest.raises(UsageError, match="DEMO_PASSWORD="):
        read_instance()
    monkeypatch.setenv("DEMO_PASSWORD", "Another-one-2026")
    assert read_instance().host == host


def test_production_has_no_demo_user(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOST", "0.0.0.0")
    monkeypatch.setenv("ENVIRONMENT", "production")
    assert read_instance().has_demo_user is False


def test_secrets_are_made_once_and_kept_private(tmp_path: Path) -> None:
    first = instance_secrets(tmp_path)
    path = tmp_path / "secrets.json"
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert instance_secrets(tmp_path) == first
    assert len(set(first.values())) == len(first)


def test_a_secret_of_the_environment_wins(tmp_path: Path) -> None:
    known = instance_secrets(tmp_path)
    exported = exported_secrets(known, {"SECRET_KEY": "mine"})
    assert exported["SECRET_KEY"] == "mine"
    assert exported["FERNET_KEYS"] == known["FERNET_KEYS"]
    assert "POSTGRES_PASSWORD" not in exported


def test_a_private_file_is_replaced_whole(tmp_path: Path) -> None:
    path = tmp_path / "run.json"
    write_private_json(path, {"pid": 1})
    write_private_json(path, {"pid": 2})
    assert read_json(path) == {"pid": 2}
    assert [entry.name for entry in tmp_path.iterdir()] == ["run.json"]


def test_what_is_no_json_counts_as_absent(tmp_path: Path) -> None:
    (tmp_path / "torn.json").write_text('{"pid": ')
    assert read_json(tmp_path / "torn.json") is None
    assert read_json(tmp_path / "missing.json") is None


def test_a_long_log_is_turned_over_at_the_next_start(tmp_path: Path) -> None:
    log = tmp_path / "web.log"
    for number in range(5):
        with open_log(log) as output:
            output.write(f"start {number}\n".encode() + b"x" * TURN_OVER_BYTES)
    names = sorted(entry.name for entry in tmp_path.iterdir())
    assert names == ["web.log", "web.log.1", "web.log.2", "web.log.3"]
    assert log.read_bytes()[:8] == b"start 4\n"


def test_the_end_of_a_log_is_shown(tmp_path: Path) -> None:
    log = tmp_path / "web.log"
    log.write_text("".join(f"line {number}\n" for number in range(30)))
    assert last_lines(log, 2) == "    line 28\n    line 29"
    assert last_lines(tmp_path / "missing.log") == ""
