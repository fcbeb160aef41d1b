"""Who owns what: users, their exchange accounts and keys, and what was done. Secrets are stored encrypted and opened by
`vault` only; an audit entry is written once and never changed."""

from __future__ import annotations

from typing import Any, ClassVar

from django.contrib.auth.base_user import AbstractBaseUser, BaseUserManager
from django.contrib.auth.models import PermissionsMixin
from django.db import models
from django.db.models import Q
from django.db.models.functions import Lower
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from exchange.fields import AmountField, TimestampedModel
from exchange.models import Market, Venue


class UserManager(BaseUserManager["User"]):
    def create_user(self, email: str, password: str | None = None, **fields: Any) -> User:
        if not email:
            raise ValueError("A user needs an e-mail address.")
        user = self.model(email=email.strip().lower(), **fields)
        user.set_password(password)
        user.save(using=self._db)
        return user

    def create_superuser(self, email: str, password: str | None = None, **fields: Any) -> User:
        return self.create_user(email, password, is_staff=True, is_superuser=True, **fields)

    def get_by_natural_key(self, username: str | None) -> User:
        return self.get(email__iexact=username)


class User(AbstractBaseUser, PermissionsMixin, TimestampedModel):
    """A person. Signs in with an e-mail address, unique whatever its case."""

    email = models.EmailField(_("e-mail"), max_length=254)
    is_active = models.BooleanField(_("active"), default=True)
    is_staff = models.BooleanField(_("operator"), default=False)
    date_joined = models.DateTimeField(default=timezone.now, editable=False)
    # Tokens issued before this instant are worth nothing (password change or reset).
    tokens_valid_from = models.DateTimeField(default=timezone.now, editable=False)
    # SHA-256 of the one token that may set a new password, and until when; the token itself is in the mail only.
    reset_token = models.CharField(max_length=64, blank=True, default="", editable=False)
    reset_token_expires = models.DateTimeField(null=True, blank=True, editable=False)

    objects: ClassVar[UserManager] = UserManager()
    USERNAME_FIELD = "email"
    EMAIL_FIELD = "email"
    REQUIRED_FIELDS: ClassVar[list[str]] = []

    class Meta:
        constraints = [
            models.UniqueConstraint(Lower("email"), name="user_email_unique_any_case"),
            models.UniqueConstraint(
                fields=["reset_token"], condition=~Q(reset_token=""), name="user_reset_token_unique"
            ),
        ]

    def __str__(self) -> str:
        return self.email

    def set_password(self, raw_password: str | None) -> None:
        super().set_password(raw_password)
        # Wherever a password is changed or reset: what was signed in by the old one is signed out.
        self.tokens_valid_from = timezone.now()


class OwnedQuerySet(models.QuerySet[Any]):
    """Rows with a `user`: every read of owned data starts here."""

    def for_user(self, user: Any) -> OwnedQuerySet:
        return self.filter(user_id=user.pk)


class ExchangeAccount(TimestampedModel):
    """An account at a venue, by the exchange's own id for it. It belongs to one user, for ever."""

    # PROTECT: money history hangs below an account.
    user = models.ForeignKey(User, on_delete=models.PROTECT, related_name="exchange_accounts")
    venue = models.CharField(max_length=16, choices=Venue.choices)
    external_id = models.CharField(max_length=64)
    account_max_daily_loss_perc = AmountField(null=True, blank=True)

    objects: ClassVar[Any] = OwnedQuerySet.as_manager()

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["venue", "external_id"], name="exchangeaccount_one_owner"),
        ]

    def __str__(self) -> str:
        return f"{self.venue} account {self.external_id}"


class ApiKey(TimestampedModel):
    """A key of an exchange account. Shown as first four + **** + last four, never more."""

    user = models.ForeignKey(User, on_delete=models.PROTECT, related_name="api_keys")
    account = models.ForeignKey(ExchangeAccount, on_delete=models.PROTECT, related_name="keys")
    label = models.CharField(max_length=80)
    venue = models.CharField(max_length=16, choices=Venue.choices)
    encrypted_api_key = models.BinaryField()
    encrypted_secret_key = models.BinaryField()
    # SHA-256 of the key: finds a key entered twice without opening the vault.
    fingerprint = models.CharField(max_length=64)
    masked_key = models.CharField(max_length=16)
    is_valid = models.BooleanField(default=True)
    permissions = models.JSONField(default=dict, blank=True)
    last_checked_at = models.DateTimeField(null=True, blank=True)
    last_error = models.CharField(max_length=200, blank=True, default="")

    objects: ClassVar[Any] = OwnedQuerySet.as_manager()

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["fingerprint"], name="apikey_entered_once"),
            models.UniqueConstraint(fields=["user", "label"], name="apikey_label_unique_per_user"),
        ]
        indexes = [models.Index(fields=["user", "-created_at"], name="apikey_user_newest")]

    def __str__(self) -> str:
        return f"{self.label} ({self.masked_key})"


