"""What this version does not do yet, refused by name: nothing is accepted and then ignored.

A later issue deletes its line here when it builds the thing.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from django.utils.translation import gettext_lazy as _

# Venues are refused where keys are added; bots ask the same list.
from accounts.keys import VENUES_NOT_YET

__all__ = ["NOT_YET", "VENUES_NOT_YET", "refusals"]

# field → (the only values accepted today, why another is refused)
NOT_YET: dict[str, tuple[tuple[Any, ...], Any]] = {
    "position_type": (("spot",), _("Futures bots are not available yet. Choose spot.")),
    "direction": (("long",), _("Only long bots are available yet. Choose long.")),
    "leverage": ((1,), _("Leverage needs futures, which are not available yet. Set it to 1.")),
    "auto_transfer_funds": (
        (False,),
        _("Transfers need futures, which are not available yet. Leave this off."),
    ),
    "transfer_amount": ((None,), _("Transfers need futures, which are not available yet. Leave this empty.")),
}


def refusals(values: Mapping[str, Any]) -> dict[str, Any]:
    """One message per field of `values` that asks for something this version does not do."""
    return {
        field: message
        for field, (accepted, message) in NOT_YET.items()
        if field in values and values[field] not in accepted
    }
