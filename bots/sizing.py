"""Whether a bot's money makes an order its symbol takes: capital, share or fixed amount against the symbol's rules."""

from __future__ import annotations

from decimal import Decimal

from django.utils.translation import gettext as _

from bots.wording import money, plain
from engine.amounts import decimal_from_e8
from engine.rules import SymbolRules

WHOLE = Decimal(100)
CENT = Decimal("0.01")
# Percentages are 1e-6 fractions in the engine: four places of a percent.
PERCENT_PLACES = 4


def objection_to_size(
    capital: Decimal | None,
    percent: Decimal | None,
    fixed: Decimal | None,
    *,
    rules: SymbolRules | None,
    worth: Decimal = Decimal(1),
) -> dict[str, str]:
    """At most one message, under the field that can mend it. Without rules only what needs none is checked. `worth`:
    what a position is worth for each 1 of its stake; more than 1 with leverage."""
    if capital is None:
        return {"initial_capital": _("Say how much quote money this bot may use.")}
    if capital <= 0:
        return {"initial_capital": _("The capital must be more than 0.")}
    if percent is not None and not 0 < percent <= WHOLE:
        return {"position_size_perc": _("The percentage must be more than 0 and at most 100.")}
    if percent is not None and places_of(percent) > PERCENT_PLACES:
        return {"position_size_perc": _("A percentage has at most 4 decimal places.")}
    if fixed is not None and fixed <= 0:
        return {"position_size_fixed": _("The amount must be more than 0.")}
    if fixed is not None and fixed > capital:
        return {
            "position_size_fixed": _("The amount may not be more than the capital (%(capital)s).")
            % {"capital": plain(capital)}
        }
    return _objection_of_rules(capital, percent, fixed, rules, worth) if rules else {}


def _objection_of_rules(
    capital: Decimal, percent: Decimal | None, fixed: Decimal | None, rules: SymbolRules, worth: Decimal
) -> dict[str, str]:
    for field, amount in (("initial_capital", capital), ("position_size_fixed", fixed)):
        if amount is not None and places_of(amount) > rules.quote_precision:
            message = _("%(asset)s has at most %(places)s decimal places.")
            return {field: message % {"asset": rules.quote_asset, "places": rules.quote_precision}}
    size = worth * (fixed if fixed is not None else capital * (percent or WHOLE) / WHOLE)
    least = decimal_from_e8(rules.min_notional_e8)
    if size >= least:
        return {}
    message = _("A position would be %(size)s; %(symbol)s takes orders from %(least)s.") % {
        "size": money(size if worth == 1 else size.quantize(CENT), rules.quote_asset),
        "symbol": rules.symbol,
        "least": money(least, rules.quote_asset),
    }
    if fixed is not None:
        return {"position_size_fixed": message}
    return {
        "position_size_perc"
        if percent is not None and capital * worth >= least
        else "initial_capital": message
    }


def places_of(amount: Decimal) -> int:
    """Decimal places that say something: one for 1.50."""
    exponent = amount.normalize().as_tuple().exponent
    return max(0, -exponent) if isinstance(exponent, int) else 0
