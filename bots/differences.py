"""What versions of a bot differ in, told in the words of its form: labels for names, the texts of choices for their
values. Parameters of a strategy are told one by one.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from django import forms

from bots.versions import Change, Difference

PARAMS = "strategy_params"


def in_words(form: forms.Form, differences: Iterable[Difference]) -> list[Difference]:
    """Of a stale edit: what its author saw, what is there now, what the author wants."""
    return [
        Difference(label_of(form, name), *(text_of(form, name, value) for value in values))
        for difference in differences
        for name, values in _parts(difference.field, (difference.seen, difference.now, difference.wanted))
    ]


def changes_in_words(form: forms.Form, changes: Iterable[Change]) -> list[Change]:
    """Of a version: what was before it and what it made of that."""
    return [
        Change(label_of(form, name), *(text_of(form, name, value) for value in values))
        for change in changes
        for name, values in _parts(change.field, (change.before, change.after))
    ]


def label_of(form: forms.Form, name: str) -> str:
    field = form.fields.get(name)
    return name if field is None else str(field.label)


def text_of(form: forms.Form, name: str, value: Any) -> Any:
    field = form.fields.get(name)
    texts: Mapping[str, Any] = {} if field is None else dict(getattr(field.widget, "choices", ()))
    return texts.get(str(value), value)


def _parts(name: str, values: tuple[Any, ...]) -> Iterator[tuple[str, tuple[Any, ...]]]:
    if name != PARAMS:
        yield name, values
        return
    several = [value or {} for value in values]
    for param in {name: None for params in several for name in params}:
        each = tuple(params.get(param) for params in several)
        if any(value != each[0] for value in each):
            yield param, each
