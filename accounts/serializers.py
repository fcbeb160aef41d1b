"""Bodies of sign-in and keys. A submitted password or secret is never part of an answer."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

from django.contrib.auth.password_validation import validate_password
from django.core.exceptions import ValidationError as DjangoValidationError
from django.utils.translation import gettext as _
from rest_framework import serializers

from accounts.models import ApiKey, User
from accounts.registration import user_by_email
from accounts.rest import PlainDecimalField, RowSerializer, StrictSerializer
from exchange.models import Venue


class SecretField(serializers.CharField):
    """Goes in, never comes out; spaces are part of it unless trimmed by choice."""

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(write_only=True, style={"input_type": "password"}, **kwargs)


class RegisterSerializer(StrictSerializer):
    email = serializers.EmailField(max_length=254)
    password = SecretField(max_length=128, trim_whitespace=False)

    def validate_email(self, email: str) -> str:
        if user_by_email(email) is not None:
            raise serializers.ValidationError(_("A user with this e-mail address exists already."))
        return email.lower()

    def validate(self, values: dict[str, Any]) -> dict[str, Any]:
        try:
            validate_password(values["password"], User(email=values["email"]))
        except DjangoValidationError as error:
            raise serializers.ValidationError({"password": error.messages}) from None
        return values


class LoginSerializer(StrictSerializer):
    email = serializers.CharField(max_length=254)
    password = SecretField(max_length=128, trim_whitespace=False)
    remember_me = serializers.BooleanField(default=False)


class RefreshSerializer(StrictSerializer):
    refresh_token = SecretField(max_length=4096)


class ForgotPasswordSerializer(StrictSerializer):
    email = serializers.EmailField(max_length=254)


class ResetPasswordSerializer(StrictSerializer):
    """`token` is the last part of the link in the mail."""

    token = SecretField(max_length=128)
    new_password = SecretField(max_length=128, trim_whitespace=False)


class ChangePasswordSerializer(StrictSerializer):
    current_password = SecretField(max_length=128, trim_whitespace=False)
    new_password = SecretField(max_length=128, trim_whitespace=False)


class DetailSerializer(serializers.Serializer):  # type: ignore[type-arg]
    detail = serializers.CharField()


class UserSerializer(RowSerializer):
    class Meta:
        model = User
        fields = ["id", "email", "is_active"]


class MeSerializer(RowSerializer):
    class Meta:
        model = User
        fields = ["id", "email", "is_active", "is_staff", "date_joined"]


class TokensSerializer(serializers.Serializer):  # type: ignore[type-arg]
    """What login and refresh answer."""

    access_token = serializers.CharField()
    refresh_token = serializers.CharField()
    token_type = serializers.CharField(default="bearer")
    user = UserSerializer()


class ApiKeySerializer(RowSerializer):
    """A key as its owner sees it: four characters, stars, four characters."""

    api_key = serializers.CharField(source="masked_key")
    account_id = serializers.CharField(source="account.external_id")
    account_max_daily_loss_perc = PlainDecimalField(
        source="account.account_max_daily_loss_perc", allow_null=True
    )

    class Meta:
        model = ApiKey
        fields = [
            "id", "label", "venue", "api_key", "account_id", "account_max_daily_loss_perc", "is_valid", "permissions",
            "last_checked_at", "last_error", "created_at", "updated_at",
        ]  # fmt: skip


class NewKeySerializer(StrictSerializer):
    """`{venue: "sandbox", label}` alone mints a paper key; otherwise both halves of a key are needed."""

    label = serializers.CharField(max_length=80)  # type: ignore[assignment]
    venue = serializers.ChoiceField(choices=Venue.choices)
    api_key = SecretField(required=False, max_length=256)
    secret_key = SecretField(required=False, max_length=256)

    def validate(self, values: dict[str, Any]) -> dict[str, Any]:
        given = {"api_key", "secret_key"} & set(values)
        if not given and values["venue"] == Venue.SANDBOX:
            return values
        missing = sorted({"api_key", "secret_key"} - given)
        if missing and values["venue"] == Venue.SANDBOX:
            message = _("Give both api_key and secret_key, or neither for a new paper key.")
            raise serializers.ValidationError({name: [message] for name in missing})
        return values


class KeyChangeSerializer(StrictSerializer):
    """What may be changed of a key: what it is called, and how much its account may lose in a day (null: no limit)."""

    label = serializers.CharField(max_length=80, required=False)  # type: ignore[assignment]
    account_max_daily_loss_perc = PlainDecimalField(
        required=False, allow_null=True, min_value=Decimal("0.05"), max_value=Decimal(100), decimal_places=4
    )


class AssetBalanceSerializer(serializers.Serializer):  # type: ignore[type-arg]
    asset = serializers.CharField()
    free = PlainDecimalField()
    locked = PlainDecimalField()
    total = PlainDecimalField()
    value_usdt = PlainDecimalField(allow_null=True)


class BalanceSerializer(serializers.Serializer):  # type: ignore[type-arg]
    """Every asset of the spot account; `total_usdt` sums those with a USDT price."""

    api_key = serializers.IntegerField()
    venue = serializers.CharField()
    total_usdt = PlainDecimalField()
    spot = AssetBalanceSerializer(many=True)


class UserOfKeySerializer(serializers.Serializer):  # type: ignore[type-arg]
    id = serializers.IntegerField()
    name = serializers.CharField()


class KeyInUseSerializer(serializers.Serializer):  # type: ignore[type-arg]
    """Why a key is not deleted: the bots that use it."""

    detail = serializers.CharField()
    bots = UserOfKeySerializer(many=True)
