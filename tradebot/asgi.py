"""The web process: Django over ASGI, in one process, so that event streams and pages share it."""

import os

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "tradebot.settings")

from django.core.asgi import get_asgi_application

from tradebot.logs import configure

configure()
application = get_asgi_application()
