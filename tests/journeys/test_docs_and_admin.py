"""Swagger, the browsable API and the admin in a real browser: they work under our policy and ask no other host."""

from __future__ import annotations

from typing import Any

import pytest

from tests.conftest import PASSWORD

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]


@pytest.fixture
def own_hosts_only(open_page: Any, live_site: str) -> Any:
    """A page that remembers every address it asked for."""
    page = open_page()
    asked: list[str] = []
    page.on("request", lambda request: asked.append(request.url))
    yield page
    strangers = [url for url in asked if not url.startswith((live_site, "data:", "blob:"))]
    assert strangers == []


def test_swagger_shows_every_address(own_hosts_only: Any) -> None:
    page = own_hosts_only
    page.goto("/api/v1/docs/")
    page.get_by_text("/bot-configs/{id}/versions/").wait_for()
    page.get_by_text("/bots/{id}/status-stream/").wait_for()


def test_an_operator_signs_in_to_the_admin_and_looks_at_keys(
    own_hosts_only: Any, bob: Any, paper_key: Any
) -> None:
    page = own_hosts_only
    page.goto("/admin/")
    page.fill("input[name=login]", "bob@example.com")
    page.fill("input[name=password]", PASSWORD)
    page.click("button[type=submit]")
    page.get_by_role("link", name="Api keys").first.click()
    page.get_by_text(paper_key.masked_key).wait_for()
    page.get_by_role("link", name="Paper").first.click()
    page.get_by_text("Masked key").first.wait_for()


def test_the_browsable_api_works_in_a_session(own_hosts_only: Any, alice: Any) -> None:
    page = own_hosts_only
    page.goto("/accounts/login/")
    page.fill("input[name=login]", "alice@example.com")
    page.fill("input[name=password]", PASSWORD)
    page.press("input[name=password]", "Enter")
    page.wait_for_url("**/")
    page.goto("/api/v1/api-keys/")
    page.fill("input[name=label]", "By browser")
    page.get_by_role("button", name="POST").first.click()
    page.get_by_text("By browser").first.wait_for()
    assert "201 Created" in page.content()


def test_a_schedule_opens_in_the_admin(own_hosts_only: Any, bob: Any) -> None:
    from django_celery_beat.models import IntervalSchedule, PeriodicTask

    # Schedules are laid by migrations, and a test with transactions begins with empty tables.
    every = IntervalSchedule.objects.create(every=5, period=IntervalSchedule.SECONDS)
    task = PeriodicTask.objects.create(name="settle", task="trading.settle_orders", interval=every)
    bob.is_superuser = True
    bob.save()
    page = own_hosts_only
    page.goto(f"/admin/django_celery_beat/periodictask/{task.pk}/change/")
    page.fill("input[name=login]", "bob@example.com")
    page.fill("input[name=password]", PASSWORD)
    page.click("button[type=submit]")
    page.locator("input[name=name]").wait_for()
    assert page.input_value("input[name=name]") == "settle"
