"""`./run status`: a table for people of what runs and what the health page says."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import psutil

from tradebot.supervisor.asking import health_of
from tradebot.supervisor.files import read_json
from tradebot.supervisor.instance import UsageError, read_instance
from tradebot.supervisor.lock import holder_of


def run(arguments: list[str]) -> int:
    if arguments:
        raise UsageError("./run status takes no arguments; DATA_DIR says which instance is meant.")
    instance = read_instance()
    holder = holder_of(instance.data_dir)
    if holder is None:
        print(f"TradeBot does not run (data in {instance.data_dir}). Type ./run to start it.")
        return 0
    content = read_json(instance.run_file)
    if content is None:
        print(f"TradeBot (pid {holder}) is starting.")
        return 0
    print(f"TradeBot runs at {content['url']} (pid {holder}, data in {instance.data_dir}).\n")
    print_processes(content["processes"])
    print_health(content["url"])
    return 0


def print_processes(processes: dict[str, dict[str, Any]]) -> None:
    print(f"{'process':<12}{'pid':>8}  {'up':>9}  {'memory':>8}")
    for name, entry in processes.items():
        up = datetime.now(UTC) - datetime.fromisoformat(entry["started_at"])
        print(f"{name:<12}{entry['pid']:>8}  {in_words(up.total_seconds()):>9}  {memory_of(entry['pid']):>8}")


def print_health(url: str) -> None:
    report = health_of(url)
    print(f"\nhealth: {report['status']}")
    checks = report.get("checks")
    for name, check in checks.items() if isinstance(checks, dict) else ():
        print(f"  {'ok ' if check['ok'] else 'BAD'} {name:<12} {check['detail']}")


def memory_of(pid: int) -> str:
    try:
        process = psutil.Process(pid)
        parts = [process, *process.children(recursive=True)]
        return f"{sum(part.memory_info().rss for part in parts) / 1e6:.0f} MB"
    except psutil.Error:
        return "?"


def in_words(seconds: float) -> str:
    minutes, rest = divmod(int(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}h {minutes:02}m" if hours else f"{minutes}m {rest:02}s"
