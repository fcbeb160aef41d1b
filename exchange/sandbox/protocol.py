"""From a raw request to Binance's answer: find the path, authenticate, read, hand over, or refuse in its words."""

from collections.abc import Callable
from dataclasses import dataclass, field

from exchange.sandbox import errors
from exchange.sandbox.call import Call, Json
from exchange.sandbox.desk import Desk
from exchange.sandbox.endpoints import BY_PATH, Endpoint
from exchange.sandbox.limits import RequestWeights
from exchange.sandbox.reading import parameters_of, read
from exchange.sandbox.signing import Raw, check_signed


@dataclass(frozen=True)
class Answer:
    status: int
    body: Json
    headers: dict[str, str] = field(default_factory=dict)


class Protocol:
    """Binance's surface of one desk."""

    def __init__(self, desk: Desk, secret_of: Callable[[str], str]):
        self._desk = desk
        self._secret_of = secret_of
        self._weights = RequestWeights(desk.limits)

    def answer(self, raw: Raw, address: str) -> Answer:
        """Never raises for what a caller sends; a refusal is an answer too."""
        endpoint = BY_PATH.get((raw.method, raw.path))
        weight = 1
        try:
            if endpoint is None:
                raise errors.unknown_path(raw.path, raw.method)
            parameters = parameters_of(raw.query, raw.body)
            weight = endpoint.weight(parameters)
            due = 0 if endpoint.is_free else weight
            self._weights.check(address, due, self._desk.now().server_us)
            call = self._call(endpoint, raw, parameters)
            body = endpoint.answer(call)
        except errors.Refused as refusal:
            return Answer(refusal.status, refusal.body(), self._used(address, weight) | refusal.headers())
        return Answer(200, body, self._used(address, due) | _ordered(endpoint, call))

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

    def _used(self, address: str, weight: int) -> dict[str, str]:
        used = str(self.charge(address, weight))
        return {"x-mbx-used-weight": used, "x-mbx-used-weight-1m": used}


def _ordered(endpoint: Endpoint, call: Call) -> dict[str, str]:
    """After an order: how many the account has placed, and not had filled, in both intervals."""
    if not endpoint.is_order:
        return {}
    per_10s, per_day = call.desk.order_counts.counts(call.uid, call.at.server_us)
    return {"x-mbx-order-count-10s": str(per_10s), "x-mbx-order-count-1d": str(per_day)}
