"""Wallets on the real database: reservations never exceed what is free, whoever plans at the same time."""

from __future__ import annotations

import datetime
import threading
from collections import Counter
from decimal import Decimal
from typing import Any

import pytest
from django.db import IntegrityError, connection, transaction
from django.utils import timezone
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from bots.models import BotConfig
from trading.models import Order, Wallet
from trading.money import NotEnoughMoney, earn, note_balance, read_wallet, release, reserve, spend

pytestmark = pytest.mark.django_db


@pytest.fixture
def wallet(paper_key: Any) -> Wallet:
    return Wallet.objects.create(account=paper_key.account, market="spot", asset="USDT", free=Decimal(1000))


def order_of(bot: BotConfig, reserved: Decimal, number: int, **values: Any) -> Order:
    fields = {"state": "planned", "planned_at": timezone.now(), "claimed_at": timezone.now(), **values}
    return Order.objects.create(
        bot_config=bot, account=bot.account, venue="sandbox", market="spot", symbol=bot.symbol, purpose="entry",
        reason="entry", side="BUY", quote_quantity=reserved or 1, client_order_id=f"tb-{bot.pk}-{number}",
        reserved=reserved, **fields,
    )  # fmt: skip


def amounts(wallet: Wallet) -> tuple[Decimal, Decimal]:
    wallet.refresh_from_db()
    return wallet.free, wallet.reserved


def test_a_reservation_ends_once_with_its_order(wallet: Wallet, make_bot: Any) -> None:
    reserve(wallet.account_id, "spot", "USDT", Decimal(400))
    order = order_of(make_bot(), Decimal(400), 1)
    assert amounts(wallet) == (1000, 400)
    copy = Order.objects.get(pk=order.pk)
    release(order)
    release(order)
    release(copy)
    assert (amounts(wallet), order.reserved, copy.reserved) == ((1000, 0), 0, 0)


def test_a_fill_leaves_wallet_and_reservation_together(wallet: Wallet, make_bot: Any) -> None:
    reserve(wallet.account_id, "spot", "USDT", Decimal(400))
    order = order_of(make_bot(), Decimal(400), 1)
    spend(order, Decimal("150.5"))
    assert (amounts(wallet), order.reserved) == ((Decimal("849.5"), Decimal("249.5")), Decimal("249.5"))
    spend(order, Decimal("249"))
    release(order)
    assert amounts(wallet) == (Decimal("600.5"), 0)


def test_what_a_sale_brings_is_not_counted_twice(wallet: Wallet, make_bot: Any) -> None:
    order = order_of(make_bot(), Decimal(0), 1)
    earn(order, Decimal(50))
    assert amounts(wallet) == (1050, 0)
    after_the_claim = order.claimed_at + datetime.timedelta(seconds=1)
    note_balance(wallet, free=Decimal(1050), locked=Decimal(0), asked_at=after_the_claim)
    earn(order, Decimal(50))
    assert amounts(wallet) == (1050, 0)


@pytest.mark.parametrize("amount", ["1000.00000001", "5000"])
def test_more_than_is_free_is_refused_with_the_numbers(wallet: Wallet, amount: str) -> None:
    with pytest.raises(NotEnoughMoney, match=r"needs [\d,.]+ USDT; 1,000\.00 USDT are free"):
        reserve(wallet.account_id, "spot", "USDT", Decimal(amount))
    assert amounts(wallet) == (1000, 0)


def test_a_wallet_never_read_has_nothing(paper_key: Any) -> None:
    with pytest.raises(NotEnoughMoney, match=r"0\.00 BUSD are free"):
        reserve(paper_key.account_id, "spot", "BUSD", Decimal(1))


def test_the_database_refuses_a_negative_reservation(wallet: Wallet) -> None:
    with pytest.raises(IntegrityError, match="wallet_reserved_not_negative"), transaction.atomic():
        Wallet.objects.filter(pk=wallet.pk).update(reserved=-1)


def test_an_older_answer_does_not_replace_a_newer_one(wallet: Wallet) -> None:
    now = timezone.now()
    note_balance(wallet, free=Decimal(900), locked=Decimal(5), asked_at=now)
    late = note_balance(
        wallet, free=Decimal(1000), locked=Decimal(0), asked_at=now - datetime.timedelta(seconds=3)
    )
    assert (late.free, late.locked, late.read_at) == (900, 5, now)


def test_a_wallet_is_read_from_the_exchange(sandbox: Any, alice: Any) -> None:
    from accounts.keys import mint_paper_key

    read = read_wallet(mint_paper_key(alice, "Paper"), "spot", "USDT")
    assert (read.free, read.locked, read.reserved) == (10_000, 0, 0)


steps = st.lists(
    st.one_of(
        st.tuples(st.just("reserve"), st.integers(1, 600)),
        st.tuples(st.just("release"), st.integers(0, 5)),
        st.tuples(st.just("spend"), st.integers(0, 5)),
    ),
    max_size=25,
)


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(steps=steps)
def test_reserved_is_the_sum_of_open_reservations_and_at_most_what_is_free(
    wallet: Wallet, make_bot: Any, steps: Any
) -> None:
    Wallet.objects.filter(pk=wallet.pk).update(free=1000, reserved=0)
    wallet.refresh_from_db()
    orders: list[Order] = []
    for verb, argument in steps:
        play(wallet, make_bot, orders, verb, Decimal(argument))
        free, reserved = amounts(wallet)
        assert reserved == sum(Order.objects.get(pk=order.pk).reserved for order in orders)
        assert 0 <= reserved <= free


def play(wallet: Wallet, make_bot: Any, orders: list[Order], verb: str, argument: Decimal) -> None:
    if verb == "reserve":
        available = wallet.available
        try:
            reserve(wallet.account_id, "spot", "USDT", argument)
        except NotEnoughMoney:
            assert argument > available
        else:
            assert argument <= available
            number = len(orders) + Order.objects.count()
            orders.append(order_of(make_bot(), argument, number))
    elif orders:
        order = orders[int(argument) % len(orders)]
        release(order) if verb == "release" else spend(order, order.reserved / 2)


@pytest.mark.django_db(transaction=True)
def test_many_plans_at_once_never_share_a_coin(wallet: Wallet) -> None:
    """Eight threads want 300 of 1,000 each: three get it."""
    together, ends = threading.Barrier(8), Counter[str]()

    def plan() -> None:
        together.wait()
        try:
            with transaction.atomic():
                reserve(wallet.account_id, "spot", "USDT", Decimal(300))
            ends["reserved"] += 1
        except NotEnoughMoney:
            ends["refused"] += 1
        finally:
            connection.close()

    threads = [threading.Thread(target=plan) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert ends == {"reserved": 3, "refused": 5}
    assert amounts(wallet) == (1000, 900)
