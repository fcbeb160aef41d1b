"""Browsers without a screen: Django's client, signed in as one of the three."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from django.test import Client


@pytest.fixture
def page_of() -> Callable[[Any], Client]:
    def signed_in(user: Any) -> Client:
        client = Client()
        client.force_login(user)
        return client

    return signed_in


@pytest.fixture
def alice_page(alice: Any, page_of: Any) -> Client:
    return page_of(alice)


@pytest.fixture
def bob_page(bob: Any, page_of: Any) -> Client:
    return page_of(bob)


@pytest.fixture
def charlie_page(charlie: Any, page_of: Any) -> Client:
    return page_of(charlie)


@pytest.fixture
def anonymous_page(db: None) -> Client:
    return Client()
