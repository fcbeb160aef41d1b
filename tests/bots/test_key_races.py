"""A key deleted in the instant a bot is made on it: one of the two is refused in words, and nothing is half done."""

from __future__ import annotations

import threading
from typing import Any

import pytest
from django.db import connection, transaction

from accounts.keys import KeyInUse, delete_key
from accounts.models import ApiKey
from bots.configuration import ConfigurationRefused, create_bot
from bots.models import BotConfig
from bots.validation import check_configuration
from tests.races import WAIT_S, wait_until_somebody_waits

pytestmark = pytest.mark.django_db(transaction=True)


def test_a_bot_made_after_the_deletion_has_looked_forbids_it(alice: Any, wanted: Any, paper_key: Any) -> None:
    """The deletion finds no bot and waits for the key's row; then a bot is made, and its answer names that bot."""
    ends: list[Any] = []

    def delete() -> None:
        try:
            delete_key(paper_key)
            ends.append("deleted")
        except KeyInUse as refused:
            ends.append(list(refused.bots.values()))
        finally:
            connection.close()

    deleter = threading.Thread(target=delete)
    checked = check_configuration(alice, wanted)
    with transaction.atomic():
        ApiKey.objects.select_for_update().get(pk=paper_key.pk)
        deleter.start()
        wait_until_somebody_waits()
        bot = BotConfig.objects.create(user=alice, account=paper_key.account, **checked)
    deleter.join(WAIT_S)
    assert (ends, ApiKey.objects.count()) == ([[str(bot)]], 1)


def test_of_many_bots_and_one_deletion_at_once_nothing_is_left_half(
    alice: Any, wanted: Any, paper_key: Any
) -> None:
    together, ends = threading.Barrier(4), []

    def attempt(call: Any) -> None:
        together.wait(WAIT_S)
        try:
            call()
            ends.append("done")
        except KeyInUse:
            ends.append("in use")
        except ConfigurationRefused as refused:
            ends.append(str(refused.errors))
        finally:
            connection.close()

    calls = [lambda n=n: create_bot(alice, {**wanted, "name": f"Bot {n}"}, by=alice) for n in range(3)]
    threads = [
        threading.Thread(target=attempt, args=(call,)) for call in (*calls, lambda: delete_key(paper_key))
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(WAIT_S)
    no_key = "{'api_key': ['This API key does not exist.']}"
    made = BotConfig.objects.count()
    assert sorted(ends) in (["done", "done", "done", "in use"], ["done", no_key, no_key, no_key])
    assert (made, ApiKey.objects.count()) == ((3, 1) if "in use" in ends else (0, 0))
