"""Logs: one JSON object a line on stderr, with request, task and bot ids; never bodies of exchange requests."""

from __future__ import annotations

import logging
import sys

import structlog

# Chatty where nothing of ours is said.
QUIET = (
    "httpx",
    "urllib3",
    "asyncio",
    # "received", "succeeded", "due": several lines a second that say nothing is wrong.
    "celery.worker.strategy",
    "celery.app.trace",
    "celery.beat",
    "django_structlog.celery.receivers",
    "django_structlog.middlewares.request",
)


def configure(level: int = logging.INFO) -> None:
    """Send structlog's and the standard library's records the same way. Safe to call twice."""
    shared: list[structlog.typing.Processor] = [
        structlog.contextvars.merge_contextvars,
        structlog.stdlib.add_logger_name,
        structlog.stdlib.add_log_level,
        structlog.stdlib.PositionalArgumentsFormatter(),
        structlog.processors.TimeStamper(fmt="iso", utc=True),
        structlog.processors.StackInfoRenderer(),
        structlog.processors.format_exc_info,
    ]
    structlog.configure(
        processors=[
            structlog.stdlib.filter_by_level,
            *shared,
            structlog.stdlib.ProcessorFormatter.wrap_for_formatter,
        ],
        logger_factory=structlog.stdlib.LoggerFactory(),
        wrapper_class=structlog.stdlib.BoundLogger,
        cache_logger_on_first_use=True,
    )
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            foreign_pre_chain=shared,
            processors=[
                structlog.stdlib.ProcessorFormatter.remove_processors_meta,
                structlog.processors.JSONRenderer(),
            ],
        )
    )
    root = logging.getLogger()
    root.handlers = [handler]
    root.setLevel(level)
    for name in QUIET:
        logging.getLogger(name).setLevel(logging.WARNING)
    for name in ("uvicorn", "uvicorn.error", "celery", "django"):
        logger = logging.getLogger(name)
        logger.handlers, logger.propagate = [], True
