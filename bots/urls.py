"""Addresses of making and changing a bot."""

from __future__ import annotations

from django.urls import path

from bots import views

urlpatterns = [
    path("bots/new/", views.make, name="bot-new"),
    path("bots/summary/", views.summarize, name="bot-summary"),
    path("bots/<int:bot_id>/edit/", views.edit, name="bot-edit"),
    path("bots/<int:bot_id>/delete/", views.delete, name="bot-delete"),
]
