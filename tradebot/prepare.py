"""Brings the database to where the code expects it, then lays out the demo: one process, run before any other of ours.

Safe to run at every start: nothing is done twice.
"""

from __future__ import annotations

import os
import sys

import django
from django.conf import settings
from django.core.exceptions import ImproperlyConfigured
from django.core.management import call_command, get_commands
from django.db import OperationalError, connection
from django.db.migrations.executor import MigrationExecutor


def prepare_database() -> None:
    """Apply what is missing of the migrations, and make the demo user with paper keys and bots outside production."""
    if has_unapplied_migrations():
        call_command("migrate", interactive=False, verbosity=1)
    if settings.IN_PRODUCTION:
        call_command("collectstatic", interactive=False, verbosity=0)
    elif "quickstart" in get_commands():
        call_command("quickstart")


def has_unapplied_migrations() -> bool:
    executor = MigrationExecutor(connection)
    return bool(executor.migration_plan(executor.loader.graph.leaf_nodes()))


if __name__ == "__main__":
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "tradebot.settings")
    try:
        django.setup()
        prepare_database()
    except (ImproperlyConfigured, OperationalError) as trouble:
        # Whoever set something wrong reads what, not our stack.
        sys.exit(str(trouble).strip())
