"""Binance's refusals: one constructor per code, with Binance's exact text. Nothing else here answers no."""

from typing import Any


class Refused(Exception):
    """A definite no: HTTP `status` and body `{"code", "msg"}`. Nothing was changed."""

    def __init__(self, code: int, message: str, status: int = 400, **more: Any):
        """`data` belongs into the body, `retry_after` (s) into the header of that name."""
        super().__init__(f"{code} {message}")
        self.code, self.message, self.status = code, message, status
        self.data: dict[str, Any] | None = more.get("data")
        self.retry_after: int | None = more.get("retry_after")

    def body(self) -> dict[str, Any]:
        told = {"code": self.code, "msg": self.message}
        return told if self.data is None else told | {"data": self.data}

    def headers(self) -> dict[str, str]:
        return {} if self.retry_after is None else {"retry-after": str(self.retry_after)}


ORDER_OR_CLIENT_ID = ("origClientOrderId", "orderId")
TOO_MANY_ORDERS = -1015
QUANTITY_OR_QUOTE = ("quantity", "quoteOrderQty")


def illegal_characters(name: str, legal_range: str) -> Refused:
    return Refused(-1100, f"Illegal characters found in parameter '{name}'; legal range is '{legal_range}'.")


def duplicate_parameter() -> Refused:
    return Refused(-1101, "Duplicate values for a parameter detected.")


def too_many_parameters(received: int) -> Refused:
    return Refused(-1101, f"Too many parameters; expected '0' and received '{received}'.")


def missing(name: str) -> Refused:
    return Refused(-1102, f"Mandatory parameter '{name}' was not sent, was empty/null, or malformed.")


def missing_both(names: tuple[str, str]) -> Refused:
    return Refused(-1102, f"Param '{names[0]}' or '{names[1]}' must be sent, but both were empty/null!")


def unread(read: int, sent: int) -> Refused:
    return Refused(
        -1104, f"Not all sent parameters were read; read '{read}' parameter(s) but was sent '{sent}'."
    )


def empty(name: str) -> Refused:
    return Refused(-1105, f"Parameter '{name}' was empty.")


def not_required(name: str) -> Refused:
    return Refused(-1106, f"Parameter '{name}' sent when not required.")


def too_precise(name: str) -> Refused:
    return Refused(-1111, f"Parameter '{name}' has too much precision.")


def invalid_time_in_force() -> Refused:
    return Refused(-1115, "Invalid timeInForce.")


def invalid_order_type() -> Refused:
    return Refused(-1116, "Invalid orderType.")


def invalid_side() -> Refused:
    return Refused(-1117, "Invalid side.")


def invalid_interval() -> Refused:
    return Refused(-1120, "Invalid interval.")


def invalid_symbol() -> Refused:
    return Refused(-1121, "Invalid symbol.")


def too_many_hours(hours: int) -> Refused:
    return Refused(-1127, f"More than {hours} hours between startTime and endTime.")


def invalid_combination() -> Refused:
    return Refused(-1128, "Combination of optional parameters invalid.")


def invalid_data(name: str) -> Refused:
    return Refused(-1130, f"Data sent for parameter '{name}' is not valid.")


def recv_window_too_long() -> Refused:
    return Refused(-1131, "recvWindow must be less than 60000.")


def outside_recv_window() -> Refused:
    return Refused(-1021, "Timestamp for this request is outside of the recvWindow.")


def ahead_of_server() -> Refused:
    return Refused(-1021, "Timestamp for this request was 1000ms ahead of the server's time.")


def bad_signature() -> Refused:
    return Refused(-1022, "Signature for this request is not valid.")


def bad_key_format() -> Refused:
    return Refused(-2014, "API-key format invalid.", status=401)


def bad_key() -> Refused:
    return Refused(-2015, "Invalid API-key, IP, or permissions for action.", status=401)


def filter_failure(name: str) -> Refused:
    return Refused(-1013, f"Filter failure: {name}")


def invalid_quantity() -> Refused:
    return Refused(-1013, "Invalid quantity.")


def insufficient_balance() -> Refused:
    return Refused(-2010, "Account has insufficient balance for requested action.")


def duplicate_order() -> Refused:
    return Refused(-2010, "Duplicate order sent.")


def market_closed() -> Refused:
    return Refused(-2010, "Market is closed.")


