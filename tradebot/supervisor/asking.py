"""Asking our own web servers on this machine: short, and never through somebody's proxy."""

from __future__ import annotations

import json
from http.client import HTTPConnection, HTTPException
from typing import Any
from urllib.parse import urlsplit


def ask(url: str, path: str, *, timeout: float = 1.0) -> tuple[int, bytes]:
    """Status and body of a GET. Raises OSError where nobody answers in time."""
    address = urlsplit(url)
    connection = HTTPConnection(address.hostname or "127.0.0.1", address.port, timeout=timeout)
    try:
        connection.request("GET", path)
        answer = connection.getresponse()
        return answer.status, answer.read()
    except HTTPException as trouble:
        raise OSError(f"{url} speaks no HTTP: {trouble!r}") from trouble
    finally:
        connection.close()


def answers_http(url: str, path: str) -> bool:
    """True when a GET is answered with 200 within a second."""
    try:
        return ask(url, path)[0] == 200
    except OSError:
        return False


def health_of(url: str) -> dict[str, Any]:
    """What /health/ready says now; the difficulty in words where it says nothing."""
    try:
        status, body = ask(url, "/health/ready", timeout=3)
    except OSError as trouble:
        return {"status": f"no answer ({trouble})"}
    try:
        return dict(json.loads(body))
    except ValueError:
        return {"status": f"HTTP {status}"}
