"""The verdict in plain language: one sentence for each finding, with named places for its numbers.

Marked for translation here and translated where they are shown, by code: the engine knows no language.
"""

from typing import Final


def gettext_noop(text: str) -> str:
    """Marks a text for the catalogue (the name is what collects it)."""
    return text


LEVEL_TEXTS: Final = {
    "convincing": gettext_noop(
        "Convincing: it held in everything we tried. The market may still change; start small, on paper first."
    ),
    "promising": gettext_noop(
        "Promising: it earned, but something is not shown yet. Read what holds it back."
    ),
    "doubtful": gettext_noop(
        "Doubtful: what it earned may well be luck, cost or one lucky day. Do not trust it."
    ),
    "unfit": gettext_noop("Unfit: it lost, or its result means nothing. Do not trade this."),
}

TEXTS: Final = {
    "looks_ahead": gettext_noop(
        "The strategy looks ahead: its signals change when later candles are added, so that it trades on what it "
        "cannot know. All other numbers mean nothing."
    ),
    "look_ahead_unchecked": gettext_noop("Whether the strategy looks ahead was not checked."),
    "no_look_ahead": gettext_noop(
        "Its signals stay the same whatever candles come later: it does not look ahead."
    ),
    "no_positions": gettext_noop("It opened no position, so there is nothing to judge."),
    "too_few_positions": gettext_noop(
        "%(positions)s positions are too few to tell skill from chance; judge from 30 on, trust from 100."
    ),
    "few_positions": gettext_noop(
        "%(positions)s positions are few: a handful of other results would change it all."
    ),
    "some_positions": gettext_noop(
        "%(positions)s positions are enough for a first impression, 100 for a firm one."
    ),
    "many_positions": gettext_noop("%(positions)s positions are enough that chance has little to say."),
    "lost": gettext_noop("It lost: %(total_return)s after costs."),
    "earned": gettext_noop("It earned %(total_return)s after costs."),
    "thin_edge": gettext_noop(
        "The edge is thin: for each 1 it lost it won %(profit_factor)s. Small errors in prices or fees eat that."
    ),
    "some_edge": gettext_noop(
        "For each 1 it lost it won %(profit_factor)s; from 1.3 on the edge is comfortable."
    ),
    "wide_edge": gettext_noop("For each 1 it lost it won %(profit_factor)s."),
    "never_lost": gettext_noop(
        "No position lost. That hardly lasts: its losses are still to come, and unknown."
    ),
    "short_period": gettext_noop(
        "%(days)s days are short: it has seen one mood of the market. Take half a year or more."
    ),
    "some_period": gettext_noop(
        "%(days)s days are some, but less than half a year: other markets were not seen."
    ),
    "long_period": gettext_noop("It was tried over %(days)s days."),
    "deep_drawdown": gettext_noop(
        "On the way it lost %(drawdown)s of its highest capital. Few people keep a bot running through that."
    ),
    "drawdown_above_return": gettext_noop(
        "Its deepest fall (%(drawdown)s) was larger than what it earned in the end (%(total_return)s)."
    ),
    "drawdown_near_return": gettext_noop(
        "It earned %(total_return)s with a deepest fall of %(drawdown)s: less than twice as much."
    ),
    "small_drawdown": gettext_noop("Its deepest fall was %(drawdown)s, against %(total_return)s earned."),
    "holding_better": gettext_noop(
        "Buying and holding would have earned %(hold)s, with less risk for each per cent. Why trade?"
    ),
    "calmer_than_holding": gettext_noop(
        "Buying and holding would have earned more (%(hold)s), but with a deepest fall of %(market_drawdown)s instead "
        "of %(drawdown)s."
    ),
    "beats_holding": gettext_noop("It did better than buying and holding (%(hold)s)."),
    "one_position": gettext_noop(
        "One position brought %(share)s of the result. A single lucky trade is no strategy."
    ),
    "large_position": gettext_noop("One position brought %(share)s of the result."),
    "one_month": gettext_noop("One of %(months)s months brought %(share)s of the result."),
    "large_month": gettext_noop(
        "One of %(months)s months brought %(share)s of the result; the others little."
    ),
    "spread_out": gettext_noop("The result is spread out: no single position or month made it."),
    "luck_untried": gettext_noop("How much of it may be luck was not tried (Monte Carlo)."),
    "luck_large": gettext_noop(
        "With the same kind of positions drawn by chance, %(loss)s of %(runs)s runs lost money: it may well be luck."
    ),
    "luck_some": gettext_noop(
        "With the same kind of positions drawn by chance, %(loss)s of %(runs)s runs lost money."
    ),
    "luck_small": gettext_noop(
        "With the same kind of positions drawn by chance, only %(loss)s of %(runs)s runs lost money."
    ),
    "orders_deep": gettext_noop(
        "In another order the same positions would have fallen by %(drawdown)s or more in one of twenty cases."
    ),
    "costs_untried": gettext_noop("What higher costs would do to it was not tried."),
    "costs_fatal": gettext_noop(
        "With costs half as high again it would have lost. It lives on the fee estimate."
    ),
    "costs_heavy": gettext_noop(
        "With doubled costs it would have lost; nothing is left at %(break_even)s of today's costs."
    ),
    "costs_borne": gettext_noop("With doubled costs it would still have earned %(total_return)s."),
    "never_outside": gettext_noop(
        "It was never tried on candles that played no part in choosing it (walk-forward)."
    ),
    "lost_outside": gettext_noop(
        "Out of sample it lost (%(outside)s), and earned in only %(profitable)s of %(windows)s windows. "
        "The parameters fit the past, not the market."
    ),
    "weak_outside": gettext_noop(
        "Out of sample it lost (%(outside)s), although %(profitable)s of %(windows)s windows earned."
    ),
    "parts_ways": gettext_noop(
        "Out of sample it grew at %(efficiency)s of its pace in sample. What was found in sample did not last."
    ),
    "uneven_outside": gettext_noop(
        "Out of sample it earned %(outside)s, but in only %(profitable)s of %(windows)s windows."
    ),
    "few_outside": gettext_noop(
        "Out of sample it earned %(outside)s, with %(positions)s positions only: too few to be sure."
    ),
    "held_outside": gettext_noop(
        "Out of sample it earned %(outside)s, in %(profitable)s of %(windows)s windows."
    ),
    "liquidated": gettext_noop(
        "Positions liquidated: %(liquidations)s. Each lost all of its margin; take less leverage, or a nearer stop."
    ),
    "coarse": gettext_noop(
        "There were no one-minute candles below its bars: which price came first inside a bar is an assumption."
    ),
    "missing_candles": gettext_noop("%(share)s of the candles of this period are missing."),
    "circuit_breaker": gettext_noop(
        "Three stops within ten minutes paused the bot on %(when)s; from then on it did nothing."
    ),
}