SUPPORT_NAMES = {
    "MARKET": "Market",
    "STOP_LOSS": "Stop loss",
    "STOP_LOSS_LIMIT": "Stop loss limit",
    "TAKE_PROFIT": "Take profit",
    "TAKE_PROFIT_LIMIT": "Take profit limit",
}


def type_not_supported(kind: str) -> Refused:
    return Refused(-1013, f"{SUPPORT_NAMES.get(kind, kind)} orders are not supported for this symbol.")


def invalid_price(name: str) -> Refused:
    return Refused(-1013, "Invalid price." if name == "price" else "Invalid stopPrice.")


def unsupported_combination() -> Refused:
    return Refused(-1014, "Unsupported order combination.")


def trailing_not_supported() -> Refused:
    return Refused(-2010, "Trailing stop orders are not supported for this symbol.")


def iceberg_not_supported() -> Refused:
    return Refused(-2010, "Iceberg orders are not supported for this symbol.")


def would_trigger_immediately() -> Refused:
    return Refused(-2010, "Order would trigger immediately.")


def would_match_immediately() -> Refused:
    return Refused(-2010, "Order would immediately match and take.")


def wrong_price_relationship() -> Refused:
    return Refused(-2010, "The relationship of the prices for the orders is not correct.")


def unknown_order_sent() -> Refused:
    return Refused(-2011, "Unknown order sent.")


def cancel_restricted() -> Refused:
    return Refused(-2011, "Order was not canceled due to cancel restrictions.")


PLEASE_STREAM = "Please use WebSocket Streams for live updates to avoid"


def too_much_weight(limit: int, retry_after: int) -> Refused:
    text = f"Too much request weight used; current limit is {limit} request weight per 1 MINUTE."
    return Refused(-1003, f"{text} {PLEASE_STREAM} polling the API.", 429, retry_after=retry_after)


def banned(until_ms: int, retry_after: int) -> Refused:
    text = f"Way too much request weight used; IP banned until {until_ms}."
    return Refused(-1003, f"{text} {PLEASE_STREAM} bans.", 418, retry_after=retry_after)


def too_many_orders(limit: int, interval: str, retry_after: int) -> Refused:
    text = f"Too many new orders; current limit is {limit} orders per {interval}."
    return Refused(TOO_MANY_ORDERS, text, 429, retry_after=retry_after)


def invalid_cancel_restrictions() -> Refused:
    return Refused(-1145, "Invalid cancelRestrictions")


def replace_failed(data: dict[str, Any]) -> Refused:
    return Refused(-2022, "Order cancel-replace failed.", data=data)


def replace_partially_failed(data: dict[str, Any], *, status: int) -> Refused:
    return Refused(-2021, "Order cancel-replace partially failed.", status, data=data)


def no_such_list() -> Refused:
    return Refused(-2018, "Order list does not exist.")


def prevention_mode_not_allowed() -> Refused:
    return Refused(-2010, "This symbol does not allow the specified self-trade prevention mode.")


def no_such_order() -> Refused:
    return Refused(-2013, "Order does not exist.")


def client_id_differs() -> Refused:
    return Refused(-2039, "Client order ID is not correct for this order ID.")


def status_unknown() -> Refused:
    return Refused(
        -1007,
        "Timeout waiting for response from backend server. Send status unknown; execution status unknown.",
        status=503,
    )


def internal_error() -> Refused:
    return Refused(-1001, "Internal error; unable to process your request. Please try again.", status=503)


def unknown_error() -> Refused:
    return Refused(-1000, "An unknown error occurred while processing the request.", status=500)


def unknown_path(path: str, method: str) -> Refused:
    return Refused(-5000, f"Path {path}, Method {method} is invalid", status=404)


def not_supported() -> Refused:
    return Refused(-1020, "This operation is not supported.")


def not_authorized() -> Refused:
    return Refused(-1002, "You are not authorized to execute this request.", status=401)


def invalid_json(message: str) -> Refused:
    return Refused(-1135, message)


def subscription_active() -> Refused:
    return Refused(-2035, "User Data Stream subscription already active.")


def subscription_inactive() -> Refused:
    return Refused(-2036, "User Data Stream subscription not active.")


def no_session_for_hmac() -> Refused:
    return Refused(-4056, "HMAC_SHA256 API key is not supported.")
