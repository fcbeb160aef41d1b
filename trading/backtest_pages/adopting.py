""" "Make this a bot": the bot form filled in by its address. Its owner looks it over there, and saves it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any
from urllib.parse import urlencode

from django.urls import reverse

from bots.scope import NOT_YET


def bot_form_address(values: Mapping[str, Any]) -> str:
    """`values` as `bot_values_of` says them; what the form of this version does not ask is left out."""
    told = {name: value for name, value in values.items() if value is not None and name not in NOT_YET}
    params = {name: "" if value is None else value for name, value in told.pop("strategy_params").items()}
    return f"{reverse('bot-new')}?{urlencode({**told, **params})}"
