"""Why a bot did or did not act: short stable words for machines, and the sentence that goes with each.

The words are stored and compared; they change only with a migration.
"""

from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from engine import step
from engine.amounts import plain_e8
from engine.margin import Bracket, liquidation_e8, most_notional_e8, scale_of
from engine.rules import SymbolRules, fault_in_words, market_fault, notional_e8


class Reason(StrEnum):
    ENTRY_SIGNAL = "entry signal"
    EXIT_SIGNAL = "exit signal"
    NO_SIGNAL = "no signal"
    WARMING_UP = "warming up"
    IN_POSITION = "in position"
    POSITION_KEPT = "position kept"
    NOTHING_TO_SELL = "nothing to sell"
    EXIT_TOO_SMALL = "exit below minimum"
    TOO_LATE = "too late"
    NOT_TRADING = "symbol not trading"
    BELOW_MIN_NOTIONAL = "below minimum notional"
    BELOW_MIN_QUANTITY = "below minimum quantity"
    ABOVE_MAX_QUANTITY = "above maximum quantity"
    ABOVE_MAX_NOTIONAL = "above maximum notional"
    NOT_ENOUGH_MONEY = "not enough money"
    TRAILING_STOP = "trailing stop"
    STOP_MOVED = "stop moved"
    COOLDOWN = "cooldown"
    NO_STOP_SLOT = "no stop slot"
    ABOVE_BRACKET = "above leverage bracket"
    STOP_BEYOND_LIQUIDATION = "stop beyond liquidation"
    # The words of the pauses they lead to (bots.standing).
    MAX_DAILY_TRADES = "max_daily_trades reached"
    MAX_DAILY_LOSS = "max_daily_loss reached"
    DAILY_TARGET = "daily target reached"
    # Found after the decision, when the book is asked.
    PRICE_MOVED = "price moved"
    # Standing blocks: whoever takes the snapshot says which one holds.
    STOPPED = "stopped"
    PAUSED = "paused"
    ERROR = "error"
    HALTED = "halted"
    UNKNOWN_ORDER = "unknown order"
    ORDER_IN_FLIGHT = "order in flight"
    DISCREPANCY = "discrepancy"
    KEY_INVALID = "key invalid"
    CLOCK_OFF = "clock off"


REASON_OF_CODE: Final = {
    step.REASON_NO_SIGNAL: Reason.NO_SIGNAL,
    step.REASON_WARMING_UP: Reason.WARMING_UP,
    step.REASON_ENTRY_SIGNAL: Reason.ENTRY_SIGNAL,
    step.REASON_EXIT_SIGNAL: Reason.EXIT_SIGNAL,
    step.REASON_IN_POSITION: Reason.IN_POSITION,
    step.REASON_POSITION_KEPT: Reason.POSITION_KEPT,
    step.REASON_NOTHING_TO_SELL: Reason.NOTHING_TO_SELL,
    step.REASON_EXIT_TOO_SMALL: Reason.EXIT_TOO_SMALL,
    step.REASON_TOO_LATE: Reason.TOO_LATE,
    step.REASON_NOT_TRADING: Reason.NOT_TRADING,
    step.REASON_BELOW_MIN_NOTIONAL: Reason.BELOW_MIN_NOTIONAL,
    step.REASON_BELOW_MIN_QUANTITY: Reason.BELOW_MIN_QUANTITY,
    step.REASON_ABOVE_MAX_QUANTITY: Reason.ABOVE_MAX_QUANTITY,
    step.REASON_ABOVE_MAX_NOTIONAL: Reason.ABOVE_MAX_NOTIONAL,
    step.REASON_NOT_ENOUGH_MONEY: Reason.NOT_ENOUGH_MONEY,
    step.REASON_TRAILING_STOP: Reason.TRAILING_STOP,
    step.REASON_STOP_MOVED: Reason.STOP_MOVED,
    step.REASON_COOLDOWN: Reason.COOLDOWN,
    step.REASON_NO_STOP_SLOT: Reason.NO_STOP_SLOT,
    step.REASON_ABOVE_BRACKET: Reason.ABOVE_BRACKET,
    step.REASON_STOP_BEYOND_LIQUIDATION: Reason.STOP_BEYOND_LIQUIDATION,
    step.REASON_MAX_DAILY_TRADES: Reason.MAX_DAILY_TRADES,
    step.REASON_MAX_DAILY_LOSS: Reason.MAX_DAILY_LOSS,
    step.REASON_DAILY_TARGET: Reason.DAILY_TARGET,
}  # The two blocks have no word of their own: the snapshot brings it.

