"""Form fields in Tabler's clothes, their hints and errors tied to them for screen readers."""

from __future__ import annotations

from django import forms, template
from django.forms import BoundField
from django.utils.safestring import SafeString

register = template.Library()


@register.simple_tag
def bootstrap_widget(field: BoundField) -> SafeString:
    """The widget of `field`, with the class of its kind and aria attributes that point at hint and errors."""
    widget = field.field.widget
    kind = "form-control"
    if isinstance(widget, forms.CheckboxInput):
        kind = "form-check-input"
    elif isinstance(widget, forms.Select):
        kind = "form-select"
    described = [f"{field.id_for_label}_error"] if field.errors else []
    if field.help_text:
        described.append(f"{field.id_for_label}_hint")
    attributes: dict[str, str | bool] = {"class": f"{kind} is-invalid" if field.errors else kind}
    if described:
        attributes["aria-describedby"] = " ".join(described)
    if field.errors:
        attributes["aria-invalid"] = "true"
    return field.as_widget(attrs=attributes)


@register.filter
def chosen_text(field: BoundField) -> str:
    """What a field holds, as people read it: the text of a choice, a number with its unit, or what empty means."""
    value = field.value()
    choices = dict(getattr(field.field.widget, "choices", ()))
    if choices:
        return str(choices.get(str(value), value))
    text = str(value) if value not in (None, "") else str(getattr(field.field, "empty", "") or "–")
    unit = getattr(field.field, "unit", "")
    return f"{text}\u00a0{unit}" if unit and text[0].isdigit() else text
