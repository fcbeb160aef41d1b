"""The exchange's clock as we carry it between measurements."""

from __future__ import annotations

from exchange.binance.clock import MEASURE_EVERY_SECONDS, ServerClock


class Times:
    """Two local clocks, and a server's `ahead` of the wall; an answer takes `trip` seconds, half each way."""

    def __init__(self) -> None:
        self.wall, self.monotonic, self.ahead, self.trip, self.asked = 1_000.0, 5.0, 2.0, 0.4, 0
        self.clock = ServerClock(monotonic=lambda: self.monotonic, wall=lambda: self.wall)

    def wait(self, seconds: float) -> None:
        self.wall += seconds
        self.monotonic += seconds

    def ask(self) -> int:
        self.asked += 1
        self.wait(self.trip / 2)
        server = self.wall + self.ahead
        self.wait(self.trip / 2)
        return round(server * 1000)

    def now_ms(self) -> int:
        return self.clock.now_ms(self.ask)

    def true_ms(self) -> int:
        return round((self.wall + self.ahead) * 1000)


def test_measured_on_first_use_with_the_round_trip_halved() -> None:
    times = Times()
    assert abs(times.now_ms() - times.true_ms()) <= 1
    assert times.asked == 1


def test_carried_on_without_asking_until_it_is_old() -> None:
    times = Times()
    times.now_ms()
    times.wait(MEASURE_EVERY_SECONDS - 1)
    assert abs(times.now_ms() - times.true_ms()) <= 1
    assert times.asked == 1
    times.wait(2)
    times.ahead = 9.0
    assert abs(times.now_ms() - times.true_ms()) <= 1
    assert times.asked == 2


def test_a_wall_clock_set_by_hand_or_a_sleep_is_noticed() -> None:
    times = Times()
    times.now_ms()
    times.wall += 3_600
    times.ahead -= 3_600
    assert abs(times.now_ms() - times.true_ms()) <= 1
    assert times.asked == 2


def test_offset_is_what_the_wall_clock_lacks() -> None:
    times = Times()
    assert abs(times.clock.offset_ms(times.ask) - 2_000) <= 1
    times.clock.forget()
    times.ahead = -0.7
    assert abs(times.clock.offset_ms(times.ask) + 700) <= 1
