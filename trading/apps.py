from pathlib import Path

from django.apps import AppConfig
from django.conf import settings


class TradingConfig(AppConfig):
    name = "trading"

    def ready(self) -> None:
        """Where compiled code lies; nothing is read, written or compiled here."""
        from engine.compiled import keep_in

        keep_in(Path(settings.DATA_DIR) / "compiled")