class FavouriteSymbol(TimestampedModel):
    """A symbol a user keeps at the top of the list of markets."""

    # CASCADE: a liking is personal data and goes with its user.
    user = models.ForeignKey(User, on_delete=models.CASCADE, related_name="favourite_symbols")
    market = models.CharField(max_length=8, choices=Market.choices, default=Market.SPOT)
    symbol = models.CharField(max_length=32)

    objects: ClassVar[Any] = OwnedQuerySet.as_manager()

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["user", "market", "symbol"], name="favouritesymbol_once"),
        ]

    def __str__(self) -> str:
        return self.symbol


class AuditEvent(models.TextChoices):
    """Every act that is recorded."""

    SIGNED_UP = "signed_up", _("Signed up")
    SIGNED_IN = "signed_in", _("Signed in")
    SIGN_IN_FAILED = "sign_in_failed", _("Sign-in failed")
    SIGNED_OUT = "signed_out", _("Signed out")
    SESSION_ENDED = "session_ended", _("Session ended")
    PASSWORD_CHANGED = "password_changed", _("Password changed")
    PASSWORD_RESET_ASKED = "password_reset_asked", _("Password reset asked for")
    PASSWORD_RESET = "password_reset", _("Password reset")
    USER_CHANGED = "user_changed", _("Rights changed")
    KEY_ADDED = "key_added", _("Key added")
    KEY_RENAMED = "key_renamed", _("Key renamed")
    KEY_DELETED = "key_deleted", _("Key deleted")
    KEY_INVALID = "key_invalid", _("Key refused by its exchange")
    KEY_VALID = "key_valid", _("Key valid again")
    PAPER_RESET = "paper_reset", _("Paper balance reset")
    ACCOUNT_LIMIT_CHANGED = "account_limit_changed", _("Account limit changed")
    BOT_CREATED = "bot_created", _("Bot created")
    BOT_CHANGED = "bot_changed", _("Configuration changed")
    BOT_DELETED = "bot_deleted", _("Bot deleted")
    BOT_STARTED = "bot_started", _("Bot started")
    BOT_STOPPED = "bot_stopped", _("Bot stopped")
    BOT_STATE_CHANGED = "bot_state_changed", _("Bot state changed")
    EXIT_PRICES_CHANGED = "exit_prices_changed", _("Stop or target moved by hand")
    POSITION_CLOSE_ASKED = "position_close_asked", _("Position closed by hand")
    HALT_SET = "halt_set", _("Halt set")
    HALT_ENDED = "halt_ended", _("Halt ended")
    WENT_FLAT = "went_flat", _("Everything stopped and sold")


class AuditEntry(TimestampedModel):
    """Who did what, when, from where. Written inside the transaction of the act; a trigger refuses every change and
    deletion, and lets the sealer set `sequence`, `previous_hash` and `hash` once."""

    at = models.DateTimeField(default=timezone.now)
    event = models.CharField(max_length=30, choices=AuditEvent.choices)
    # Null: nobody was signed in, or TradeBot itself.
    actor = models.ForeignKey(User, null=True, on_delete=models.PROTECT, related_name="+")
    # Whose things these are: the entry shows in this user's list.
    owner = models.ForeignKey(User, null=True, on_delete=models.PROTECT, related_name="audit_entries")
    address = models.GenericIPAddressField(null=True)
    subject_kind = models.CharField(max_length=30, blank=True, default="")
    subject_id = models.BigIntegerField(null=True)
    subject = models.CharField(max_length=200, blank=True, default="")
    before = models.JSONField(null=True)
    after = models.JSONField(null=True)
    # Place in the chain: the order of sealing, because ids may commit out of turn.
    sequence = models.BigIntegerField(null=True, editable=False)
    previous_hash = models.CharField(max_length=64, blank=True, default="", editable=False)
    hash = models.CharField(max_length=64, blank=True, default="", editable=False)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["sequence"], name="auditentry_sealed_in_turn"),
            models.CheckConstraint(
                condition=Q(sequence__isnull=True, hash="") | Q(sequence__isnull=False) & ~Q(hash=""),
                name="auditentry_sealed_whole",
            ),
        ]
        indexes = [
            models.Index(fields=["owner", "-id"], name="auditentry_owner_newest"),
            models.Index(fields=["id"], condition=Q(sequence__isnull=True), name="auditentry_to_seal"),
        ]

    def __str__(self) -> str:
        return f"{self.event} {self.subject}".strip()


class BrowserSession(TimestampedModel):
    """Where and with what a browser was signed in; goes with its session."""

    user = models.ForeignKey(User, on_delete=models.CASCADE, related_name="browser_sessions")
    session = models.OneToOneField("sessions.Session", on_delete=models.CASCADE)
    address = models.GenericIPAddressField(null=True)
    browser = models.CharField(max_length=200, blank=True, default="")


class PasswordResetRequest(TimestampedModel):
    """Somebody typed this address on the page for forgotten passwords. Deleted once answered, known or not."""

    email = models.CharField(max_length=254)
    address = models.GenericIPAddressField(null=True)
    next_attempt_at = models.DateTimeField(default=timezone.now, db_index=True)
