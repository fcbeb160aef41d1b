"""What a failed request means, in the port's words (SPEC §7.3): certain that nothing executed, or not.

Only what is certain is called certain. No text made here holds a key, a signature, a query or a body, and the
original exception, which does, is neither cause nor context of the one raised.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import Final

import requests
import urllib3
from binance.exceptions import BinanceAPIException, BinanceRequestException

from exchange.port import (
    CredentialsRefused,
    DuplicateOrder,
    ExchangeError,
    OutcomeUnknown,
    RateLimited,
    Rejected,
    Unavailable,
)

TIMESTAMP_REFUSED: Final = -1021
NO_SUCH_ORDER: Final = -2013
NO_SUCH_LIST: Final = -2018

_CREDENTIAL_CODES: Final = frozenset({-1022, -2014, -2015})
# Binance's own "could have been a success".
_UNKNOWN_CODES: Final = frozenset({-1000, -1001, -1006, -1007})
_DUPLICATE_CODE: Final = -4116
_NEW_ORDER_REJECTED: Final = -2010
_CANCEL_REJECTED: Final = -2011
_UNKNOWN_STATUSES: Final = frozenset({408, 409})
_LIMIT_STATUSES: Final = {429: 60, 418: 120}  # and how long to wait when the answer does not say

# Whatever a request can die of between its first byte and our last reading of the answer.
REQUEST_FAILURES: Final = (
    BinanceAPIException,
    BinanceRequestException,
    requests.RequestException,
    urllib3.exceptions.HTTPError,
    OSError,
    ValueError,
    TypeError,
    LookupError,
    AttributeError,
    ArithmeticError,
)
_NEVER_LEFT: Final = (
    requests.exceptions.ConnectTimeout,
    requests.exceptions.InvalidURL,
    requests.exceptions.InvalidSchema,
    requests.exceptions.MissingSchema,
    requests.exceptions.InvalidHeader,
)
_LONG_TOKEN: Final = re.compile(r"[A-Za-z0-9+/=_%-]{40,}")


def ask[Answer](request: Callable[[], Answer]) -> Answer:
    """Run a request that changes nothing; raises `Unavailable`, `RateLimited` or `Rejected`."""
    try:
        return request()
    except REQUEST_FAILURES as error:
        failure = failed_read(error)
    # Raised out here, so that the exception with the signed URL is not even its context.
    raise failure


def act[Answer](request: Callable[[], Answer]) -> Answer:
    """Run a request that may execute something; raises `OutcomeUnknown` unless it certainly did not."""
    try:
        return request()
    except REQUEST_FAILURES as error:
        failure = failed_order(error)
    raise failure


def failed_read(error: Exception) -> ExchangeError:
    if isinstance(error, BinanceAPIException):
        return (
            _limited(error)
            or _definite(error)
            or Unavailable(f"The exchange answered HTTP {error.status_code}.")
        )
    return Unavailable(_what_happened(error))


def failed_order(error: Exception) -> ExchangeError:
    if isinstance(error, BinanceAPIException):
        limited = _limited(error)
        if limited is not None:
            return limited
        if _is_duplicate(error):
            return DuplicateOrder("The exchange already knows an order of this client id.")
        return _definite(error) or OutcomeUnknown(
            f"The exchange answered HTTP {error.status_code}; {_UNCERTAIN}"
        )
    if _never_left(error):
        return Unavailable(_what_happened(error))
    return OutcomeUnknown(f"{_what_happened(error)[:-1]}; {_UNCERTAIN}")


_UNCERTAIN: Final = "whether the order was executed is not known."


def _limited(error: BinanceAPIException) -> RateLimited | None:
    seconds = seconds_to_wait(error.status_code, error.response.headers)
    return None if seconds is None else RateLimited(seconds)


def seconds_to_wait(status: int, headers: Mapping[str, str]) -> int | None:
    """What a 429 or 418 asks for; None for any other answer."""
    default = _LIMIT_STATUSES.get(status)
    if default is None:
        return None
    wait = str(headers.get("Retry-After", ""))
    return int(wait) if wait.isascii() and wait.isdigit() else default


def _definite(error: BinanceAPIException) -> Rejected | None:
    """A 4xx with Binance's own code, or the firewall's 403, is a no; anything else is not certainly one."""
    code, status = error.code, error.status_code
    if not 400 <= status < 500 or status in _UNKNOWN_STATUSES:
        return None
    if not isinstance(code, int) or code in _UNKNOWN_CODES or (code == 0 and status != 403):
        return None
    return refusal_of(code, error.message if code else "The exchange's firewall refused the request.")


def is_definite_code(code: int, message: str) -> bool:
    """Whether a refusal inside an answer (half of a cancel-replace) is certainly one."""
    return code < 0 and code not in _UNKNOWN_CODES and not _means_duplicate(code, message)


def refusal_of(code: int, message: object) -> Rejected:
    text = _safe_text(message)
    return CredentialsRefused(code, text) if code in _CREDENTIAL_CODES else Rejected(code, text)


def is_unknown_order(refused: Rejected) -> bool:
    """A cancel that found no such open order (or list): it may be final, or may not have arrived yet."""
    return refused.code == _CANCEL_REJECTED and refused.message.lower().startswith("unknown order")


def _is_duplicate(error: BinanceAPIException) -> bool:
    return isinstance(error.code, int) and _means_duplicate(error.code, str(error.message))


def _means_duplicate(code: int, message: str) -> bool:
    return code == _DUPLICATE_CODE or (code == _NEW_ORDER_REJECTED and "duplicate" in message.lower())


def _safe_text(message: object) -> str:
    """The exchange's sentence without anything long enough to be a key or a signature."""
    return _LONG_TOKEN.sub("****", str(message))[:300]


def _never_left(error: Exception) -> bool:
    """True only where no connection came about, so that no byte of the order can have been sent."""
    if isinstance(error, _NEVER_LEFT):
        return True
    reason = getattr(error.args[0], "reason", None) if error.args else None
    return isinstance(error, requests.ConnectionError) and isinstance(
        reason, (urllib3.exceptions.NewConnectionError, urllib3.exceptions.ConnectTimeoutError)
    )


def _what_happened(error: Exception) -> str:
    if _never_left(error):
        return "No connection to the exchange could be made."
    if isinstance(error, (requests.Timeout, TimeoutError)):
        return "The exchange did not answer in time."
    if isinstance(
        error, (requests.ConnectionError, requests.exceptions.ChunkedEncodingError, ConnectionError)
    ):
        return "The connection to the exchange broke before the answer came."
    return "The exchange's answer could not be read."