REFUSALS: Final = frozenset(
    {
        Reason.NOTHING_TO_SELL,
        Reason.EXIT_TOO_SMALL,
        Reason.TOO_LATE,
        Reason.NOT_TRADING,
        Reason.BELOW_MIN_NOTIONAL,
        Reason.BELOW_MIN_QUANTITY,
        Reason.ABOVE_MAX_QUANTITY,
        Reason.ABOVE_MAX_NOTIONAL,
        Reason.NOT_ENOUGH_MONEY,
        Reason.NO_STOP_SLOT,
        Reason.ABOVE_BRACKET,
        Reason.STOP_BEYOND_LIQUIDATION,
        Reason.PRICE_MOVED,
    }
)
"""A signal came and was turned down: worth a row every time, even twice in a row."""

DAILY_LIMIT_REASONS: Final = frozenset({Reason.MAX_DAILY_TRADES, Reason.MAX_DAILY_LOSS, Reason.DAILY_TARGET})
"""They pause the bot until the day rolls."""

_PLAIN: Final = {
    Reason.NO_SIGNAL: "No entry signal on this candle.",
    Reason.WARMING_UP: "The indicators need more candles before they say anything.",
    Reason.IN_POSITION: "In a position, and no exit signal on this candle.",
    Reason.POSITION_KEPT: "Exit signal, not followed: the bot is stopped and its position kept.",
    Reason.NO_STOP_SLOT: "Entry signal, but the account has no room left for a further stop order on this symbol.",
    Reason.PRICE_MOVED: "The order book's price lies further from the signal's close than this bot allows.",
    Reason.STOPPED: "No new entries: the bot is stopped.",
    Reason.PAUSED: "No new entries: the bot is paused.",
    Reason.ERROR: "No new entries: the bot is in an error and waits for its cause to end.",
    Reason.HALTED: "No new entries: trading is halted.",
    Reason.UNKNOWN_ORDER: "Nothing new until the outcome of an earlier order is known.",
    Reason.ORDER_IN_FLIGHT: "Nothing new until the order on its way is final.",
    Reason.DISCREPANCY: "No new entries while our books and the exchange's differ.",
    Reason.KEY_INVALID: "No new entries: the exchange key is not valid.",
    Reason.CLOCK_OFF: "No new entries: this computer's clock and the exchange's differ by more than half a second.",
}


def blocked_in_words(block: str) -> str:
    """Blocks not listed here (a status such as "paused (max_daily_trades reached)") speak for themselves."""
    return _PLAIN[Reason(block)] if block in _PLAIN else f"Nothing new for now: {block}."


@dataclass(frozen=True, kw_only=True)
class Circumstances:
    """The numbers a sentence may need beside the outcome. `late_ms`: since the candle's close."""

    rules: SymbolRules
    price_ticks: int
    available_e8: int
    late_ms: int
    cooldown_candles: int = 0
    # Of futures; 0: spot.
    leverage: int = 0
    brackets: tuple[Bracket, ...] = ()


def in_words(reason: Reason, outcome: step.Outcome, around: Circumstances) -> str:
    """One plain sentence with the numbers it rests on."""
    if reason in _PLAIN:
        return _PLAIN[reason]
    if reason in DAILY_LIMIT_REASONS:
        return _limit_in_words(reason, outcome, around)
    if reason in _OF_AN_EXIT:
        return _exit_in_words(reason, outcome, around)
    rules = around.rules
    asset, quote = rules.quote_asset, plain_e8(outcome.quote_e8)
    if reason is Reason.ENTRY_SIGNAL:
        what = _contract_in_words(outcome, around) if around.leverage else f"buying for {quote} {asset}"
        return f"Entry signal at a close of {_price(around.price_ticks, rules)}: {what}."
    if reason is Reason.COOLDOWN:
        candles = "candle" if around.cooldown_candles == 1 else f"{around.cooldown_candles} candles"
        return f"No entry on the first {candles} to close after an exit."
    if reason is Reason.TOO_LATE:
        return f"Entry signal, but seen {around.late_ms / 1000:.1f} s after the close, too late to act on."
    if reason is Reason.NOT_ENOUGH_MONEY:
        free = plain_e8(around.available_e8)
        return f"Entry signal, but it takes {quote} {asset} and only {free} {asset} are free."
    if reason is Reason.NOT_TRADING:
        return f"Entry signal, but {rules.symbol} takes no market orders now (status {rules.status})."
    if reason is Reason.ABOVE_BRACKET:
        most = plain_e8(most_notional_e8(around.leverage, around.brackets))
        worth = plain_e8(notional_e8(around.price_ticks, outcome.quantity, rules.market_limits))
        allowed = f"leverage {around.leverage} allows positions of {most} {asset} at most"
        return f"Entry signal, but {allowed} and this one would be worth {worth}."
    if reason is Reason.STOP_BEYOND_LIQUIDATION:
        level = plain_e8(_liquidation_e8(outcome, around))
        stop = _price(outcome.stop, rules)
        return f"Entry signal, but its stop of {stop} lies beyond the price of liquidation, {level} {asset}."
    return f"Entry signal, but {_size_in_words(outcome, around)}."


