"""Pages of signing in and of security: sign-in with its limits, forgotten and new passwords, sessions, own log."""

from __future__ import annotations

from typing import Any
from urllib.parse import urlencode

from allauth.account import views as allauth
from allauth.account.forms import LoginForm
from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse, HttpResponseBase
from django.shortcuts import get_object_or_404, redirect, render, resolve_url
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.debug import sensitive_post_parameters
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from accounts import rate_limits, sessions
from accounts.audit import entries_of
from accounts.client_address import client_address
from accounts.forms_password import ChangePasswordForm, ForgotForm, NewPasswordForm
from accounts.password_change import (
    PasswordRefused,
    ask_reset,
    change_password,
    reset_password,
    user_of_reset_token,
)
from accounts.rate_limits import TooManyAttempts
from accounts.reset_mail import where_mail_goes
from accounts.wake_up import wake_reset_mails

RESET_TOKEN = "password_reset_token"
READ_OR_POST = require_http_methods(["GET", "HEAD", "POST"])
RECENT = 20


@sensitive_post_parameters("password")
@never_cache
def sign_in(request: HttpRequest) -> HttpResponseBase:
    """allauth's page behind our limits, which are asked before any password is looked at."""
    if request.method == "POST":
        try:
            rate_limits.check_attempt(rate_limits.SIGN_IN, request, request.POST.get("login", ""))
        except TooManyAttempts as limit:
            form = LoginForm(request=request, initial={"login": request.POST.get("login", "")})
            return refused(request, "account/login.html", limit, {"form": form})
    answer: HttpResponseBase = allauth.login(request)
    return answer


def sign_in_to_admin(request: HttpRequest) -> HttpResponse:
    """Operators sign in where everybody does, behind the same limits."""
    if request.user.is_authenticated:
        raise PermissionDenied
    following = urlencode({"next": request.GET.get("next", resolve_url("admin:index"))})
    return redirect(f"{resolve_url('account_login')}?{following}")


def refused(
    request: HttpRequest, template: str, limit: TooManyAttempts, context: dict[str, Any]
) -> HttpResponse:
    """The same page again, saying how long to wait."""
    answer = render(request, template, {**context, "limit": str(limit)}, status=429)
    answer["Retry-After"] = str(limit.seconds)
    return answer


@never_cache
@READ_OR_POST
def forgot_password(request: HttpRequest) -> HttpResponse:
    """Ask for a mail. The answer is the same for known and unknown addresses."""
    form = ForgotForm(request.POST or None)
    page = "account/forgot_password.html"
    if form.is_valid():
        email = form.cleaned_data["email"]
        try:
            rate_limits.check_attempt(rate_limits.RESET, request, email)
        except TooManyAttempts as limit:
            return refused(request, page, limit, {"form": form})
        ask_reset(email, client_address(request))
        wake_reset_mails()
        return redirect("password-forgot-sent")
    return render(request, page, {"form": form}, status=400 if form.is_bound else 200)


@require_GET
def show_mail_sent(request: HttpRequest) -> HttpResponse:
    return render(request, "account/mail_sent.html", {"letters": where_mail_goes()})


@never_cache
@require_GET
def open_reset(request: HttpRequest, token: str) -> HttpResponse:
    """The link of the mail: the token goes into the session, so that no address shows it any longer."""
    request.session[RESET_TOKEN] = token
    return redirect("password-reset")


@sensitive_post_parameters("new_password", "repeated")
@never_cache
@READ_OR_POST
def choose_password(request: HttpRequest) -> HttpResponse:
    """A new password by the token of the mail."""
    token = request.session.get(RESET_TOKEN, "")
    if user_of_reset_token(token, timezone.now()) is None:
        return render(request, "account/reset_password.html", {"form": None}, status=400)
    form = NewPasswordForm(request.POST or None)
    if form.is_valid():
        try:
            reset_password(token, form.cleaned_data["new_password"], timezone.now())
        except PasswordRefused as refusal:
            form.refuse(refusal)
        else:
            request.session.flush()
            messages.success(request, _("The password is set. Sign in with it."))
            return redirect("account_login")
    return render(
        request, "account/reset_password.html", {"form": form}, status=400 if form.is_bound else 200
    )


@login_required
@require_GET
def show_security(request: HttpRequest) -> HttpResponse:
    return render(request, "account/security.html", security_of(request, ChangePasswordForm()))


@sensitive_post_parameters("current_password", "new_password", "repeated")
@login_required
@require_POST
def change_own_password(request: HttpRequest) -> HttpResponse:
    """This browser stays signed in; every other session and token ends."""
    form, user = ChangePasswordForm(request.POST), request.user
    if form.is_valid():
        try:
            rate_limits.check_attempt(rate_limits.CHANGE, request, user.email)  # type: ignore[union-attr]
            change_password(
                user, current=form.cleaned_data["current_password"], new=form.cleaned_data["new_password"]
            )
        except TooManyAttempts as limit:
            return refused(request, "account/security.html", limit, security_of(request, form))
        except PasswordRefused as refusal:
            form.refuse(refusal)
        else:
            sessions.keep_only_this(request, user)
            messages.success(request, _("The password is changed. Everywhere else you are signed out."))
            return redirect("security")
    return render(request, "account/security.html", security_of(request, form), status=400)


@login_required
@require_POST
def end_session(request: HttpRequest, session_id: int) -> HttpResponse:
    """Sign out somewhere else, or here."""
    session = get_object_or_404(sessions.sessions_of(request.user), pk=session_id)
    is_this_one = session.session_id == request.session.session_key
    sessions.end_session(session)
    if is_this_one:
        request.session.flush()
        return redirect("account_login")
    messages.success(request, _("Signed out there."))
    return redirect("security")


def security_of(request: HttpRequest, form: ChangePasswordForm) -> dict[str, Any]:
    return {
        "form": form,
        "sessions": [
            (session, sessions.name_of_browser(session.browser))
            for session in sessions.sessions_of(request.user)
        ],
        "session_key": request.session.session_key,
        "entries": entries_of(request.user)[:RECENT],
    }
