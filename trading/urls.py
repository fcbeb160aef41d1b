"""Addresses of the pages that show money, and of starting and stopping."""

from __future__ import annotations

from django.urls import path

from trading import bot_views, flat_views, halt_views, key_views, market_stream, market_views, views

urlpatterns = [
    path("", views.show_dashboard, name="dashboard"),
    path("bots/", views.show_bots, name="bots"),
    path("bots/<int:bot_id>/", bot_views.show_bot, name="bot"),
    path("bots/<int:bot_id>/chart.json", bot_views.show_chart, name="bot-chart"),
    path("bots/<int:bot_id>/overlays/<slug:name>.json", bot_views.show_overlay, name="bot-overlay"),
    path("bots/<int:bot_id>/performance/", bot_views.show_performance, name="bot-performance"),
    path("bots/<int:bot_id>/why/", bot_views.explain, name="bot-why"),
    path("bots/<int:bot_id>/exits/", bot_views.move_exits, name="bot-exits"),
    path("bots/<int:bot_id>/close/", bot_views.close, name="bot-close"),
    path("bots/<int:bot_id>/start/", bot_views.start, name="bot-start"),
    path("bots/<int:bot_id>/stop/", bot_views.stop, name="bot-stop"),
    path("trades/", views.show_trades, name="trades"),
    path("trades/export.csv", views.export_trades, name="trades-export"),
    path("markets/", market_views.show_markets, name="markets"),
    path("markets/stream", market_stream.stream_prices, name="market-stream"),
    path("markets/<slug:symbol>/", market_views.show_market, name="market"),
    path("markets/<slug:symbol>/chart.json", market_views.show_market_chart, name="market-chart"),
    path(
        "markets/<slug:symbol>/studies/<slug:name>.json", market_views.show_market_study, name="market-study"
    ),
    path("markets/<slug:symbol>/book/", market_views.show_book, name="market-book"),
    path("markets/<slug:symbol>/sparkline/", market_views.show_sparkline, name="market-sparkline"),
    path("markets/<slug:symbol>/favourite/", market_views.keep_favourite, name="market-favourite"),
    path("keys/<int:key_id>/reset/", key_views.reset_key, name="key-reset"),
    path("halts/", halt_views.show_halts, name="halts"),
    path("halts/sign/", halt_views.show_sign, name="halt-sign"),
    path("halts/begin/", halt_views.begin, name="halt-begin"),
    path("halts/<int:halt_id>/end/", halt_views.end, name="halt-end"),
    path("halts/flat/", flat_views.ask_flat, name="flat"),
    path("halts/flat/<int:receipt_id>/", flat_views.show_receipt, name="flat-receipt"),
]
