"""Addresses of the account: sign-in family, API keys, live events.

allauth's other pages (password reset, e-mail addresses, …) are left out on purpose: what is not listed is not there.
"""

from __future__ import annotations

from allauth.account import views as sign_in
from django.urls import path

from accounts import views

urlpatterns = [
    path("accounts/login/", sign_in.login, name="account_login"),
    path("accounts/logout/", sign_in.logout, name="account_logout"),
    path("accounts/signup/", sign_in.signup, name="account_signup"),
    path("accounts/inactive/", sign_in.account_inactive, name="account_inactive"),
    path("keys/", views.show_keys, name="keys"),
    path("keys/paper/", views.add_paper_key, name="key-add-paper"),
    path("keys/<int:key_id>/delete/", views.delete_key, name="key-delete"),
    path("keys/<int:key_id>/balance/", views.show_balance, name="key-balance"),
    path("live/", views.live_stream, name="live"),
]
