"""Two people at once, each in a browser of their own: both trade, and nothing of one is seen, heard or moved by the
other."""

from __future__ import annotations

from typing import Any, NamedTuple

import pytest
from playwright.sync_api import expect

from accounts.models import ApiKey, User
from bots.configuration import create_bot
from bots.models import BotConfig, Halt
from bots.presets import preset
from tests.journeys.test_first_trade import sign_up
from trading.models import Trade
from trading.runner import run_bot

pytestmark = pytest.mark.browser
PAGES = (
    "/",
    "/bots/",
    "/trades/",
    "/keys/",
    "/halts/",
    "/halts/flat/",
    "/markets/BTCUSDT/",
    "/accounts/security/",
)


class Person(NamedTuple):
    name: str
    page: Any
    user: User
    key: ApiKey
    bot: BotConfig

    @property
    def secrets(self) -> tuple[str, ...]:
        """What nobody else may ever be shown."""
        return (self.bot.name, self.key.masked_key, self.user.email)

    def post(self, address: str, **form: str) -> int:
        """The status of a form sent as this person's browser would send it."""
        (token,) = [c["value"] for c in self.page.context.cookies() if c["name"] == "csrftoken"]
        answer = self.page.request.post(
            address,
            form={**form, "csrfmiddlewaretoken": token},
            headers={"X-CSRFToken": token},
            max_redirects=0,
        )
        return int(answer.status)


@pytest.fixture
def two(open_page: Any, sandbox: Any) -> tuple[Person, Person]:
    return person(open_page(), "dora"), person(open_page(), "emil")


def person(page: Any, name: str) -> Person:
    """Signed up in the browser, with a bot of the preset that trades most."""
    sign_up(page, f"{name}@example.com")
    user = User.objects.get(email=f"{name}@example.com")
    key = ApiKey.objects.for_user(user).get()
    own = {
        "name": f"Secret of {name}",
        "symbol": "BTCUSDT",
        "api_key": str(key.pk),
        "initial_capital": "1000",
    }
    values = {**preset("first-look").values, **own}
    return Person(name, page, user, key, create_bot(user, values, by=user))


def addresses_of(owner: Person) -> tuple[list[str], list[str]]:
    """Pages and deeds that are the owner's alone."""
    bot, key = f"/bots/{owner.bot.pk}/", f"/keys/{owner.key.pk}/"
    halts = [f"/halts/{halt.pk}/end/" for halt in Halt.objects.filter(user=owner.user)]
    return [bot, f"{bot}edit/", f"{bot}chart.json", f"{key}balance/", f"/api/v1/bot-states/{owner.bot.pk}"], [
        f"{bot}start/", f"{bot}stop/", f"{bot}delete/", f"{key}check/", f"{key}delete/", f"{key}reset/", *halts,
    ]  # fmt: skip


def check_unseen(reader: Person, owner: Person) -> None:
    for address in PAGES:
        shown = reader.page.request.get(address)
        assert shown.status == 200, address
        assert [secret for secret in owner.secrets if secret in shown.text()] == [], address
    pages, deeds = addresses_of(owner)
    assert {address: reader.page.request.get(address).status for address in pages} == dict.fromkeys(
        pages, 404
    )
    assert {address: reader.post(address) for address in deeds} == dict.fromkeys(deeds, 404)


def walk(sandbox: Any, people: tuple[Person, ...]) -> None:
    """Candle after candle, until everybody's bot has traded."""
    for _candle in range(120):
        sandbox.control.advance()
        for one in people:
            run_bot(one.bot.pk)
        if all(Trade.objects.filter(bot_config=one.bot).exists() for one in people):
            return
    raise AssertionError("no trade within two hours of candles")


def test_both_trade_and_nothing_leaks(two: tuple[Person, Person], sandbox: Any) -> None:
    dora, emil = two
    for one, other in ((dora, emil), (emil, dora)):
        one.page.goto(f"/bots/{one.bot.pk}/")
        expect(one.page.locator("body")).to_have_class("is-live")
        one.page.evaluate(
            """names => { window.heard = [];
            names.forEach(name => document.body.addEventListener('live:' + name, () => window.heard.push(name))); }""",
            [f"bot-{one.bot.pk}", f"bot-{other.bot.pk}"],
        )
        one.page.evaluate("window.stayed = true")
        assert one.post(f"/bots/{one.bot.pk}/start/") == 302
    walk(sandbox, two)
    for one in two:
        expect(one.page.locator("#bot-trades tbody tr").first).to_be_visible()
        assert set(one.page.evaluate("window.heard")) == {f"bot-{one.bot.pk}"}
        assert one.page.evaluate("window.stayed") is True
    check_unseen(dora, emil)
    check_unseen(emil, dora)


def test_a_halt_and_a_star_are_ones_own(two: tuple[Person, Person]) -> None:
    dora, emil = two
    assert emil.post(f"/bots/{emil.bot.pk}/start/") == dora.post(f"/bots/{dora.bot.pk}/start/") == 302
    dora.page.goto("/markets/")
    emil.page.goto("/halts/")
    emil.page.fill("input[name=reason]", "Holidays of Emil")
    emil.page.get_by_role("button", name="Halt").click()
    expect(emil.page.locator("#halt-sign")).to_contain_text("All your bots are halted: Holidays of Emil")
    assert emil.post("/markets/ETHUSDT/favourite/", wanted="1") == 302
    check_unseen(dora, emil)
    dora.page.reload()
    expect(dora.page.locator("#halt-sign")).to_have_text("")
    expect(dora.page.get_by_role("button", name="ETHUSDT as a favourite")).to_have_attribute(
        "aria-pressed", "false"
    )
    assert [BotConfig.objects.get(pk=one.bot.pk).state.status for one in two] == ["pending", "paused"]
    emil.page.get_by_role("button", name="Go on").click()
    expect(emil.page.locator("#halt-sign")).to_have_text("")
