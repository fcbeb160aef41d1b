"""Addresses of the account: sign-in family, security, API keys, live events.

allauth's other pages (its own password reset, e-mail addresses, …) are left out on purpose: what is not listed is not
there.
"""

from __future__ import annotations

from allauth.account import views as allauth
from django.urls import path

from accounts import views, views_security

urlpatterns = [
    path("accounts/login/", views_security.sign_in, name="account_login"),
    path("accounts/logout/", allauth.logout, name="account_logout"),
    path("accounts/signup/", allauth.signup, name="account_signup"),
    path("accounts/inactive/", allauth.account_inactive, name="account_inactive"),
    path("accounts/password/forgot/", views_security.forgot_password, name="password-forgot"),
    path("accounts/password/sent/", views_security.show_mail_sent, name="password-forgot-sent"),
    path("accounts/password/reset/", views_security.choose_password, name="password-reset"),
    path("accounts/password/reset/<str:token>/", views_security.open_reset, name="password-reset-open"),
    path("accounts/security/", views_security.show_security, name="security"),
    path("accounts/password/change/", views_security.change_own_password, name="password-change"),
    path("accounts/sessions/<int:session_id>/end/", views_security.end_session, name="session-end"),
    path("keys/", views.show_keys, name="keys"),
    path("keys/paper/", views.add_paper_key, name="key-add-paper"),
    path("keys/<int:key_id>/delete/", views.delete_key, name="key-delete"),
    path("keys/<int:key_id>/check/", views.check_key, name="key-check"),
    path("keys/<int:key_id>/loss-limit/", views.limit_loss, name="key-loss-limit"),
    path("keys/<int:key_id>/balance/", views.show_balance, name="key-balance"),
    path("live/", views.live_stream, name="live"),
]
