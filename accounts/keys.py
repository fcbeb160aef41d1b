"""Exchange keys: minted, added, checked, deleted. A key is stored only after its venue has vouched for it.

The venue is asked outside any transaction; what it said is then written in a short one.
"""

from __future__ import annotations

import re
from typing import Any

from django.conf import settings
from django.db import IntegrityError, transaction
from django.db.models import ProtectedError
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from accounts import vault
from accounts.audit import record
from accounts.balances import AssetBalance, balances_at
from accounts.models import ApiKey, AuditEvent, ExchangeAccount, User
from accounts.signals import key_invalidated
from exchange.connect import exchange_for
from exchange.models import Venue
from exchange.port import Credentials, CredentialsRefused, Exchange, Permissions
from exchange.sandbox.credentials import mint_api_key, secret_for, uid_of

# Refused by name until the venue is built; a later issue deletes its line.
VENUES_NOT_YET: dict[str, Any] = {
    "testnet": gettext_lazy("Testnet keys are not available yet. Add a paper key."),
    "live": gettext_lazy("Live trading is not available in this version. Add a paper key."),
}
KEY_SHAPE = re.compile(r"[A-Za-z0-9]{64}")


class KeyRefused(Exception):
    """A key cannot be added as asked: one list of messages per field. Never holds the key."""

    def __init__(self, **errors: str) -> None:
        super().__init__("; ".join(errors.values()))
        self.errors = {field: [message] for field, message in errors.items()}


class KeyInUse(Exception):
    """Bots stand on this key; `bots` names them by their number."""

    def __init__(self, bots: dict[int, str]) -> None:
        names = ", ".join(bots.values())
        super().__init__(_("Bots use this key: %(bots)s. Delete them first.") % {"bots": names})
        self.bots = bots


def mint_paper_key(user: User, label: str) -> ApiKey:
    """A new paper account and its key, made here: the sandbox opens the account at its first signed request."""
    credentials = _paper_credentials()
    check_label(user, label)
    allowed = Permissions(can_read=True, can_trade_spot=True, can_trade_futures=False, can_withdraw=False)
    account_id = str(uid_of(credentials.api_key))
    return _store(
        user, label=label, venue=Venue.SANDBOX, account_id=account_id, opened=(credentials, allowed)
    )


def renew_paper_key(key: ApiKey, *, by: Any) -> None:
    """Give a paper key a new account with its opening balance, inside the caller's transaction. The old account keeps
    its history; who stands on the key is the caller's to move."""
    credentials, old = _paper_credentials(), key.account
    key.account = ExchangeAccount.objects.create(
        user_id=key.user_id,
        venue=Venue.SANDBOX,
        external_id=str(uid_of(credentials.api_key)),
        account_max_daily_loss_perc=old.account_max_daily_loss_perc,
    )
    key.encrypted_api_key = vault.seal(credentials.api_key)
    key.encrypted_secret_key = vault.seal(credentials.secret_key)
    key.fingerprint = vault.fingerprint(credentials.api_key)
    key.masked_key = vault.mask(credentials.api_key)
    key.is_valid, key.last_error, key.last_checked_at = True, "", timezone.now()
    key.save()
    accounts = {"before": {"account": old.external_id}, "after": {"account": key.account.external_id}}
    record(AuditEvent.PAPER_RESET, key, by=by, **accounts)


def _paper_credentials() -> Credentials:
    key = mint_api_key()
    return Credentials(key, secret_for(key, settings.SANDBOX_KEY_SECRET))


def add_key(user: User, *, label: str, venue: str, api_key: str, secret_key: str) -> ApiKey:
    """Store a key the user brought, once its venue says what it may do. Raises KeyRefused or ExchangeError."""
    if venue in VENUES_NOT_YET:
        raise KeyRefused(venue=str(VENUES_NOT_YET[venue]))
    check_label(user, label)
    check_shape(api_key, secret_key)
    if ApiKey.objects.for_user(user).filter(fingerprint=vault.fingerprint(api_key)).exists():
        raise KeyRefused(api_key=_("You have already added this key."))
    credentials = Credentials(api_key, secret_key)
    try:
        exchange = exchange_for(venue, credentials)
        permissions, account_id = exchange.permissions(), exchange.account_id()
    except CredentialsRefused as refused:
        raise KeyRefused(
            api_key=_("The exchange refused this key: %(why)s") % {"why": refused.message}
        ) from None
    objection = objection_to(venue, permissions)
    if objection:
        raise KeyRefused(api_key=objection)
    return _store(user, label=label, venue=venue, account_id=account_id, opened=(credentials, permissions))


def check_label(user: User, label: str) -> None:
    if ApiKey.objects.for_user(user).filter(label=label).exists():
        raise KeyRefused(label=_("You already have a key with this label."))


def rename_key(key: ApiKey, label: str) -> None:
    """Raises KeyRefused where another key of the user is called so."""
    if label == key.label:
        return
    check_label(key.user, label)
    try:
        with transaction.atomic():
            record(AuditEvent.KEY_RENAMED, key, before={"label": key.label}, after={"label": label})
            key.label = label
            key.save(update_fields=["label", "updated_at"])
    except IntegrityError:
        raise KeyRefused(label=_("You already have a key with this label.")) from None


