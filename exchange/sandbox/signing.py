"""Who is asking: key format, time window, signature over the raw payload. Values are decoded only after that.

The payload is the query string followed by the body without separator, exactly as sent, less the signature.
"""

import hashlib
import hmac
import re
from collections.abc import Callable
from dataclasses import dataclass

from exchange.sandbox import errors
from exchange.sandbox.credentials import is_well_formed
from exchange.sandbox.reading import DECIMAL, INTEGER

DEFAULT_RECV_WINDOW_US = 5_000_000
LONGEST_RECV_WINDOW_US = 60_000_000
AHEAD_US = 1_000_000
MICROSECOND_DIGITS = 16
SIGNED_NAMES = ("timestamp", "recvWindow", "signature")
_SIGNATURE = re.compile(rb"(?:^signature=[^&]*&?)|(?:&signature=[^&]*)")


@dataclass(frozen=True)
class Raw:
    """A request as it came over the wire."""

    method: str
    path: str
    query: bytes
    body: bytes
    api_key: str | None


def signed_payload(query: bytes, body: bytes) -> bytes:
    """What the caller signed."""
    return _SIGNATURE.sub(b"", query) + _SIGNATURE.sub(b"", body)


def check_signed(
    raw: Raw,
    parameters: dict[str, str],
    *,
    server_us: int,
    secret_of: Callable[[str], str],
    is_revoked: Callable[[str], bool],
) -> str:
    """The caller's key, or the first of Binance's complaints."""
    if raw.api_key is None or not is_well_formed(raw.api_key):
        raise errors.bad_key_format()
    for name in ("timestamp", "signature"):
        if name not in parameters:
            raise errors.missing(name)
        if parameters[name] == "":
            raise errors.empty(name)
    check_time(parameters, server_us)
    if is_revoked(raw.api_key):
        raise errors.bad_key()
    payload = signed_payload(raw.query, raw.body)
    expected = hmac.new(secret_of(raw.api_key).encode(), payload, hashlib.sha256).hexdigest()
    given = parameters["signature"].lower().encode("utf-8", "replace")
    if not hmac.compare_digest(expected.encode(), given):
        raise errors.bad_signature()
    return raw.api_key


def check_time(parameters: dict[str, str], server_us: int) -> None:
    """Accepted iff timestamp < server + 1000 ms and server - timestamp <= recvWindow. Milli- or microseconds."""
    timestamp = parameters["timestamp"]
    if re.fullmatch(INTEGER, timestamp) is None:
        raise errors.illegal_characters("timestamp", INTEGER)
    timestamp_us = int(timestamp) * (1 if len(timestamp) >= MICROSECOND_DIGITS else 1000)
    window_us = recv_window_us(parameters.get("recvWindow"))
    if timestamp_us >= server_us + AHEAD_US:
        raise errors.ahead_of_server()
    if server_us - timestamp_us > window_us:
        raise errors.outside_recv_window()


def recv_window_us(text: str | None) -> int:
    if text is None:
        return DEFAULT_RECV_WINDOW_US
    if text == "":
        raise errors.empty("recvWindow")
    whole, _, fraction = text.partition(".")
    if re.fullmatch(DECIMAL, text) is None:
        raise errors.illegal_characters("recvWindow", DECIMAL)
    if len(fraction) > 3:
        raise errors.too_precise("recvWindow")
    window_us = int(whole) * 1000 + int(fraction.ljust(3, "0"))
    if window_us > LONGEST_RECV_WINDOW_US:
        raise errors.recv_window_too_long()
    return window_us