def _contract_in_words(outcome: step.Outcome, around: Circumstances) -> str:
    rules, does = around.rules, "buying" if outcome.side > 0 else "selling short"
    what = f"{plain_e8(rules.quantity_e8(outcome.quantity))} {rules.base_asset}"
    takes = f"{plain_e8(outcome.quote_e8)} {rules.quote_asset}"
    return f"{does} {what} at leverage {around.leverage}, which takes {takes}"


def _liquidation_e8(outcome: step.Outcome, around: Circumstances) -> int:
    """As `step` reckoned it."""
    rules = around.rules
    worth = notional_e8(around.price_ticks, outcome.quantity, rules.market_limits)
    wallet, scale = worth // around.leverage, scale_of(rules.step_e8)
    return liquidation_e8(outcome.side, outcome.quantity, worth, wallet, scale, around.brackets)


_OF_AN_EXIT: Final = frozenset(
    {
        Reason.EXIT_SIGNAL,
        Reason.TRAILING_STOP,
        Reason.STOP_MOVED,
        Reason.NOTHING_TO_SELL,
        Reason.EXIT_TOO_SMALL,
    }
)


def _exit_in_words(reason: Reason, outcome: step.Outcome, around: Circumstances) -> str:
    rules = around.rules
    close, stop = _price(around.price_ticks, rules), _price(outcome.stop, rules)
    if reason is Reason.STOP_MOVED:
        return f"The best price since the entry is {_price(outcome.state.best, rules)}: the stop moves to {stop}."
    is_trailing = outcome.exit_by == step.EXIT_BY_TRAILING
    why = "Trailing stop reached" if is_trailing else "Exit signal"
    if reason is Reason.NOTHING_TO_SELL:
        return f"{why}, but the position holds less than one tradable step."
    if reason is Reason.EXIT_TOO_SMALL:
        return f"{why}, but {_rule_in_words(outcome, around)}."
    is_short = outcome.state.side < 0
    held = f"{plain_e8(rules.quantity_e8(outcome.quantity))} {rules.base_asset}"
    does = f"buying back {held}" if is_short else f"selling {held}"
    if is_trailing:
        where = "above" if is_short else "below"
        return f"The close of {close} lies at or {where} the trailing stop of {stop}: {does}."
    return f"Exit signal at a close of {close}: {does}."


def _limit_in_words(reason: Reason, outcome: step.Outcome, around: Circumstances) -> str:
    """The bot is paused by it until the next UTC day."""
    trades, result = outcome.state.daily_trades, plain_e8(outcome.state.daily_pnl_e8)
    if reason is Reason.MAX_DAILY_TRADES:
        return f"No more entries today: {trades} made, and that is this bot's limit."
    limit = "loss limit" if reason is Reason.MAX_DAILY_LOSS else "target"
    return f"No more entries today: the result of {result} {around.rules.quote_asset} reached this bot's daily {limit}."


def _price(ticks: int, rules: SymbolRules) -> str:
    return f"{plain_e8(rules.price_e8(ticks))} {rules.quote_asset}"


def _size_in_words(outcome: step.Outcome, around: Circumstances) -> str:
    rules = around.rules
    size, least = f"{plain_e8(outcome.quote_e8)} {rules.quote_asset}", rules.market_limits.min_notional_e8
    if around.leverage:
        return f"at this close a margin of {size} does not fit: {_rule_in_words(outcome, around)}"
    if outcome.quote_e8 < least:
        return f"the size of {size} is below the minimum of {plain_e8(least)} {rules.quote_asset}"
    if outcome.stop:
        worth = plain_e8(notional_e8(outcome.stop, outcome.quantity, rules.market_limits))
        at_stop = f"what the size of {size} buys would be worth {worth} at its stop"
        return f"{at_stop}, below the minimum of {plain_e8(rules.min_notional_e8)} {rules.quote_asset}"
    return f"at this close the size of {size} does not fit: {_rule_in_words(outcome, around)}"


def _rule_in_words(outcome: step.Outcome, around: Circumstances) -> str:
    ticks, steps = around.price_ticks, outcome.quantity
    fault = market_fault(ticks, steps, around.rules.market_limits)
    return fault_in_words(fault, around.rules, price_ticks=ticks, quantity_steps=steps)[1]
