"""Request weight per address and unfilled orders per account: counted, told, refused in Binance's words, banned."""

import pytest

from exchange.sandbox.control import ControlRefused
from exchange.sandbox.errors import Refused
from exchange.sandbox.limits import (
    DAY_US,
    MINUTE_US,
    RECORDED,
    STRIKES_BEFORE_BAN,
    Limits,
    LimitsInForce,
    OrderCounts,
    RequestWeights,
)
from exchange.sandbox.options import options_from
from exchange.sandbox.running import SandboxProcess

NOON_MS = 1_750_420_800_000  # 2025-06-20 12:00:00 UTC, inside the recording
START_US = 30_000_000 * MINUTE_US
MAKER = {"side": "BUY", "type": "LIMIT_MAKER", "quantity": "0.001", "price": "100000"}


def in_force(**given) -> LimitsInForce:
    return LimitsInForce(Limits(**given), None, lambda kept: None)


def refusal(ask) -> Refused:
    with pytest.raises(Refused) as refused:
        ask()
    return refused.value


def test_weight_beyond_the_limit_is_too_much_until_the_minute_is_over():
    weights = RequestWeights(in_force(weight_per_minute=100))
    weights.charge("a", 90, START_US)
    weights.check("a", 10, START_US)
    no = refusal(lambda: weights.check("a", 11, START_US + 15_000_000))
    assert (no.status, no.code, no.retry_after) == (429, -1003, 45)
    assert no.message == (
        "Too much request weight used; current limit is 100 request weight per 1 MINUTE. "
        "Please use WebSocket Streams for live updates to avoid polling the API."
    )
    weights.check("b", 11, START_US)
    weights.check("a", 11, START_US + MINUTE_US)


def test_who_goes_on_regardless_is_banned_and_longer_the_next_time():
    weights = RequestWeights(in_force(weight_per_minute=100))
    for turn, minutes in enumerate((2, 4)):
        now = START_US + turn * 10 * MINUTE_US
        weights.charge("a", 100, now)
        for _ in range(STRIKES_BEFORE_BAN):
            assert refusal(lambda now=now: weights.check("a", 1, now)).status == 429
        until_ms = (now + minutes * MINUTE_US) // 1_000
        for seen in (now, now + MINUTE_US):
            no = refusal(lambda seen=seen: weights.check("a", 1, seen))
            assert (no.status, no.code) == (418, -1003)
            assert no.message == (
                f"Way too much request weight used; IP banned until {until_ms}. "
                "Please use WebSocket Streams for live updates to avoid bans."
            )
            assert no.retry_after == (now + minutes * MINUTE_US - seen) // 1_000_000
        weights.check("a", 1, now + minutes * MINUTE_US)


def test_orders_count_until_they_are_filled_or_their_interval_is_over():
    counts = OrderCounts(in_force(orders_per_10s=3, orders_per_day=5))
    counts.add(1, 1, START_US)
    counts.add(1, 2, START_US)
    no = refusal(lambda: counts.check(1, 1, START_US + 4_000_000))
    assert (no.status, no.code, no.retry_after) == (429, -1015, 6)
    assert no.message == "Too many new orders; current limit is 3 orders per 10 SECOND."
    counts.add(1, -1, START_US)
    counts.check(1, 1, START_US)
    counts.check(2, 3, START_US)
    later = START_US + 10_000_000
    assert counts.counts(1, later) == (0, 2)
    assert refusal(lambda: counts.check(1, 4, later)).message == (
        "Too many new orders; current limit is 3 orders per 10 SECOND."
    )
    counts.add(1, 3, later)
    assert refusal(lambda: counts.check(1, 1, later + 10_000_000)).message == (
        "Too many new orders; current limit is 5 orders per 1 DAY."
    )
    assert counts.counts(1, later + DAY_US) == (0, 0)


@pytest.fixture(scope="module")
def strict_sandbox(tmp_path_factory):
    """A sandbox these tests may limit without being in anybody's way."""
    with SandboxProcess(tmp_path_factory.mktemp("strict"), clock="step", start_ms=NOON_MS) as running:
        yield running


@pytest.fixture
def limited(strict_sandbox, new_caller):
    """A caller of a sandbox with Binance's recorded limits."""
    strict_sandbox.control.set_limits(weight_per_minute=6_000, orders_per_10s=50, orders_per_day=160_000)
    return new_caller(strict_sandbox)


