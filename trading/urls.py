"""Addresses of the pages that show money, and of starting and stopping."""

from __future__ import annotations

from django.urls import path

from trading import (
    bot_views,
    flat_views,
    halt_views,
    key_views,
    market_stream,
    market_views,
    optimization_views,
    parity_views,
    research_views,
    views,
)

urlpatterns = [
    path("", views.show_dashboard, name="dashboard"),
    path("bots/", views.show_bots, name="bots"),
    path("bots/<int:bot_id>/", bot_views.show_bot, name="bot"),
    path("bots/<int:bot_id>/chart.json", bot_views.show_chart, name="bot-chart"),
    path("bots/<int:bot_id>/overlays/<slug:name>.json", bot_views.show_overlay, name="bot-overlay"),
    path("bots/<int:bot_id>/performance/", bot_views.show_performance, name="bot-performance"),
    path("bots/<int:bot_id>/parity/", parity_views.show_parity, name="bot-parity"),
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
    path("backtests/", research_views.show_backtests, name="backtests"),
    path("backtests/new/", research_views.make, name="backtest-new"),
    path("backtests/new/from-form/", research_views.take_over, name="backtest-from-form"),
    path("backtests/validate/", research_views.validate, name="backtest-validate"),
    path("backtests/days/", research_views.show_days, name="backtest-days"),
    path("backtests/compare/", research_views.compare, name="backtest-compare"),
    path("backtests/<int:backtest_id>/", research_views.show_backtest, name="backtest"),
    path("backtests/<int:backtest_id>/progress/", research_views.show_progress, name="backtest-progress"),
    path("backtests/<int:backtest_id>/positions/", research_views.show_positions, name="backtest-positions"),
    path("backtests/<int:backtest_id>/chart.json", research_views.show_chart, name="backtest-chart"),
    path("backtests/<int:backtest_id>/curves.json", research_views.show_curves, name="backtest-curves"),
    path("backtests/<int:backtest_id>/cancel/", research_views.cancel, name="backtest-call-off"),
    path("backtests/<int:backtest_id>/again/", research_views.again, name="backtest-newer"),
    path("backtests/<int:backtest_id>/adopt/", research_views.adopt, name="backtest-adopt"),
    path("backtests/<int:backtest_id>/delete/", research_views.delete, name="backtest-delete"),
    path("optimizations/", optimization_views.show_optimizations, name="optimizations"),
    path("optimizations/new/", optimization_views.make, name="optimization-new"),
    path("optimizations/new/size/", optimization_views.show_size, name="optimization-size"),
    path("optimizations/<int:optimization_id>/", optimization_views.show_optimization, name="optimization"),
    path(
        "optimizations/<int:optimization_id>/cancel/", optimization_views.cancel, name="optimization-call-off"
    ),
    path(
        "optimizations/<int:optimization_id>/delete/", optimization_views.delete, name="optimization-delete"
    ),
    path(
        "optimizations/<int:optimization_id>/sets/<int:number>/backtest/",
        optimization_views.backtest,
        name="optimization-backtest",
    ),
    path(
        "optimizations/<int:optimization_id>/sets/<int:number>/adopt/",
        optimization_views.adopt,
        name="optimization-adopt",
    ),
    path("keys/<int:key_id>/reset/", key_views.reset_key, name="key-reset"),
    path("halts/", halt_views.show_halts, name="halts"),
    path("halts/sign/", halt_views.show_sign, name="halt-sign"),
    path("halts/begin/", halt_views.begin, name="halt-begin"),
    path("halts/<int:halt_id>/end/", halt_views.end, name="halt-end"),
    path("halts/flat/", flat_views.ask_flat, name="flat"),
    path("halts/flat/<int:receipt_id>/", flat_views.show_receipt, name="flat-receipt"),
]
