from django.apps import AppConfig


class TradebotConfig(AppConfig):
    """The wiring room: no models, home of quickstart and doctor."""

    name = "tradebot"

    def ready(self) -> None:
        # Tasks declared with shared_task bind to this application in every process, the web process too.
        from tradebot import celery  # noqa: F401
