"""From a raw request to Binance's answer: find the path, authenticate, read, hand over, or refuse in its words."""

from collections.abc import Callable
from dataclasses import dataclass, field

from exchange.sandbox import errors
from exchange.sandbox.call import Call, Json
from exchange.sandbox.desk import Desk
from exchange.sandbox.endpoints import BY_PATH, Endpoint
from exchange.sandbox.reading import parameters_of, read
from exchange.sandbox.signing import Raw, check_signed

MINUTE_US = 60_000_000


@dataclass(frozen=True)
class Answer:
    status: int
    body: Json
    headers: dict[str, str] = field(default_factory=dict)


class WeightCounter:
    """Request weight used per caller address in the running minute of server time."""

    def __init__(self) -> None:
        self._minute = 0
        self._used: dict[str, int] = {}

    def charge(self, address: str, weight: int, server_us: int) -> int:
        minute = server_us // MINUTE_US
        if minute != self._minute:
            self._minute, self._used = minute, {}
        self._used[address] = self._used.get(address, 0) + weight
        return self._used[address]


class Protocol:
    """Binance's surface of one desk."""

    def __init__(self, desk: Desk, secret_of: Callable[[str], str]):
        self._desk = desk
        self._secret_of = secret_of
        self._weights = WeightCounter()

    def answer(self, raw: Raw, address: str) -> Answer:
        """Never raises for what a caller sends; a refusal is an answer too."""
        endpoint = BY_PATH.get((raw.method, raw.path))
        weight = 1
        try:
            if endpoint is None:
                raise errors.unknown_path(raw.path, raw.method)
            parameters = parameters_of(raw.query, raw.body)
            weight = endpoint.weight(parameters)
            body = endpoint.answer(self._call(endpoint, raw, parameters))
        except errors.Refused as refusal:
            return self._answered(address, weight, refusal.status, refusal.body())
        return self._answered(address, 0 if endpoint.is_free else weight, 200, body)

    def _call(self, endpoint: Endpoint, raw: Raw, parameters: dict[str, str]) -> Call:
        if endpoint.takes_nothing and parameters:
            raise errors.too_many_parameters(len(parameters))
        at = self._desk.now()
        uid = 0
        if endpoint.signed:
            api_key = check_signed(
                raw,
                parameters,
                server_us=at.server_us,
                secret_of=self._secret_of,
                is_revoked=self._desk.state.revoked_keys.__contains__,
            )
            uid = self._desk.open_account(api_key, at)
        return Call(desk=self._desk, values=read(parameters, endpoint.all_fields()), at=at, uid=uid)

    def charge(self, address: str, weight: int) -> int:
        """The weight `address` has used in this minute, this included; the WebSocket API counts here too."""
        return self._weights.charge(address, weight, self._desk.now().server_us)

    def _answered(self, address: str, weight: int, status: int, body: Json) -> Answer:
        used = str(self.charge(address, weight))
        return Answer(status, body, {"x-mbx-used-weight": used, "x-mbx-used-weight-1m": used})
