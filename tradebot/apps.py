"""What every process of TradeBot is wired with when Django starts; nothing is read or asked here."""

from __future__ import annotations

from typing import TYPE_CHECKING

import structlog
from django.apps import AppConfig

if TYPE_CHECKING:
    from engine.strategies import Broken

logger = structlog.get_logger(__name__)


class TradebotConfig(AppConfig):
    """The wiring room: no models, home of quickstart and doctor."""

    name = "tradebot"

    def ready(self) -> None:
        # Tasks declared with shared_task bind to this application in every process, the web process too.
        from django.conf import settings

        from engine.compiled import keep_in
        from engine.strategies import look_in
        from tradebot import celery  # noqa: F401
        from tradebot.logs import configure

        # Here, so that commands have it too: structlog's own default prints the locals of a traceback.
        configure()
        # Whoever backtests first compiles for all processes of this installation.
        keep_in(settings.DATA_DIR / "compiled")
        look_in(settings.STRATEGIES_DIR, on_broken=log_left_out)


def log_left_out(broken: Broken) -> None:
    """A strategy of the user's own that cannot be used: named once in each process that looks for it."""
    logger.error("strategy_left_out", source=broken.source, cause=broken.reason)
