"""A database server that died between two tasks costs neither of them: the broken connection is replaced."""

from __future__ import annotations

import psycopg
import pytest
from django.db import OperationalError, connection

from tradebot.celery import drop_broken_connections


def backend() -> int:
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_backend_pid()")
        return int(cursor.fetchone()[0])


@pytest.mark.django_db(transaction=True)
def test_the_next_task_works_on_a_new_connection_after_one_that_failed() -> None:
    killed = backend()
    with pytest.raises(OperationalError), connection.cursor() as cursor:
        cursor.execute("SELECT pg_terminate_backend(pg_backend_pid())")
    drop_broken_connections()
    assert backend() != killed


@pytest.mark.django_db(transaction=True)
def test_a_connection_that_broke_while_nobody_used_it_is_noticed_before_the_task() -> None:
    killed = backend()
    settings = connection.get_connection_params()
    wanted = {name: settings[name] for name in ("dbname", "user", "password", "host", "port")}
    with psycopg.connect(**wanted, autocommit=True) as other:
        other.execute("SELECT pg_terminate_backend(%s)", [killed])
        while other.execute("SELECT 1 FROM pg_stat_activity WHERE pid = %s", [killed]).fetchone():
            pass
    drop_broken_connections()
    assert backend() != killed
