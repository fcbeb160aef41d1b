from django.apps import AppConfig


class TradebotConfig(AppConfig):
    """The wiring room: no models, home of quickstart and doctor."""

    name = "tradebot"

    def ready(self) -> None:
        # Tasks declared with shared_task bind to this application in every process, the web process too.
        from tradebot import celery  # noqa: F401
        from tradebot.logs import configure

        # Here, so that commands have it too: structlog's own default prints the locals of a traceback.
        configure()
