"""The control path of stream faults (`/sandbox/v1/stream-faults`): GET what is in force, PUT a new list, DELETE all."""

from typing import Any

from exchange.sandbox.control_api import ControlError
from exchange.sandbox.sockets import Sockets
from exchange.sandbox.stream_faults import StreamFaultError


def stream_faults_answer(sockets: Sockets, method: str, body: Any) -> dict[str, Any]:
    if method not in ("GET", "PUT", "DELETE"):
        raise ControlError(404, f"There is no {method} of stream-faults.")
    if method != "GET":
        rules = [] if method == "DELETE" else body
        if not isinstance(rules, list) or not all(isinstance(rule, dict) for rule in rules):
            raise ControlError(400, "Send a list of stream faults.")
        try:
            sockets.apply(sockets.faults.replace(rules))
        except StreamFaultError as wrong:
            raise ControlError(400, str(wrong)) from wrong
    return {"stream_faults": sockets.faults.as_list()}