def check_shape(api_key: str, secret_key: str) -> None:
    """Refuse what cannot be a Binance key before anybody is asked; both fields are named at once."""
    message = _("This must be 64 letters and digits, as Binance shows it.")
    wrong = {
        field: message
        for field, text in (("api_key", api_key), ("secret_key", secret_key))
        if not KEY_SHAPE.fullmatch(text)
    }
    if wrong:
        raise KeyRefused(**wrong)


def objection_to(venue: str, permissions: Permissions) -> str:
    """Why a key with these permissions is not accepted on this venue; empty when it is."""
    if not permissions.can_read:
        return _("This key may not read the account. Allow reading at the exchange.")
    if not permissions.can_trade_spot:
        return _("This key may not trade. Allow spot trading at the exchange.")
    if venue == Venue.LIVE and permissions.can_withdraw:
        return _("This key may withdraw money. Make a key without that permission: a bot never needs it.")
    return ""


def _store(
    user: User, *, label: str, venue: str, account_id: str, opened: tuple[Credentials, Permissions]
) -> ApiKey:
    credentials, permissions = opened
    try:
        with transaction.atomic():
            account, _created = ExchangeAccount.objects.get_or_create(
                venue=venue, external_id=account_id, defaults={"user": user}
            )
            if account.user_id != user.pk:
                raise KeyRefused(api_key=_("This key belongs to an exchange account of another user."))
            stored: ApiKey = ApiKey.objects.create(
                user=user,
                account=account,
                label=label,
                venue=venue,
                encrypted_api_key=vault.seal(credentials.api_key),
                encrypted_secret_key=vault.seal(credentials.secret_key),
                fingerprint=vault.fingerprint(credentials.api_key),
                masked_key=vault.mask(credentials.api_key),
                permissions=_as_json(permissions),
                last_checked_at=timezone.now(),
            )
            record(AuditEvent.KEY_ADDED, stored, by=user, after={"venue": venue, "account": account_id})
            return stored
    except IntegrityError as error:
        # `from None`: the database's message quotes the row.
        if "apikey_label_unique_per_user" in str(error):
            raise KeyRefused(label=_("You already have a key with this label.")) from None
        if "apikey_entered_once" in str(error):
            raise KeyRefused(api_key=_("This key has already been added.")) from None
        raise


def _as_json(permissions: Permissions) -> dict[str, bool]:
    return {
        "read": permissions.can_read,
        "spot": permissions.can_trade_spot,
        "futures": permissions.can_trade_futures,
        "withdraw": permissions.can_withdraw,
    }


def check_key(key: ApiKey) -> ApiKey:
    """Ask the venue again. A refused key turns invalid and its bots hear of it; an unreachable venue
    (ExchangeError) says nothing about the key and changes nothing."""
    permissions: Permissions | None = None
    try:
        permissions = client_of(key).permissions()
        objection = objection_to(key.venue, permissions)
    except CredentialsRefused as refused:
        objection = refused.message
    except vault.VaultError as error:
        objection = str(error)
    _record_check(key, permissions, objection)
    return key


def _record_check(key: ApiKey, permissions: Permissions | None, objection: str) -> None:
    was_valid, key.is_valid = key.is_valid, not objection
    key.last_error = objection[:200]
    key.last_checked_at = timezone.now()
    if permissions is not None:
        key.permissions = _as_json(permissions)
    with transaction.atomic():
        key.save(update_fields=["is_valid", "last_error", "last_checked_at", "permissions", "updated_at"])
        if was_valid != key.is_valid:
            event = AuditEvent.KEY_VALID if key.is_valid else AuditEvent.KEY_INVALID
            record(event, key, after={"why": objection})
        if objection:
            key_invalidated.send(sender=ApiKey, api_key=key)


def delete_key(key: ApiKey) -> None:
    """Forget a key and its secret. Refused, naming them, while bots use it; the account's history stays."""
    try:
        _delete(key.pk)
    except IntegrityError:
        # A bot was made on it at this very moment: asked again, that bot forbids it by name.
        _delete(key.pk)


def _delete(key_id: int) -> None:
    try:
        with transaction.atomic():
            key = ApiKey.objects.get(pk=key_id)
            record(AuditEvent.KEY_DELETED, key, before={"venue": key.venue})
            key.delete()
    except ProtectedError as protected:
        # Only what forbids the deletion is known down here, not what a bot is: its number and how it calls itself.
        in_use = sorted(protected.protected_objects, key=lambda bot: bot.pk)
        raise KeyInUse({bot.pk: str(bot) for bot in in_use}) from None


def balance_of(key: ApiKey) -> list[AssetBalance]:
    """What the key's account holds now, worth most first. Raises ExchangeError or VaultError."""
    return balances_at(client_of(key))


def client_of(key: ApiKey) -> Exchange:
    """The exchange, signed in with this key."""
    return exchange_for(key.venue, vault.credentials_of(key))
