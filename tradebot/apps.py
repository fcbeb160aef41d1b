from django.apps import AppConfig


class TradebotConfig(AppConfig):
    """The wiring room: no models, home of quickstart and doctor."""

    name = "tradebot"
