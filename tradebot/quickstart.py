"""Lays out the demo: a user, three paper keys, four bots each, started. Doing it again changes nothing.

Outside production only: the credentials are public.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any

from django.conf import settings

from accounts.keys import mint_paper_key
from accounts.models import ApiKey, User
from bots.configuration import create_bot
from bots.models import BotConfig
from bots.presets import preset
from trading.lifecycle import start_bot

CAPITAL = Decimal(2_000)
SYMBOLS = ("BTCUSDT", "ETHUSDT")
# Key label → the presets of its bots, each on both symbols. The first four are those that `exchange.sandbox` looks
# for when it chooses where in the recording to begin.
LAYOUT = {
    "Paper account 1": ("first-look", "steady"),
    "Paper account 2": ("quick", "swing"),
    "Paper account 3": ("eager", "restless"),
}


@dataclass
class Laid:
    """What this run of quickstart made; everything else was there already."""

    user: User
    keys: int = 0
    bots: int = 0
    names: list[str] = field(default_factory=list)


def lay_out(email: str, password: str) -> Laid:
    """Raises PermissionError in production, ExchangeError or LifecycleRefused when the sandbox is away."""
    if settings.IN_PRODUCTION:
        raise PermissionError("The demo user exists outside production only.")
    user = User.objects.filter(email__iexact=email).first() or User.objects.create_user(email, password)
    laid = Laid(user)
    for label, presets in LAYOUT.items():
        key = ApiKey.objects.for_user(user).filter(label=label).first()
        if key is None:
            key = mint_paper_key(user, label)
            laid.keys += 1
        for name in presets:
            for symbol in SYMBOLS:
                _bot(laid, key, name, symbol)
    return laid


def _bot(laid: Laid, key: ApiKey, preset_name: str, symbol: str) -> None:
    """A bot the user has renamed, changed, stopped or deleted is theirs: it is made and started once only."""
    chosen = preset(preset_name)
    name = f"{chosen.title} {symbol.removesuffix('USDT')}"
    if BotConfig.objects.filter(user=laid.user, api_key=key, symbol=symbol, name=name).exists():
        return
    values: dict[str, Any] = {
        **chosen.values,
        "name": name,
        "api_key": key.pk,
        "symbol": symbol,
        "initial_capital": CAPITAL,
    }
    bot = create_bot(laid.user, values, laid.user)
    start_bot(bot, by=laid.user)
    laid.bots += 1
    laid.names.append(bot.name)
