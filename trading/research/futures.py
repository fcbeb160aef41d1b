"""What a backtest of perpetual futures needs beside candles: leverage brackets and funding rates, both stored here; and
what is asked of its leverage, its stop and its size before it is queued.

A settlement without a stored rate is never invented: a few are told in the report, more refuse the backtest.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Any, Final

import numpy as np
from django.utils.translation import gettext as _

from bots.models import Direction
from bots.sizing import WHOLE
from bots.wording import money, plain
from engine.amounts import decimal_from_e8, e8_from_decimal, percent_from_e6
from engine.margin import Bracket, Funding, most_notional_e8
from engine.rules import SymbolRules
from engine.sizing import RESERVE_E6
from exchange.futures.contracts import (
    BRACKETS_FILE,
    RULES_FILE,
    brackets_of,
    most_leverage,
    recorded_in,
)
from exchange.futures.funding import funding_of, missing_settlements, settlements_within
from exchange.instants import instant_of
from exchange.models import Market

LEAST_LEVERAGE: Final = 1
MOST_LEVERAGE: Final = 125
# Refused where more than one settlement in so many has no rate.
MOST_WITHOUT_RATE: Final = 10
# Named in the row; the count tells of the rest.
SETTLEMENTS_NAMED: Final = 50


@dataclass(frozen=True)
class Contract:
    """One perpetual over one stretch. `settlements` counts those every perpetual has in it, `missing` are those of them
    without a rate (ms)."""

    brackets: tuple[Bracket, ...]
    funding: Funding
    settlements: int
    missing: tuple[int, ...]

    def fingerprint(self, of_candles: str) -> str:
        """Of everything a result depends on beside settings and code."""
        digest = hashlib.sha256(of_candles.encode())
        for column in (*self.funding, np.array(self.brackets, dtype=np.int64)):
            digest.update(np.ascontiguousarray(column, dtype="<i8"))
        return digest.hexdigest()

    def as_json(self) -> dict[str, Any]:
        return {
            "settlements": self.settlements,
            "missing_settlements": len(self.missing),
            "missing_at_ms": list(self.missing[:SETTLEMENTS_NAMED]),
            "rules_recorded": recorded_in(RULES_FILE),
            "brackets_recorded": recorded_in(BRACKETS_FILE),
        }


def contract_over(source: str, symbol: str, start_ms: int, end_ms: int) -> Contract:
    """Raises `UnknownSymbol`."""
    of = {"start_ms": start_ms, "end_ms": end_ms}
    return Contract(
        brackets=brackets_of(symbol),
        funding=funding_of(source, symbol, **of),
        settlements=len(settlements_within(start_ms, end_ms)),
        missing=tuple(missing_settlements(source, symbol, **of)),
    )


def objections_to_market(values: Mapping[str, Any]) -> dict[str, str]:
    """What a market asks of direction, leverage and stop; one message a field."""
    if values["position_type"] == Market.FUTURES:
        found = {}
        if values["stop_loss_perc"] is None:
            found["stop_loss_perc"] = _("Futures need a stop loss.")
        if not LEAST_LEVERAGE <= values["leverage"] <= MOST_LEVERAGE:
            found["leverage"] = _("The leverage must be from %(least)s to %(most)s.") % {
                "least": LEAST_LEVERAGE,
                "most": MOST_LEVERAGE,
            }
        return found
    found = {}
    if values["direction"] != Direction.LONG:
        found["direction"] = _("On the spot market it can only go long. Choose futures to go short.")
    if values["leverage"] != 1:
        found["leverage"] = _("The spot market has no leverage. Set it to 1, or choose futures.")
    return found


def objections_to_leverage(values: Mapping[str, Any], symbol: str) -> dict[str, str]:
    """Of readable values: more leverage than the symbol allows, or a stop that lies where the position is gone."""
    leverage, most = values["leverage"], most_leverage(symbol)
    if leverage > most:
        message = _("%(symbol)s allows a leverage of at most %(most)s.")
        return {"leverage": message % {"symbol": symbol, "most": most}}
    reach = farthest_stop(symbol, leverage, values["direction"])
    if values["stop_loss_perc"] < reach:
        return {}
    message = _(
        "With leverage %(leverage)s a position is liquidated %(percent)s %% from its entry at the latest: the stop must"
        " lie nearer."
    )
    names = {"leverage": leverage, "percent": plain(reach.quantize(Decimal("0.01")))}
    return {"stop_loss_perc": message % names}


def farthest_stop(symbol: str, leverage: int, direction: str) -> Decimal:
    """How far (in percent of the entry) the smallest position is liquidated; a larger one is nearer."""
    rate = Decimal(brackets_of(symbol)[0].mmr_e6) / 10**6
    room = Decimal(1) / leverage - rate
    return WHOLE * room / (1 + rate if direction == Direction.SHORT else 1 - rate)


def worth_of_stake(leverage: int, taker_fee_perc: Decimal) -> Decimal:
    """What a position is worth for each 1 of its stake: fee and room are kept back (SPEC §5.4)."""
    return leverage / (1 + leverage * (taker_fee_perc / WHOLE + percent_from_e6(RESERVE_E6) / WHOLE))


def objections_to_worth(
    values: Mapping[str, Any], rules: SymbolRules, taker_fee_perc: Decimal
) -> dict[str, str]:
    """A first position larger than its leverage allows would never be opened."""
    fixed, capital = values["position_size_fixed"], values["initial_capital"]
    stake = fixed if fixed is not None else capital * (values["position_size_perc"] or WHOLE) / WHOLE
    worth = (stake * worth_of_stake(values["leverage"], taker_fee_perc)).quantize(Decimal("0.01"))
    most_e8 = most_notional_e8(values["leverage"], brackets_of(rules.symbol))
    if e8_from_decimal(worth) <= most_e8:
        return {}
    message = _(
        "With leverage %(leverage)s a position of %(symbol)s is worth at most %(most)s; this one: %(worth)s."
    )
    names = {"leverage": values["leverage"], "symbol": rules.symbol}
    amounts = {"most": decimal_from_e8(most_e8), "worth": worth}
    return {
        "leverage": message
        % {**names, **{name: money(value, rules.quote_asset) for name, value in amounts.items()}}
    }


def objection_to_funding(contract: Contract, source: str, symbol: str) -> str:
    """Too many settlements without a rate; empty where there are none, or few."""
    if len(contract.missing) * MOST_WITHOUT_RATE <= contract.settlements:
        return ""
    message = _(
        "Funding rates of %(symbol)s (%(source)s) are missing for %(missing)s of %(all)s settlements of this period,"
        " the first at %(first)s UTC. Import them with “manage.py import_funding”, or choose another period."
    )
    return message % {
        "symbol": symbol,
        "source": source,
        "missing": len(contract.missing),
        "all": contract.settlements,
        "first": f"{instant_of(contract.missing[0]):%Y-%m-%d %H:%M}",
    }


def warning_of(contract: Contract) -> str:
    """For the report; empty where every settlement has its rate."""
    if not contract.missing:
        return ""
    message = _("%(missing)s of %(all)s funding settlements have no stored rate; nothing was paid at them.")
    return message % {"missing": len(contract.missing), "all": contract.settlements}
