"""English first, Turkish included: what a Turkish browser is shown, and that the catalogue has everything."""

from __future__ import annotations

import gettext
import re
from pathlib import Path
from typing import Any

import pytest
from django.conf import settings

from bots import standing
from bots.models import Timeframe
from engine.reasons import Reason
from engine.strategies import all_strategies, params_fields

CATALOGUE = Path(settings.BASE_DIR) / "tradebot" / "locale" / "tr" / "LC_MESSAGES"


@pytest.mark.parametrize(("language", "word"), [("tr", "Botlar"), ("en", "Bots"), ("de", "Bots")])
def test_pages_speak_the_browsers_language(alice_page: Any, language: str, word: str) -> None:
    shown = alice_page.get("/bots/", headers={"Accept-Language": language}).content.decode()
    assert f"<span>{word}</span>" in shown


def test_the_compiled_catalogue_is_that_of_the_sources() -> None:
    with (CATALOGUE / "django.mo").open("rb") as compiled:
        known = gettext.GNUTranslations(compiled)
    # What means different things in different places is told apart by a context.
    written = re.sub(r'^msgctxt ".+"\n.+\n', "", (CATALOGUE / "django.po").read_text(), flags=re.MULTILINE)
    pairs = re.findall(r'^msgid "(.+)"\nmsgstr "(.+)"$', written, re.MULTILINE)
    assert len(pairs) > 300
    plain = {source: target for source, target in pairs if "\\" not in source + target}
    assert {source: known.gettext(source) for source in plain} == plain


def test_nothing_in_the_catalogue_is_left_untranslated() -> None:
    entries = (CATALOGUE / "django.po").read_text().split("\n\n")[1:]
    assert [
        entry for entry in entries if re.search(r'^msgstr(\[\d\])? ""$(?!\n")', entry, re.MULTILINE)
    ] == []
    assert len(entries) > 800


def words_of_the_engine() -> set[str]:
    """Said by rooms that know no Django, and stored in English: translated where a page shows them."""
    fields = [field for entry in all_strategies() for field in params_fields(entry.name)]
    titles = {entry.title for entry in all_strategies()}
    statuses = {value for name, value in vars(standing).items() if name.isupper() and isinstance(value, str)}
    return (
        statuses | titles | {field.label for field in fields} | {field.help for field in fields} | set(Reason)
    )


def test_the_engines_words_are_in_the_catalogue() -> None:
    with (CATALOGUE / "django.mo").open("rb") as compiled:
        known = gettext.GNUTranslations(compiled)
    said = {str(word) for word in words_of_the_engine()} | {str(label) for label in Timeframe.labels}
    # "Trend EMA" is the same in both.
    assert {word for word in said if known.gettext(word) == word} <= {"Trend EMA"}


def test_no_position_is_not_called_one(alice_page: Any) -> None:
    shown = alice_page.get("/", headers={"Accept-Language": "tr"}).content.decode()
    assert "0 açık pozisyon" in shown
