"""A symbol's trading rules in plain sentences, as its page explains them."""

from __future__ import annotations

from django.utils.translation import gettext as _

from engine.amounts import decimal_from_e8, plain_e8
from engine.rules import UNLIMITED, SymbolRules


def rules_in_words(rules: SymbolRules) -> list[tuple[str, str, str]]:
    """(name, value, what it means) of the rules every order has to keep."""
    base, quote = rules.base_asset, rules.quote_asset
    least = plain_e8(rules.quantity_e8(rules.market_limits.min_quantity))
    rows = [
        (_("Price step (tick)"), f"{plain_e8(rules.tick_e8)} {quote}", _("Stops and targets are rounded to it.")),
        (_("Quantity step"), f"{plain_e8(rules.step_e8)} {base}", _("What is bought or sold is rounded down to it.")),
        (_("Smallest quantity"), f"{least} {base}", _("Anything below stays as dust and is added to the next exit.")),
        (
            _("Smallest order"),
            f"{plain_e8(rules.min_notional_e8)} {quote}",
            _("An order worth less is not sent, and the decision says so."),
        ),
    ]  # fmt: skip
    if rules.max_notional_e8 < UNLIMITED:
        most = f"{decimal_from_e8(rules.max_notional_e8):,.0f} {quote}"
        rows.append((_("Largest order"), most, _("A larger one is refused by the exchange.")))
    rows.append(
        (_("Stop loss as"), _stop_kind(rules), _("What a protecting stop is sent as on this symbol."))
    )
    if rules.max_algo_orders < UNLIMITED:
        meaning = _("So many positions of one account may stand behind a stop here at the same time.")
        rows.append((_("Stops at once"), str(rules.max_algo_orders), meaning))
    return rows


def _stop_kind(rules: SymbolRules) -> str:
    if "STOP_LOSS" in rules.order_types:
        return "STOP_LOSS"
    return "STOP_LOSS_LIMIT" if "STOP_LOSS_LIMIT" in rules.order_types else _("not offered")
