"""Pictures of the pages for docs/images, from a running installation:

python tests/journeys/take_pictures.py http://127.0.0.1:8000 demo@tradebot.local PASSWORD [folder]
"""

from __future__ import annotations

import sys
from functools import partial
from pathlib import Path
from typing import Any

from playwright.sync_api import sync_playwright

sys.path.insert(0, str(Path(__file__).resolve().parent))
from chrome import launch

WIDTHS = {1440: 900, 390: 844}
THEMES = ("light", "dark")
# Fonts, charts and what htmx fetches are there by then.
SETTLED_MS = 900
BEFORE_SIGNING_IN = {
    "sign-in": "/accounts/login/",
    "sign-up": "/accounts/signup/",
    "forgotten-password": "/accounts/password/forgot/",
}
# By name of the picture: the address, and what shows that the page is there.
PAGES = {
    "dashboard": ("/", "#dashboard"),
    "bots": ("/bots/", "#bots"),
    "trades": ("/trades/", "#trades"),
    "markets": ("/markets/", "[data-quote] .spark"),
    "backtests": ("/backtests/", "#backtests"),
    "optimizations": ("/optimizations/", "#optimizations"),
    "keys": ("/keys/", ".key-balance table"),
    "halts": ("/halts/", "#halts"),
    "going-flat": ("/halts/flat/", "#flat"),
    "security": ("/accounts/security/", "h1"),
}
TALL_PAGES = {
    "symbol": ("/markets/BTCUSDT/", "#market-chart canvas"),
}


def main(url: str, email: str, password: str, folder: str = "docs/images") -> None:
    target = Path(folder)
    target.mkdir(parents=True, exist_ok=True)
    with sync_playwright() as playwright:
        browser = launch(playwright)
        signed_in = _sign_in(browser, url, (email, password))
        for width, height in WIDTHS.items():
            for theme in THEMES:
                context = browser.new_context(viewport={"width": width, "height": height}, color_scheme=theme)
                page = context.new_page()
                page.on("console", _say_errors)
                _take_all(page, url, signed_in, partial(_path, target, f"{width}-{theme}"))
                context.close()
        browser.close()


def _take_all(page: Any, url: str, signed_in: Any, path_of: Any) -> None:
    for name, address in BEFORE_SIGNING_IN.items():
        _take(page, url + address, path_of(name))
    page.context.clear_cookies()
    page.context.add_cookies(signed_in)
    for name, (address, seen) in PAGES.items():
        _take(page, url + address, path_of(name), seen=seen)
    _open_busiest_bot(page, url)
    page.wait_for_selector("#chart canvas")
    _take_tall(page, path_of("bot"))
    page.locator("#bot-parity").evaluate("part => part.scrollIntoView()")
    _take_tall(page, path_of("bot-parity"))
    _take_exits(page, path_of)
    _take_form(page, url, path_of)
    for name, (address, seen) in TALL_PAGES.items():
        page.goto(url + address)
        page.wait_for_selector(seen)
        _take_tall(page, path_of(name))
    _take_receipt(page, url, path_of("receipt"))
    take_backtests(page, url, path_of)
    take_optimizations(page, url, path_of)


def _take(page: Any, address: str, path: str, *, seen: str = "body") -> None:
    page.goto(address)
    page.wait_for_selector(seen)
    page.wait_for_timeout(SETTLED_MS)
    page.screenshot(path=path)


def _sign_in(browser: Any, url: str, who: tuple[str, str]) -> Any:
    """Once for all pictures: signing in is limited to ten times an hour."""
    context = browser.new_context(locale="en-US")
    page = context.new_page()
    page.goto(f"{url}/accounts/login/")
    page.fill("input[name=login]", who[0])
    page.fill("input[name=password]", who[1])
    page.click("button[type=submit]:has-text('Sign in')")
    page.wait_for_selector("#dashboard")
    cookies = context.cookies()
    context.close()
    return cookies


