"""A backtest's risk fields: BotConfig's own by their names, and what a bot's account pays and the market costs.

They are kept as JSON: amounts as plain strings, whole numbers as numbers, words as words, empty as null. Rows from
before there were futures have neither direction nor leverage.
"""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal
from types import MappingProxyType
from typing import Any, Final

from django.utils.translation import gettext as _

from bots.models import Direction
from bots.ranges import DEFAULT_SLIPPAGE_PERC, DEFAULT_STOP_LIMIT_OFFSET_PERC
from bots.sizing import PERCENT_PLACES, places_of
from bots.wording import plain
from engine.amounts import e6_from_percent, e8_from_decimal, share_e6
from engine.fold import Setting
from engine.market import interval_ms
from engine.rules import SymbolRules
from exchange.models import Market
from trading.research.futures import Contract

RISK_FIELDS: Final = (
    "initial_capital", "position_size_perc", "position_size_fixed", "stop_loss_perc", "take_profit_perc",
    "trailing_stop_perc", "stop_limit_offset_perc", "max_daily_trades", "max_daily_loss_perc", "daily_target_perc",
    "cooldown_candles", "max_slippage_perc", "direction", "leverage",
)  # fmt: skip
# What an empty field means, in percent: Binance's usual fees, and a market that fills at the opening itself.
COSTS: Final[Mapping[str, Decimal]] = MappingProxyType(
    {"taker_fee_perc": Decimal("0.1"), "maker_fee_perc": Decimal("0.1"), "slippage_perc": Decimal(0)}
)
COSTS_OF_FUTURES: Final[Mapping[str, Decimal]] = MappingProxyType(
    {**COSTS, "taker_fee_perc": Decimal("0.05"), "maker_fee_perc": Decimal("0.02")}
)
MOST_COST_PERC: Final = Decimal(5)
WHOLE_NUMBERS: Final = frozenset({"max_daily_trades", "cooldown_candles", "leverage"})
WORDS: Final = frozenset({"direction"})


def costs_of(market: str) -> Mapping[str, Decimal]:
    """What an empty cost means on that market."""
    return COSTS_OF_FUTURES if market == Market.FUTURES else COSTS


def settings_of_bot(bot: Any) -> dict[str, Any]:
    """A bot's risk fields (the row, or anything with its fields), with the usual costs."""
    return settings_json({name: getattr(bot, name) for name in RISK_FIELDS} | dict(COSTS))


def settings_json(values: Mapping[str, Any], *, market: str = Market.SPOT) -> dict[str, Any]:
    """Checked values as they are kept. A cost left empty is the usual one of its market."""
    usual = {"direction": Direction.LONG.value, "leverage": 1, **costs_of(market)}
    chosen = {name: values.get(name) for name in (*RISK_FIELDS, *COSTS)}
    chosen |= {name: value for name, value in usual.items() if chosen[name] is None}
    return {name: plain(value) if isinstance(value, Decimal) else value for name, value in chosen.items()}


def settings_values(kept: Mapping[str, Any]) -> dict[str, Any]:
    """Kept values as numbers again: Decimal, int or None; the direction as its word."""
    values = {
        name: value if value is None or name in WHOLE_NUMBERS | WORDS else Decimal(value)
        for name, value in kept.items()
    }
    return {"direction": Direction.LONG.value, "leverage": 1, **values}


def objections_to_costs(values: Mapping[str, Any]) -> dict[str, str]:
    """One message for every fee or slippage outside its range."""
    return {
        name: message
        for name in COSTS
        if values.get(name) is not None and (message := _objection(values[name]))
    }


def _objection(value: Decimal) -> str:
    if not 0 <= value <= MOST_COST_PERC:
        return _("This must be from 0 to %(most)s, or empty.") % {"most": plain(MOST_COST_PERC)}
    if places_of(value) > PERCENT_PLACES:
        return _("A percentage has at most 4 decimal places.")
    return ""


def setting_of(
    kept: Mapping[str, Any],
    *,
    timeframe: str,
    rules: SymbolRules,
    market: str = "spot",
    contract: Contract | None = None,
) -> Setting:
    """What the fold is told, in the integers of the engine. Daily percentages are of the initial capital. Futures need
    their `contract`."""
    values = settings_values(kept)
    capital_e8 = e8_from_decimal(values["initial_capital"])

    def e6(name: str) -> int | None:
        return None if values[name] is None else e6_from_percent(values[name])

    def of_capital(name: str) -> int | None:
        return None if values[name] is None else share_e6(capital_e8, e6_from_percent(values[name]))

    fixed = values["position_size_fixed"]
    return Setting(
        rules=rules,
        market=market,
        direction=values["direction"],
        leverage=values["leverage"],
        brackets=() if contract is None else contract.brackets,
        funding=None if contract is None else contract.funding,
        interval_ms=interval_ms(timeframe),
        initial_capital_e8=capital_e8,
        size_percent_e6=e6("position_size_perc"),
        size_fixed_e8=None if fixed is None else e8_from_decimal(fixed),
        stop_percent_e6=e6("stop_loss_perc"),
        target_percent_e6=e6("take_profit_perc"),
        trailing_percent_e6=e6("trailing_stop_perc"),
        stop_limit_offset_e6=e6_from_percent(
            values["stop_limit_offset_perc"] or DEFAULT_STOP_LIMIT_OFFSET_PERC
        ),
        max_daily_trades=values["max_daily_trades"],
        max_daily_loss_e8=of_capital("max_daily_loss_perc"),
        daily_target_e8=of_capital("daily_target_perc"),
        cooldown_candles=values["cooldown_candles"] or 0,
        max_slippage_e6=e6_from_percent(values["max_slippage_perc"] or DEFAULT_SLIPPAGE_PERC),
        taker_e6=e6_from_percent(values["taker_fee_perc"]),
        maker_e6=e6_from_percent(values["maker_fee_perc"]),
        slippage_e6=e6_from_percent(values["slippage_perc"]),
    )
