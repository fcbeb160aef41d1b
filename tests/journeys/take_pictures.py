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


def main(url: str, email: str, password: str, folder: str = "docs/images") -> None:
    target = Path(folder)
    target.mkdir(parents=True, exist_ok=True)
    with sync_playwright() as playwright:
        browser = launch(playwright)
        for width, height in WIDTHS.items():
            for theme in THEMES:
                context = browser.new_context(viewport={"width": width, "height": height}, color_scheme=theme)
                page = context.new_page()
                page.on("console", _say_errors)
                _take_all(page, url, (email, password), partial(_path, target, f"{width}-{theme}"))
                context.close()
        browser.close()


def _take_all(page: Any, url: str, who: tuple[str, str], path_of: Any) -> None:
    page.goto(f"{url}/accounts/login/")
    page.screenshot(path=path_of("sign-in"))
    page.fill("input[name=login]", who[0])
    page.fill("input[name=password]", who[1])
    page.click("button[type=submit]:has-text('Sign in')")
    page.wait_for_selector("#dashboard")
    page.wait_for_function("document.fonts.status === 'loaded'")
    page.screenshot(path=path_of("dashboard"))
    page.goto(f"{url}/bots/")
    page.wait_for_selector("#bots")
    page.screenshot(path=path_of("bots"))
    _open_busiest_bot(page, url)
    page.wait_for_selector("#chart canvas")
    page.wait_for_timeout(800)
    _take_tall(page, path_of("bot"))
    page.goto(f"{url}/bots/new/?preset=first-look")
    page.wait_for_selector("#summary ul")
    _take_tall(page, path_of("bot-form"))
    for name in ("trades", "keys"):
        page.goto(f"{url}/{name}/")
        page.screenshot(path=path_of(name))


def _say_errors(message: Any) -> None:
    if message.type == "error":
        print(message.text, file=sys.stderr)


def _path(folder: Path, kind: str, name: str) -> str:
    return str(folder / f"{name}-{kind}.png")


def _take_tall(page: Any, path: str) -> None:
    """Half as tall again as a screen: what lies below the fold belongs to the picture."""
    size = page.viewport_size
    page.set_viewport_size({"width": size["width"], "height": size["height"] * 3 // 2})
    page.wait_for_timeout(400)
    page.screenshot(path=path)
    page.set_viewport_size(size)


def _open_busiest_bot(page: Any, url: str) -> None:
    """The bot of the newest trade: its page has something to show."""
    page.goto(f"{url}/trades/")
    link = page.locator("#trades tbody a").first
    target = link if link.count() else page.goto(f"{url}/bots/") and page.locator("#bots tbody a").first
    target.click()


if __name__ == "__main__":
    main(*sys.argv[1:])
