"""Addresses of the pages that show money, and of starting and stopping."""

from __future__ import annotations

from django.urls import path

from trading import views

urlpatterns = [
    path("", views.show_dashboard, name="dashboard"),
    path("bots/", views.show_bots, name="bots"),
    path("bots/<int:bot_id>/", views.show_bot, name="bot"),
    path("bots/<int:bot_id>/chart.json", views.show_chart, name="bot-chart"),
    path("bots/<int:bot_id>/overlays/<slug:name>.json", views.show_overlay, name="bot-overlay"),
    path("bots/<int:bot_id>/start/", views.start, name="bot-start"),
    path("bots/<int:bot_id>/stop/", views.stop, name="bot-stop"),
    path("trades/", views.show_trades, name="trades"),
]
