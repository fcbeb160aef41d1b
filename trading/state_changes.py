"""What `PUT bot-states/{id}` may change of a bot's live state. Everything is checked before anything is done; numbers
that come from fills and decisions are not for clients to write.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, Final

from django.db import transaction
from django.utils.translation import gettext as _

from accounts import audit, live
from accounts.models import AuditEvent
from bots import parsing
from bots.models import BotConfig, BotState, BotStatus
from bots.validation import ConfigurationRefused
from trading.exit_prices import EXIT_FIELDS, carry_out, read_wish
from trading.lifecycle import start_bot, stop_bot

STATUSES: Final = (BotStatus.STOPPED, BotStatus.PENDING)


def _empty_text(raw: Any) -> str:
    if not parsing.is_empty(raw):
        raise parsing.Unreadable(_("This can only be emptied."))
    return ""


def _status(raw: Any) -> str:
    if raw not in STATUSES:
        raise parsing.Unreadable(_("Only stopped and pending can be asked for."))
    return str(raw)


def _needed(read: parsing.Reader) -> parsing.Reader:
    def reading(raw: Any) -> Any:
        if parsing.is_empty(raw):
            raise parsing.Unreadable(_("This must be a number."))
        return read(raw)

    return reading


def _count(raw: Any) -> int | None:
    count = parsing.whole(raw)
    if count is not None and count < 0:
        raise parsing.Unreadable(_("This must be 0 or more."))
    return count


OWNERS: Final[Mapping[str, Callable[[Any], Any]]] = {"last_error_message": _empty_text, "status": _status}
OPERATORS: Final[Mapping[str, Callable[[Any], Any]]] = {
    "daily_pnl": _needed(parsing.amount),
    "daily_trades_count": _needed(_count),
}


def change_state(bot: BotConfig, given: Mapping[str, Any], *, by: Any) -> None:
    """Carry out a partial update of the bot's state. Raises ConfigurationRefused (one message per field) or
    LifecycleRefused; a start or price that is refused leaves everything as it was."""
    readers = {**OWNERS, **(OPERATORS if by.is_staff else {})}
    values, errors = _read({name: raw for name, raw in given.items() if name not in EXIT_FIELDS}, readers)
    prices = {name: raw for name, raw in given.items() if name in EXIT_FIELDS}
    try:
        wish = read_wish(bot, prices)
    except ConfigurationRefused as refused:
        errors |= refused.errors
    if errors:
        raise ConfigurationRefused(errors)
    status = values.pop("status", None)
    if status == BotStatus.PENDING:
        # Asks the exchange, so in a transaction of its own, and first: it may be refused.
        start_bot(bot, by=by)
    with transaction.atomic():
        if status == BotStatus.STOPPED:
            stop_bot(bot, position="keep", by=by)
        carry_out(bot, wish, by=by)
        _write(bot, values, by=by)


def _read(
    given: Mapping[str, Any], readers: Mapping[str, Callable[[Any], Any]]
) -> tuple[dict[str, Any], dict[str, Any]]:
    values: dict[str, Any] = {}
    errors: dict[str, Any] = {}
    for name, raw in given.items():
        try:
            values[name] = readers[name](raw)
        except parsing.Unreadable as wrong:
            errors[name] = str(wrong)
        except KeyError:
            errors[str(name)] = _objection_to(str(name))
    return values, errors


def _objection_to(name: str) -> str:
    if name in OPERATORS:
        return _("Only operators may set this.")
    if name in {field.name for field in BotState._meta.get_fields()}:
        return _("This comes from fills and decisions and cannot be set.")
    return _("This field is unknown.")


def _write(bot: BotConfig, values: Mapping[str, Any], *, by: Any) -> None:
    if not values:
        return
    state = BotState.objects.select_for_update().get(pk=bot.pk)
    before = {name: getattr(state, name) for name in values}
    changed = audit.changes(before, values)
    if not changed["after"]:
        return
    for name, value in values.items():
        setattr(state, name, value)
    state.save(update_fields=[*values, "updated_at"])
    audit.record(AuditEvent.BOT_STATE_CHANGED, bot, by=by, **changed)
    transaction.on_commit(lambda: live.publish(bot.user_id, f"bot-{bot.pk}", "dashboard"))
