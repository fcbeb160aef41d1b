"""`auth/…`: register, log in, refresh, log out, who am I. Wrong password and unknown user answer alike."""

from __future__ import annotations

from typing import Any

from django.contrib.auth.models import update_last_login
from django.db import IntegrityError
from django.utils.translation import gettext as _
from drf_spectacular.utils import extend_schema
from rest_framework import permissions, status
from rest_framework.exceptions import AuthenticationFailed, ValidationError
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from accounts import tokens
from accounts.models import User
from accounts.registration import register, user_with_password
from accounts.rest import not_offered
from accounts.serializers import (
    LoginSerializer,
    MeSerializer,
    RefreshSerializer,
    RegisterSerializer,
    TokensSerializer,
    UserSerializer,
)


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
        user = user_with_password(body.validated_data["email"], body.validated_data["password"])
        if user is None:
            raise AuthenticationFailed(_("E-mail address or password is wrong."))
        update_last_login(None, user)  # type: ignore[arg-type]
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
        tokens.revoke(body.validated_data["refresh_token"])
        return Response(status=status.HTTP_204_NO_CONTENT)


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
