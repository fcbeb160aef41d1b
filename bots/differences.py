"""What a stale edit differs in, told in the words of its form: labels for names, the texts of choices for their values.

Parameters of a strategy are told one by one.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from django import forms

from bots.configuration import Difference


def in_words(form: forms.Form, differences: Iterable[Difference]) -> list[Difference]:
    return [_worded(form, part) for difference in differences for part in _parts_of(difference)]


def _parts_of(difference: Difference) -> Iterator[Difference]:
    if difference.field != "strategy_params":
        yield difference
        return
    seen, now, wanted = (values or {} for values in (difference.seen, difference.now, difference.wanted))
    for name in {**seen, **now, **wanted}:
        if not seen.get(name) == now.get(name) == wanted.get(name):
            yield Difference(name, seen.get(name), now.get(name), wanted.get(name))


def _worded(form: forms.Form, difference: Difference) -> Difference:
    field = form.fields.get(difference.field)
    if field is None:
        return difference
    texts = dict(getattr(field.widget, "choices", ()))
    values = (difference.seen, difference.now, difference.wanted)
    return Difference(str(field.label), *(texts.get(str(value), value) for value in values))
