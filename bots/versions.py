"""Versions of a bot's configuration: stored with every saved change, compared with each other and with a stale edit."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.utils.translation import gettext as _

from bots.models import BotConfig, BotVersion
from bots.validation import FIELDS, configuration_of


@dataclass(frozen=True, slots=True)
class Difference:
    """One field of a stale edit: what its author saw, what it is now, and what the author wants."""

    field: str
    seen: Any
    now: Any
    wanted: Any


class StaleVersion(Exception):
    """The bot has changed since: `current` is its version now, `differences` what changed. Nothing was saved."""

    def __init__(self, current: int, differences: tuple[Difference, ...]) -> None:
        super().__init__(_("This bot was changed meanwhile. Look at the differences, then save again."))
        self.current = current
        self.differences = differences


@dataclass(frozen=True, slots=True)
class Change:
    """One field of a version, beside what it was in the version before."""

    field: str
    before: Any
    after: Any


@dataclass(frozen=True, slots=True)
class VersionEntry:
    """A version as its history shows it. The first has no changes: there was nothing before."""

    version: int
    author: str
    saved_at: datetime
    configuration: Mapping[str, Any]
    changes: tuple[Change, ...]
    is_current: bool


def versions_of(bot: BotConfig) -> list[VersionEntry]:
    """Every saved configuration with what it changed, newest first. One query."""
    rows = list(BotVersion.objects.filter(bot_config=bot).select_related("author").order_by("version"))
    earlier: list[BotVersion | None] = [None, *rows[:-1]]
    entries = [
        VersionEntry(
            version=row.version,
            author=row.author.email,
            saved_at=row.created_at,
            configuration=row.configuration,
            changes=changes_between(before.configuration, row.configuration) if before else (),
            is_current=row.version == bot.version,
        )
        for before, row in zip(earlier, rows, strict=True)
    ]
    return entries[::-1]


def changes_between(before: Mapping[str, Any], after: Mapping[str, Any]) -> tuple[Change, ...]:
    """The fields that differ. A field that a version was stored without was at its default then."""
    old, new = filled(before), filled(after)
    return tuple(Change(name, old[name], new[name]) for name in FIELDS if old[name] != new[name])


def filled(configuration: Mapping[str, Any]) -> dict[str, Any]:
    """A stored configuration with every field of today: those that came later have their default."""
    fresh = BotConfig()
    values = {name: getattr(fresh, name) for name in FIELDS if name != "api_key"}
    defaults = configuration_of({**values, "api_key": None})
    return {name: configuration.get(name, defaults[name]) for name in FIELDS}


def save_version(bot: BotConfig, checked: Mapping[str, Any], by: Any) -> None:
    """The configuration as it stands now, in the transaction that changes the bot."""
    BotVersion.objects.create(
        bot_config=bot, version=bot.version, author=by, configuration=configuration_of(checked)
    )


def stored_configuration(bot: BotConfig, version: int) -> dict[str, Any] | None:
    rows = BotVersion.objects.filter(bot_config=bot, version=version)
    found: dict[str, Any] | None = rows.values_list("configuration", flat=True).first()
    return found


def differences_to(bot: BotConfig, seen_version: int, wanted: Mapping[str, Any]) -> tuple[Difference, ...]:
    """Fields that changed since `seen_version`, and those the author wants otherwise than they are now."""
    seen = stored_configuration(bot, seen_version) or {}
    now = configuration_of({name: getattr(bot, name) for name in FIELDS})
    return tuple(
        Difference(name, seen.get(name), now[name], wanted[name])
        for name in FIELDS
        if now[name] != seen.get(name, now[name]) or now[name] != wanted[name]
    )
