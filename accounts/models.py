"""Who owns what: users, their exchange accounts and keys. Secrets are stored encrypted and opened by `vault` only."""

from __future__ import annotations

from typing import Any, ClassVar

from django.contrib.auth.base_user import AbstractBaseUser, BaseUserManager
from django.contrib.auth.models import PermissionsMixin
from django.db import models
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

    objects: ClassVar[UserManager] = UserManager()
    USERNAME_FIELD = "email"
    EMAIL_FIELD = "email"
    REQUIRED_FIELDS: ClassVar[list[str]] = []

    class Meta:
        constraints = [models.UniqueConstraint(Lower("email"), name="user_email_unique_any_case")]

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
