"""What became of the two halves of a cancel-replace. Binance says it in the answer, also where that is an error: 400
-2022 (both came to nothing) and 409 -2021 (one of them). What cannot be read for certain raises `OutcomeUnknown`.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, Final

from binance.exceptions import BinanceAPIException

from exchange.binance import translate
from exchange.binance.errors import act, is_definite_code, refusal_of
from exchange.port import OutcomeUnknown, Rejected, ReplaceReport

_HALF_FAILED: Final = {400: -2022, 409: -2021}
_SUCCESS: Final = "SUCCESS"


def replace(request: Callable[[], Mapping[str, Any]]) -> ReplaceReport:
    """Run a cancel-replace and read both ends."""
    return act(lambda: _report(_answer_of(request)))


def _answer_of(request: Callable[[], Mapping[str, Any]]) -> Mapping[str, Any]:
    """The halves, whether they came as an answer or inside an error. Any other error is raised as it is."""
    try:
        return request()
    except BinanceAPIException as error:
        if _HALF_FAILED.get(error.status_code) != error.code:
            raise
        body = error.response.json()
    data = body["data"]
    if not isinstance(data, Mapping):
        raise TypeError("the halves of a cancel-replace are an object")
    return data


def _report(halves: Mapping[str, Any]) -> ReplaceReport:
    is_cancelled, is_placed = halves["cancelResult"] == _SUCCESS, halves["newOrderResult"] == _SUCCESS
    if is_placed and not is_cancelled:
        raise ValueError("nothing is placed where the cancel failed: stop on failure")
    cancelled = translate.order_report(halves["cancelResponse"]) if is_cancelled else None
    placed = translate.order_report(halves["newOrderResponse"]) if is_placed else None
    if placed is not None:
        return ReplaceReport(cancelled, placed)
    failed = halves["newOrderResponse"] if is_cancelled else halves["cancelResponse"]
    return ReplaceReport(cancelled, None, _refusal(failed))


def _refusal(failed: Mapping[str, Any]) -> Rejected:
    code = translate.whole(failed["code"])
    if not is_definite_code(code, str(failed["msg"])):
        raise OutcomeUnknown("Half of a replacement has an end that is not known.")
    return refusal_of(code, str(failed["msg"]))
