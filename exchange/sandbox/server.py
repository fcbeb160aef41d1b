"""The sandbox on the network: one process, one thread, one writer. Shells parse, hand over and answer; no more.

Faults strike here, for they are about the wire: what was executed stays executed, whatever the caller hears.
"""

import asyncio
import json
import signal
import sys
import traceback

import uvicorn
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

from exchange.sandbox import errors
from exchange.sandbox.control_api import PREFIX, ControlApi, ControlError, check_allowed
from exchange.sandbox.credentials import secret_for
from exchange.sandbox.desk import Desk
from exchange.sandbox.faults import Fault
from exchange.sandbox.logbook import log
from exchange.sandbox.options import Options
from exchange.sandbox.peers import AbortableProtocol
from exchange.sandbox.protocol import Answer, Protocol
from exchange.sandbox.signing import Raw
from exchange.sandbox.sockets import SandboxServer, Sockets
from exchange.sandbox.stream_control import stream_faults_answer

METHODS = ["GET", "POST", "PUT", "DELETE"]
KEEP_ALIVE_S = 300
PING_EVERY_S, PONG_WITHIN_S = 20, 60
LONGEST_MESSAGE = 2**16
GRACEFUL_S = 2
BODY_METHODS = ("POST", "PUT", "DELETE")


class DroppableProtocol(HttpToolsProtocol):
    """Lets a request cut its own connection, which ASGI has no word for."""

    def on_message_begin(self) -> None:
        super().on_message_begin()
        self.scope["extensions"] = {"sandbox.drop": {"close": self.transport.close}}


def json_response(answer: Answer) -> Response:
    body = json.dumps(answer.body, separators=(",", ":")).encode()
    return Response(body, answer.status, answer.headers, media_type="application/json;charset=UTF-8")


def caller_of(request: Request) -> str:
    """The peer's address; empty where the server knows none."""
    return request.client.host if request.client else ""


class Shell:
    """HTTP in, HTTP out, for one desk."""

    def __init__(self, desk: Desk, options: Options, protocol: Protocol, sockets: Sockets):
        self._desk = desk
        self._sockets = sockets
        self._token = options.token
        self._protocol = protocol
        self._control = ControlApi(desk, options.key_secret)

    async def exchange(self, request: Request) -> Response:
        body = await request.body() if request.method in BODY_METHODS else b""
        raw = Raw(
            request.method,
            request.url.path,
            request.scope["query_string"],
            body,
            request.headers.get("x-mbx-apikey"),
        )
        fault = self._desk.faults.draw(raw)
        if fault is None:
            return json_response(self._answer(raw, request))
        log("fault", kind=fault.kind, method=raw.method, path=raw.path)
        return await self._answer_with(fault, raw, request)

    def _answer(self, raw: Raw, request: Request) -> Answer:
        try:
            return self._protocol.answer(raw, caller_of(request))
        except (
            Exception
        ) as error:  # An edge: whatever breaks inside becomes Binance's -1000, and a loud line.
            log("error", path=raw.path, error=repr(error), trace=traceback.format_exc())
            refusal = errors.unknown_error()
            return Answer(refusal.status, {"code": refusal.code, "msg": refusal.message})

    async def _answer_with(self, fault: Fault, raw: Raw, request: Request) -> Response:
        match fault.kind:
            case "drop_before":
                return await self._dropped(request)
            case "error_503_before":
                return self._refused(errors.internal_error())
            case "reject_with":
                return self._refused(fault.refusal())
            case "delay_before_ms":
                await asyncio.sleep(fault.ms / 1000)
        before = len(self._desk.state.orders)
        answer = self._answer(raw, request)
        match fault.kind:
            case "execute_then_drop":
                return await self._dropped(request)
            case "error_503_after":
                return self._refused(errors.status_unknown())
            case "delay_after_ms":
                await asyncio.sleep(fault.ms / 1000)
            case "hide_order_ms":
                for order in self._desk.state.orders[before:]:
                    self._desk.hide_order(order, fault.ms)
        return json_response(answer)

    def _refused(self, refusal: errors.Refused) -> Response:
        return json_response(Answer(refusal.status, refusal.body(), refusal.headers()))

    async def _dropped(self, request: Request) -> Response:
        """Closes the connection without a byte; the response returned afterwards reaches nobody."""
        request.scope["extensions"]["sandbox.drop"]["close"]()
        while not await request.is_disconnected():
            await asyncio.sleep(0)
        return Response(status_code=500)

    async def control(self, request: Request) -> Response:
        try:
            check_allowed(caller_of(request), request.headers.get("authorization"), self._token)
            text = await request.body()
            name, body = request.path_params["name"], json.loads(text) if text else None
            if name == "stream-faults":
                answer = stream_faults_answer(self._sockets, request.method, body)
            else:
                answer = self._control.answer(request.method, name, dict(request.query_params), body)
                self._sockets.streams.wake()  # The clock may have moved.
        except ControlError as refusal:
            return json_response(Answer(refusal.status, {"detail": refusal.message}))
        except json.JSONDecodeError:
            return json_response(Answer(400, {"detail": "The body is not JSON."}))
        return json_response(Answer(200, answer))


def application(shell: Shell, sockets: Sockets) -> Starlette:
    return Starlette(
        routes=[
            *sockets.routes(),
            Route(PREFIX + "{name:path}", shell.control, methods=METHODS),
            Route("/{path:path}", shell.exchange, methods=METHODS),
        ]
    )


def serve(options: Options) -> None:
    """Runs until SIGINT or SIGTERM; the last snapshot is taken on the way out."""
    for ending in (signal.SIGTERM, signal.SIGINT):
        # uvicorn stops gracefully and then raises the signal once more: that must end in `finally`, not in a kill.
        signal.signal(ending, lambda number, frame: sys.exit(0))
    desk = Desk(
        options.data_dir / "sandbox", mode=options.clock, start_ms=options.start_ms, limits=options.limits
    )
    if desk.placement is not None:
        log("placed", **desk.placement.as_dict())
    log("serving", host=options.host, port=options.port, orders=len(desk.state.orders), **desk.clock_report())

    def secret_of(api_key: str) -> str:
        return secret_for(api_key, options.key_secret)

    protocol = Protocol(desk, secret_of)
    sockets = Sockets(desk, secret_of=secret_of, charge=protocol.charge)
    config = uvicorn.Config(
        application(Shell(desk, options, protocol, sockets), sockets),
        host=options.host,
        port=options.port,
        http=DroppableProtocol,
        ws=AbortableProtocol,
        ws_ping_interval=PING_EVERY_S,
        ws_ping_timeout=PONG_WITHIN_S,
        ws_max_size=LONGEST_MESSAGE,
        ws_per_message_deflate=False,
        lifespan="off",
        access_log=False,
        log_level="warning",
        timeout_keep_alive=KEEP_ALIVE_S,
        timeout_graceful_shutdown=GRACEFUL_S,
    )
    try:
        SandboxServer(config, sockets).run()
    finally:
        desk.close()
        log("stopped")
