"""English first, Turkish included: what a Turkish browser is shown, and that the catalogue has everything."""

from __future__ import annotations

import gettext
import re
from pathlib import Path
from typing import Any

import pytest
from django.conf import settings

CATALOGUE = Path(settings.BASE_DIR) / "tradebot" / "locale" / "tr" / "LC_MESSAGES"


@pytest.mark.parametrize(("language", "word"), [("tr", "Botlar"), ("en", "Bots"), ("de", "Bots")])
def test_pages_speak_the_browsers_language(alice_page: Any, language: str, word: str) -> None:
    shown = alice_page.get("/bots/", headers={"Accept-Language": language}).content.decode()
    assert f"<span>{word}</span>" in shown


def test_the_compiled_catalogue_is_that_of_the_sources() -> None:
    with (CATALOGUE / "django.mo").open("rb") as compiled:
        known = gettext.GNUTranslations(compiled)
    written = (CATALOGUE / "django.po").read_text()
    pairs = re.findall(r'^msgid "(.+)"\nmsgstr "(.+)"$', written, re.MULTILINE)
    assert len(pairs) > 300
    plain = {source: target for source, target in pairs if "\\" not in source + target}
    assert {source: known.gettext(source) for source in plain} == plain
