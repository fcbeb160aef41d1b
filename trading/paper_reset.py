"""Beginning a paper account anew: the key gets a fresh account with its opening balance, and its bots move there.

What was traded stays in the books under the old account. Refused while anything of the old one is still in use.
"""

from __future__ import annotations

from typing import Any

from django.db import transaction
from django.utils import timezone
from django.utils.translation import gettext as _

from accounts.keys import renew_paper_key
from accounts.models import ApiKey
from bots.lifecycle import LifecycleRefused
from bots.models import BotConfig, BotState
from exchange.models import Venue
from trading.models import Order, Position


@transaction.atomic
def reset_paper_balance(key: ApiKey, *, by: Any) -> ApiKey:
    """The key with a new account. Raises LifecycleRefused (409) naming the bots that run, hold or order something."""
    # Without the account beside it: a reset that this one waits for gives the key another, and the join would be empty.
    key = ApiKey.objects.select_for_update().get(pk=key.pk)
    if key.venue != Venue.SANDBOX:
        raise LifecycleRefused(400, _("Only a paper account can begin anew."))
    bots = BotConfig.objects.filter(api_key=key)
    # No run plans anything while these are held.
    list(BotState.objects.select_for_update().filter(bot_config__in=bots).order_by("pk").values_list("pk"))
    busy = _busy(bots)
    if busy:
        message = _("In use by %(bots)s. Stop these bots and close their positions first.")
        raise LifecycleRefused(409, message % {"bots": ", ".join(busy)})
    renew_paper_key(key, by=by)
    now = timezone.now()
    # Coins too small to sell stay behind in the old account.
    BotState.objects.filter(bot_config__in=bots).update(dust_quantity=0, dust_cost=0, updated_at=now)
    bots.update(account=key.account, updated_at=now)
    return key


def _busy(bots: Any) -> list[str]:
    """Names of bots that run, hold a position, or have an order whose end is to come."""
    holding = Position.objects.open().filter(bot_config__in=bots).values("bot_config_id")
    ordering = Order.objects.unsettled().filter(bot_config__in=bots).values("bot_config_id")
    found = bots.filter(is_active=True) | bots.filter(pk__in=holding) | bots.filter(pk__in=ordering)
    return list(found.order_by("name").values_list("name", flat=True))
