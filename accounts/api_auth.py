"""`auth/…`: register, log in, refresh, log out, passwords, who am I. Wrong password and unknown user answer alike."""

from __future__ import annotations

from typing import Any

from django.contrib.auth.models import update_last_login
from django.db import IntegrityError, transaction
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy as _lazy
from drf_spectacular.utils import extend_schema
from rest_framework import permissions, status
from rest_framework.exceptions import AuthenticationFailed, ValidationError
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from accounts import rate_limits, tokens
from accounts.audit import record
from accounts.client_address import client_address
from accounts.models import AuditEvent, User
from accounts.password_change import ask_reset, change_password, reset_password
from accounts.registration import note_failed_sign_in, register, user_with_password
from accounts.rest import not_offered
from accounts.serializers import (
    ChangePasswordSerializer,
    DetailSerializer,
    ForgotPasswordSerializer,
    LoginSerializer,
    MeSerializer,
    RefreshSerializer,
    RegisterSerializer,
    ResetPasswordSerializer,
    TokensSerializer,
    UserSerializer,
)
from accounts.sessions import end_sessions, keep_only_this
from accounts.wake_up import wake_reset_mails

ASKED = _lazy("If there is an account with this address, a mail with a link is on its way to it.")


class OpenView(APIView):
    """For those who are not signed in yet; a stale token in the header does not lock them out."""

    authentication_classes: Any = ()
    permission_classes: Any = (permissions.AllowAny,)

    def get_authenticate_header(self, request: Request) -> str:
        # Without an authenticator DRF would turn a 401 into a 403.
        return 'Bearer realm="api"'


class RegisterView(OpenView):
    @extend_schema(request=RegisterSerializer, responses={201: UserSerializer}, tags=["auth"])
    def post(self, request: Request) -> Response:
        """Sign up. The new user has a paper key and can make a bot at once."""
        body = RegisterSerializer(data=request.data)
        body.is_valid(raise_exception=True)
        try:
            user = register(**body.validated_data)
        except IntegrityError:
            # Two sign-ups with one address at the same moment: the second is told as if it had come later.
            message = _("A user with this e-mail address exists already.")
            raise ValidationError({"email": [message]}) from None
        return Response(UserSerializer(user).data, status=status.HTTP_201_CREATED)


class LoginView(OpenView):
    @extend_schema(request=LoginSerializer, responses=TokensSerializer, tags=["auth"])
    def post(self, request: Request) -> Response:
        """Exchange e-mail and password for tokens: 7 and 30 days, with `remember_me` 30 and 60."""
        body = LoginSerializer(data=request.data)
        body.is_valid(raise_exception=True)
        email = body.validated_data["email"]
        rate_limits.check_attempt(rate_limits.SIGN_IN, request, email)
        user = user_with_password(email, body.validated_data["password"])
        if user is None:
            note_failed_sign_in(email, way="api")
            raise AuthenticationFailed(_("E-mail address or password is wrong."))
        with transaction.atomic():
            update_last_login(None, user)  # type: ignore[arg-type]
            record(AuditEvent.SIGNED_IN, user, by=user, after={"way": "api"})
        return _tokens(user, tokens.issue_tokens(user, remember_me=body.validated_data["remember_me"]))


class RefreshView(OpenView):
    @extend_schema(request=RefreshSerializer, responses=TokensSerializer, tags=["auth"])
    def post(self, request: Request) -> Response:
        """Spend a refresh token for the next pair; it works once."""
        body = RefreshSerializer(data=request.data)
        body.is_valid(raise_exception=True)
        return _tokens(*tokens.rotate(body.validated_data["refresh_token"]))


class LogoutView(OpenView):
    @extend_schema(request=RefreshSerializer, responses={204: None}, tags=["auth"])
    def post(self, request: Request) -> Response:
        """Spend a refresh token for nothing."""
        body = RefreshSerializer(data=request.data)
        body.is_valid(raise_exception=True)
        with transaction.atomic():
            user = tokens.revoke(body.validated_data["refresh_token"])
            record(AuditEvent.SIGNED_OUT, user, by=user, after={"way": "api"})
        return Response(status=status.HTTP_204_NO_CONTENT)


class ForgotPasswordView(OpenView):
    @extend_schema(request=ForgotPasswordSerializer, responses=DetailSerializer, tags=["auth"])
    def post(self, request: Request) -> Response:
        """Ask for a mail with a link for a new password. The answer does not tell whether there is such a user."""
        body = ForgotPasswordSerializer(data=request.data)
        body.is_valid(raise_exception=True)
        rate_limits.check_attempt(rate_limits.RESET, request, body.validated_data["email"])
        ask_reset(body.validated_data["email"], client_address(request))
        wake_reset_mails()
        return Response({"detail": str(ASKED)})


class ResetPasswordView(OpenView):
    @extend_schema(request=ResetPasswordSerializer, responses=DetailSerializer, tags=["auth"])
    def post(self, request: Request) -> Response:
        """Set a new password with the token of the mail. Every token and session from before ends."""
        body = ResetPasswordSerializer(data=request.data)
        body.is_valid(raise_exception=True)
        rate_limits.check_attempt(rate_limits.RESET, request, body.validated_data["token"])
        reset_password(body.validated_data["token"], body.validated_data["new_password"], timezone.now())
        return Response({"detail": _("The password is set. Sign in with it.")})


class ChangePasswordView(APIView):
    @extend_schema(request=ChangePasswordSerializer, responses=TokensSerializer, tags=["auth"])
    def post(self, request: Request) -> Response:
        """Change the password. Every token and session from before ends; the answer brings new tokens."""
        body = ChangePasswordSerializer(data=request.data)
        body.is_valid(raise_exception=True)
        user: Any = request.user
        rate_limits.check_attempt(rate_limits.CHANGE, request, user.email)
        change_password(
            user, current=body.validated_data["current_password"], new=body.validated_data["new_password"]
        )
        if request.auth is None:
            keep_only_this(request._request, user)
        else:
            end_sessions(user)
        return _tokens(user, tokens.issue_tokens(user, remember_me=False))


class MeView(APIView):
    @extend_schema(responses=MeSerializer, tags=["auth"])
    def get(self, request: Request) -> Response:
        """The signed-in user."""
        return Response(MeSerializer(request.user).data)

    @extend_schema(exclude=True)
    def patch(self, request: Request) -> Response:
        raise not_offered(request, _("Changing the account is not available yet."))

    @extend_schema(exclude=True)
    def delete(self, request: Request) -> Response:
        raise not_offered(request, _("Deleting the account is not available yet."))


def _tokens(user: User, pair: dict[str, str]) -> Response:
    answer = Response(TokensSerializer({**pair, "token_type": "bearer", "user": user}).data)
    answer["Cache-Control"] = "no-store"
    return answer
