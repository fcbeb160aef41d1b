"""POST /api/v3/order/cancelReplace: the old order ends, then the new one begins; each half may fail on its own.

The new order's own filters are checked before anything is cancelled; how many orders are open is counted afterwards,
when the old one no longer stands.
"""

from typing import Any

from exchange.sandbox import errors
from exchange.sandbox.call import Call
from exchange.sandbox.commands import PlaceOrder
from exchange.sandbox.order_parameters import order_fields
from exchange.sandbox.placing import check_before_replacing
from exchange.sandbox.reading import CLIENT_ID, Field, choice_field, integer_field
from exchange.sandbox.spot_orders import RESTRICTION_FIELD, cancel_order, command_of, placed

STOP, GO_ON = "STOP_ON_FAILURE", "ALLOW_FAILURE"
CANCEL_ONLY = "CANCEL_ONLY"
SUCCESS, FAILURE, NOT_ATTEMPTED = "SUCCESS", "FAILURE", "NOT_ATTEMPTED"
CANCEL_IDS = ("cancelOrigClientOrderId", "cancelOrderId")

REPLACE_FIELDS: tuple[Field, ...] = (
    *order_fields(),
    choice_field("cancelReplaceMode", (STOP, GO_ON), required=True),
    Field("cancelNewClientOrderId", CLIENT_ID),
    Field("cancelOrigClientOrderId", CLIENT_ID),
    integer_field("cancelOrderId"),
    RESTRICTION_FIELD,
    choice_field("orderRateLimitExceededMode", ("DO_NOTHING", CANCEL_ONLY)),
)


def cancel_replace(call: Call) -> dict[str, Any]:
    if not any(name in call.values for name in CANCEL_IDS):
        raise errors.missing_both(CANCEL_IDS)
    command = command_of(call)
    check_before_replacing(command, call.at, call.desk.world)
    cancels_anyway = call.values.get("orderRateLimitExceededMode") == CANCEL_ONLY
    if not cancels_anyway:
        call.desk.order_counts.check(call.uid, 1, call.at.server_us)
    cancel_result, cancelled = _tried(lambda: cancel_order(_cancel_call(call)))
    if cancel_result == FAILURE and call.values["cancelReplaceMode"] == STOP:
        call.desk.order_counts.add(call.uid, 1, call.at.server_us)
        raise errors.replace_failed(_answer(cancel_result, NOT_ATTEMPTED, cancelled, None))
    new_result, answered = _tried(lambda: _place_counted(call, command))
    answer = _answer(cancel_result, new_result, cancelled, answered)
    if cancel_result == new_result == FAILURE:
        raise errors.replace_failed(answer)
    if FAILURE in (cancel_result, new_result):
        is_over_limit = new_result == FAILURE and answered["code"] == errors.TOO_MANY_ORDERS
        stops = call.values["cancelReplaceMode"] == STOP
        raise errors.replace_partially_failed(answer, status=429 if stops and is_over_limit else 409)
    return answer


def _place_counted(call: Call, command: PlaceOrder) -> dict[str, Any]:
    call.desk.order_counts.check(call.uid, 1, call.at.server_us)
    return placed(call, call.desk.place(command, call.at))


def _tried(half: Any) -> tuple[str, dict[str, Any]]:
    """One half and what came of it; a refusal is an answer here."""
    try:
        return SUCCESS, half()
    except errors.Refused as refusal:
        return FAILURE, refusal.body()


def _answer(
    cancel_result: str, new_result: str, cancelled: dict[str, Any], placed_order: dict[str, Any] | None
) -> dict[str, Any]:
    return {
        "cancelResult": cancel_result,
        "newOrderResult": new_result,
        "cancelResponse": cancelled,
        "newOrderResponse": placed_order,
    }


def _cancel_call(call: Call) -> Call:
    """The cancel half as a DELETE of its own would have asked it."""
    names = {
        "cancelOrderId": "orderId",
        "cancelOrigClientOrderId": "origClientOrderId",
        "cancelNewClientOrderId": "newClientOrderId",
        "cancelRestrictions": "cancelRestrictions",
    }
    values = {plain: call.values[name] for name, plain in names.items() if name in call.values}
    return Call(desk=call.desk, values={"symbol": call.values["symbol"], **values}, at=call.at, uid=call.uid)
