"""Runs every due bot once, in this process, and says what each did."""

from __future__ import annotations

from typing import Any

from django.core.management.base import BaseCommand, CommandParser

from trading.due import due_bots
from trading.orders.settlement import settle_orders
from trading.runner import Locked, run_bot


class Command(BaseCommand):
    help = "Evaluate all due bots now (the worker does the same every minute)."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument(
            "--once", action="store_true", help="one pass, then end (the default and only way)"
        )

    def handle(self, *args: Any, **options: Any) -> None:
        settle_orders()
        due = due_bots()
        for bot_id in due:
            try:
                line = run_bot(bot_id)
            except Locked:
                line = "skipped (locked)"
            self.stdout.write(f"bot {bot_id}: {line}")
        self.stdout.write(f"{len(due)} bots were due.")
