"""What a request says to a form in steps: what was typed to be saved, what is carried over to the fields of another
strategy, and what an address fills in.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final

from django.http import HttpRequest

from bots.form_fields import FieldsOfABot
from engine.strategies import UnknownStrategy, params_fields

# The button that shows the fields of another strategy where no script does it.
SHOW_PARAMETERS: Final = "show_parameters"
# Longer than any value of a field.
LONGEST: Final = 100


def typed(request: HttpRequest) -> Any:
    """What was posted to be saved."""
    return request.POST if request.method == "POST" and not _wants_other_fields(request) else None


def carried(request: HttpRequest, *, also: Sequence[str] = ()) -> dict[str, Any]:
    """What was typed, over from the page that had the fields of another strategy; those begin with their defaults."""
    if request.method != "POST" or not _wants_other_fields(request):
        return {}
    known = {*FieldsOfABot.base_fields, *also}
    return {name: value for name, value in request.POST.items() if name in known}


def named(request: HttpRequest) -> dict[str, Any]:
    """Fields filled in by the address, with the parameters of the strategy it names."""
    try:
        params = {param.name for param in params_fields(request.GET.get("strategy", ""))}
    except UnknownStrategy:
        params = set()
    known = {*FieldsOfABot.base_fields, *params}
    return {name: value for name, value in request.GET.items() if name in known and len(value) <= LONGEST}


def _wants_other_fields(request: HttpRequest) -> bool:
    """Another strategy was chosen than the one whose fields are on the page: they are shown first. Scripts do it at
    once; without them a button does."""
    other = request.POST.get("strategy") != request.POST.get("shown_strategy", request.POST.get("strategy"))
    return SHOW_PARAMETERS in request.POST or other
