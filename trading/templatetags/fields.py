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