def test_exchange_info_tells_the_limits_in_force(strict_sandbox, limited):
    def told() -> list[int]:
        return [row["limit"] for row in limited.send("GET", "/api/v3/exchangeInfo").json()["rateLimits"]]

    assert told() == [6_000, 50, 160_000, 61_000]
    strict_sandbox.control.set_limits(orders_per_10s=7)
    assert told() == [6_000, 7, 160_000, 61_000]
    strict_sandbox.kill()
    strict_sandbox.start()
    assert told() == [6_000, 7, 160_000, 61_000]
    strict_sandbox.control.reset_limits()
    assert told() == [600_000, 5_000, 1_600_000, 61_000]


def test_an_address_that_asks_too_much_is_told_when_to_come_back(strict_sandbox, limited):
    strict_sandbox.control.set_limits(weight_per_minute=40)
    answers = [limited.send("GET", "/api/v3/exchangeInfo") for _ in range(4)]
    refused = next(answer for answer in answers if answer.status_code != 200)
    assert (refused.status_code, refused.json()["code"]) == (429, -1003)
    assert 1 <= int(refused.headers["retry-after"]) <= 60
    assert int(refused.headers["x-mbx-used-weight-1m"]) > 40


def counted(response) -> tuple[str, str]:
    return response.headers["x-mbx-order-count-10s"], response.headers["x-mbx-order-count-1d"]


def test_resting_orders_count_and_market_orders_do_not_stay_counted(limited):
    def day_count(**wish) -> int:
        return int(counted(limited.order(**wish))[1])

    assert day_count(side="BUY", quantity="0.002") == 0
    assert [day_count(**MAKER), day_count(**MAKER)] == [1, 2]
    pair = {
        "symbol": "BTCUSDT", "side": "SELL", "quantity": "0.001", "aboveType": "LIMIT_MAKER", "abovePrice": "110000",
        "belowType": "STOP_LOSS_LIMIT", "belowStopPrice": "100000", "belowPrice": "98000", "belowTimeInForce": "GTC",
    }  # fmt: skip
    assert counted(limited.signed("POST", "/api/v3/orderList/oco", **pair))[1] == "4"
    report = limited.signed("GET", "/api/v3/rateLimit/order").json()
    assert [(row["interval"], row["intervalNum"], row["limit"]) for row in report] == [
        ("SECOND", 10, 50),
        ("DAY", 1, 160_000),
    ]
    assert report[1]["count"] == 4


def test_an_account_with_too_many_new_orders_places_no_more(strict_sandbox, limited):
    strict_sandbox.control.set_limits(orders_per_day=2)
    answers = [limited.order(**MAKER, newClientOrderId=f"m{turn}") for turn in range(3)]
    assert [answer.status_code for answer in answers] == [200, 200, 429]
    refused = answers[2]
    assert (refused.json()["code"], refused.json()["msg"]) == (
        -1015,
        "Too many new orders; current limit is 2 orders per 1 DAY.",
    )
    assert int(refused.headers["retry-after"]) >= 1
    wish = {**MAKER, "symbol": "BTCUSDT", "cancelReplaceMode": "STOP_ON_FAILURE"}
    kept = limited.signed("POST", "/api/v3/order/cancelReplace", **wish, cancelOrigClientOrderId="m0")
    assert (kept.status_code, kept.json()["code"]) == (429, -1015)
    only = {"cancelOrigClientOrderId": "m0", "orderRateLimitExceededMode": "CANCEL_ONLY"}
    cut = limited.signed("POST", "/api/v3/order/cancelReplace", **wish, **only)
    assert (cut.status_code, cut.json()["code"], cut.json()["data"]["cancelResult"]) == (
        429,
        -2021,
        "SUCCESS",
    )
    assert cut.json()["data"]["newOrderResponse"]["code"] == -1015


@pytest.mark.parametrize("wish", [{"weight": 1}, {"orders_per_10s": 0}, {"orders_per_10s": "many"}])
def test_senseless_limits_are_refused(sandbox, wish):
    with pytest.raises(ControlRefused) as refused:
        sandbox.control.set_limits(**wish)
    assert refused.value.status == 400
    assert sandbox.control.limits()["recorded"] == {
        "weight_per_minute": RECORDED.weight_per_minute,
        "orders_per_10s": RECORDED.orders_per_10s,
        "orders_per_day": RECORDED.orders_per_day,
    }


def test_the_environment_sets_the_limits_of_a_start():
    needed = {"DATA_DIR": "/data", "SANDBOX_TOKEN": "a", "SANDBOX_KEY_SECRET": "b"}
    assert options_from(needed).limits == Limits()
    told = {
        "SANDBOX_WEIGHT_LIMIT": "6000",
        "SANDBOX_ORDERS_10S_LIMIT": "50",
        "SANDBOX_ORDERS_DAY_LIMIT": "160000",
    }
    assert options_from(needed | told).limits == RECORDED
