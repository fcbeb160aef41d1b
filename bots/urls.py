"""Addresses of making and changing a bot."""

from __future__ import annotations

from django.urls import path

from bots import views

urlpatterns = [
    path("bots/new/", views.make, name="bot-new"),
    path("bots/validate/", views.validate, name="bot-validate"),
    path("bots/parameters/", views.show_parameters, name="bot-parameters"),
    path("bots/<int:bot_id>/edit/", views.edit, name="bot-edit"),
    path("bots/<int:bot_id>/versions/", views.show_versions, name="bot-versions"),
    path("bots/<int:bot_id>/versions/<int:version>/rollback/", views.roll_back, name="bot-rollback"),
    path("bots/<int:bot_id>/delete/", views.delete, name="bot-delete"),
]