def take_backtests(page: Any, url: str, path_of: Any) -> None:
    """The form, the newest report from above and further down, and two side by side; where there are any."""
    page.goto(f"{url}/backtests/new/?preset=eager")
    page.wait_for_selector("#summary ul")
    _take_tall(page, path_of("backtest-form"))
    page.goto(f"{url}/backtests/?status=done")
    boxes = page.locator("input[form=compare]")
    numbers = [boxes.nth(at).input_value() for at in range(min(boxes.count(), 3))]
    if numbers:
        page.goto(f"{url}/backtests/{numbers[0]}/")
        page.wait_for_selector("#price canvas")
        page.wait_for_selector("#curves canvas")
        _take_tall(page, path_of("backtest"))
        page.locator("#months").evaluate("part => part.scrollIntoView()")
        _take_tall(page, path_of("backtest-positions"))
    if len(numbers) > 1:
        page.goto(f"{url}/backtests/compare/?" + "&".join(f"id={number}" for number in numbers))
        page.wait_for_selector("#compare-curves canvas")
        _take_tall(page, path_of("backtest-compare"))


def take_optimizations(page: Any, url: str, path_of: Any) -> None:
    """The form on the newest backtest; the newest optimisation from above, its leaderboard and its heat map."""
    page.goto(f"{url}/optimizations/new/")
    beginning = page.locator("a[href^='?backtest=']").first
    if beginning.count():
        page.goto(f"{url}/optimizations/new/{beginning.get_attribute('href')}")
        page.wait_for_selector("#size")
        _take_tall(page, path_of("optimization-form"))
    page.goto(f"{url}/optimizations/")
    newest = page.locator("#optimizations tbody a").first
    if newest.count():
        page.goto(url + newest.get_attribute("href"))
        page.wait_for_selector("#progress")
        _take_tall(page, path_of("optimization"))
        for part in ("board", "heat"):
            if page.locator(f"#{part}").count():
                page.locator(f"#{part}").evaluate("part => part.scrollIntoView()")
                _take_tall(page, path_of(f"optimization-{part}"))


def _take_receipt(page: Any, url: str, path: str) -> None:
    """Of going flat, where somebody has gone flat; no picture is worth selling for."""
    page.goto(f"{url}/halts/")
    receipt = page.locator("a[href^='/halts/flat/']:has-text('Receipt')").first
    if receipt.count():
        _take(page, url + receipt.get_attribute("href"), path, seen="#receipt")


def _take_exits(page: Any, path_of: Any) -> None:
    """The dialog that moves stop and target, where the bot has any; then its versions."""
    move = page.get_by_role("link", name="Move stop or target")
    if move.count():
        move.click()
        page.wait_for_selector("#dialog[open]")
        page.screenshot(path=path_of("bot-exits"))
        page.keyboard.press("Escape")
    page.goto(f"{page.url.rstrip('/')}/versions/")
    page.screenshot(path=path_of("bot-versions"))


def _take_form(page: Any, url: str, path_of: Any) -> None:
    """Its first step, the one about risk, and the review."""
    page.goto(f"{url}/bots/new/?preset=first-look")
    page.wait_for_selector("#summary ul")
    _take_tall(page, path_of("bot-form"))
    for step, name in (("risk", "bot-form-risk"), ("review", "bot-form-review")):
        page.click(f"#form-steps [data-to-step={step}]")
        page.wait_for_selector(f"#step-{step}:not([hidden])")
        _take_tall(page, path_of(name))


def _say_errors(message: Any) -> None:
    if message.type == "error":
        print(message.text, file=sys.stderr)


def _path(folder: Path, kind: str, name: str) -> str:
    return str(folder / f"{name}-{kind}.png")


def _take_tall(page: Any, path: str) -> None:
    """Half as tall again as a screen: what lies below the fold belongs to the picture."""
    size = page.viewport_size
    page.set_viewport_size({"width": size["width"], "height": size["height"] * 3 // 2})
    page.wait_for_timeout(SETTLED_MS)
    page.screenshot(path=path)
    page.set_viewport_size(size)


def _open_busiest_bot(page: Any, url: str) -> None:
    """A bot in a protected position, else the one of the newest trade: its page has something to show."""
    for address, rows in (
        ("/bots/?holds=yes", "#bots tr:has(.cover-stands) a"),
        ("/trades/", "#trades tbody a"),
        ("/bots/", "#bots tbody a"),
    ):
        page.goto(f"{url}{address}")
        found = page.locator(rows).first
        if found.count():
            page.goto(f"{url}{found.get_attribute('href')}")
            return


if __name__ == "__main__":
    main(*sys.argv[1:])
