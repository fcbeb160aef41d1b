"""Numbers and times as people read them: no exponent, sensible places, a sign wherever there is a direction.

Nothing here rounds what is stored; full precision stays in the title attribute or the API.
"""

from __future__ import annotations

from datetime import UTC, datetime
from decimal import ROUND_HALF_EVEN, Decimal
from typing import Any

from django import template
from django.templatetags.static import static
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.translation import gettext as _
from django.utils.translation import pgettext

from engine.strategies import UnknownStrategy, params_fields
from engine.strategies import strategy as strategy_named
from exchange.instants import instant_of

register = template.Library()
DASH = "–"
MINUS = "−"


def rounded(value: Decimal, places: int) -> str:
    """`value` with exactly `places` decimals and thousands apart; the minus sign is a real one."""
    amount = value.quantize(Decimal(1).scaleb(-places), rounding=ROUND_HALF_EVEN)
    text = f"{abs(amount):,.{places}f}"
    return f"{MINUS}{text}" if amount < 0 else text


@register.filter
def plain(value: Any) -> str:
    """A quantity as stored, without trailing zeros and without exponent."""
    if value is None or value == "":
        return DASH
    text = f"{Decimal(value):f}"
    return text.rstrip("0").rstrip(".") if "." in text else text


@register.filter
def money(value: Any) -> str:
    """Quote money: two places; what they would show as zero keeps four."""
    if value is None or value == "":
        return DASH
    amount = Decimal(value)
    return rounded(amount, 2 if amount == 0 or abs(amount) >= Decimal("0.005") else 4)


@register.filter
def price(value: Any) -> str:
    """A price: the cheaper the asset, the more places."""
    if value is None or value == "":
        return DASH
    amount = Decimal(value)
    size = abs(amount)
    places = 2 if size >= 100 else 4 if size >= 1 else 8
    return rounded(amount, places)


@register.filter
def coins(value: Any) -> str:
    """A quantity of an asset: at most eight places, no trailing zeros."""
    if value is None or value == "":
        return DASH
    whole, point, rest = rounded(Decimal(value), 8).partition(".")
    rest = rest.rstrip("0")
    return f"{whole}{point}{rest}" if rest else whole


@register.filter
def signed(value: Any) -> str:
    """Money with its direction: +12.30, −0.45, 0.00."""
    if value is None or value == "":
        return DASH
    text = money(value)
    return f"+{text}" if Decimal(value) > 0 and text.strip("0.,") else text


@register.filter
def percent(value: Any) -> str:
    """A share with its direction, in percent: +1.25 %, −0.40 %."""
    if value is None or value == "":
        return DASH
    amount = Decimal(value)
    text = rounded(amount, 2)
    return f"{'+' if amount > 0 and text.strip('0.,') else ''}{text}\u00a0%"


@register.filter
def typed_price(value: Any) -> str:
    """A price as a number field holds it; empty where there is none, and as it was typed where it is no number."""
    return "" if value is None else plain(value) if isinstance(value, Decimal) else str(value)


@register.filter
def duration(seconds: int | None) -> str:
    """A span of time in its two largest units: 45 s, 12 min 5 s, 3 h 20 min, 2 d 4 h."""
    if seconds is None:
        return DASH
    units = [("d", 86_400), ("h", 3_600), ("min", 60), ("s", 1)]
    parts, left = [], seconds
    for name, length in units:
        count, left = divmod(left, length)
        parts.append((count, name))
    first = next((index for index, (count, _name) in enumerate(parts) if count), len(parts) - 1)
    shown = [f"{count}\u00a0{name}" for count, name in parts[first : first + 2] if count]
    return " ".join(shown) or "0\u00a0s"


@register.filter
def unlocalized(value: float) -> str:
    """A coordinate: a point in every language."""
    return str(value)


@register.filter
def direction(value: Any) -> str:
    """The colour class of a result; the sign is always printed as well."""
    amount = Decimal(value or 0)
    return "figure-up" if amount > 0 else "figure-down" if amount < 0 else "figure-flat"


@register.filter
def moment(value: datetime | None, style: str = "auto") -> str | SafeString:
    """A time in UTC: today's as 14:03:20, others with their date; the whole instant in the title."""
    if value is None:
        return DASH
    at = value.astimezone(UTC)
    same_day = style == "time" or (style == "auto" and at.date() == datetime.now(UTC).date())
    text = at.strftime("%H:%M:%S") if same_day else at.strftime("%Y-%m-%d %H:%M")
    return format_html(
        '<time class="text-nowrap" datetime="{}" title="{}">{}</time>',
        at.isoformat(), at.strftime("%Y-%m-%d %H:%M:%S UTC"), text,
    )  # fmt: skip


@register.filter
def opening(value: int | None) -> str | SafeString:
    """Opening of a candle, given in milliseconds."""
    return moment(instant_of(value)) if value is not None else DASH


@register.simple_tag
def icon(name: str, classes: str = "") -> SafeString:
    """A decorative icon of our sprite; its meaning is always said in words next to it."""
    return format_html(
        '<svg class="icon {}" aria-hidden="true" focusable="false"><use href="{}#{}"></use></svg>',
        classes, static("app/icons.svg"), name,
    )  # fmt: skip


BADGES = {
    "running": "bg-green-lt", "waiting": "bg-azure-lt", "pending": "bg-blue-lt", "paused": "bg-yellow-lt",
    "error": "bg-red-lt", "stopped": "bg-secondary-lt",
}  # fmt: skip


@register.filter
def status_colour(status: str) -> str:
    return BADGES.get(status, "bg-secondary-lt")


ORDER_COLOURS = {
    "filled": "green", "rejected": "red", "unknown": "orange", "dropped": "secondary", "canceled": "secondary",
    "expired": "secondary",
}  # fmt: skip


@register.filter
def order_colour(state: str) -> str:
    return ORDER_COLOURS.get(state, "azure")


PURPOSE_COLOURS = {"entry": "green", "exit": "azure", "stop": "red", "target": "teal"}


@register.filter
def purpose_colour(purpose: str) -> str:
    return PURPOSE_COLOURS.get(purpose, "secondary")


@register.filter
def filled_price(order: Any) -> Decimal | None:
    """The average price of what was filled."""
    return order.executed_quote / order.executed_quantity if order.executed_quantity else None


@register.filter
def in_words(reason: str) -> str:
    """The reason of a trade, the status of a bot or the state of an order, as words."""
    words = {
        "entry": _("Entry"),
        "exit": _("Exit"),
        "stop": pgettext("price", "Stop"),
        "target": _("Target"),
        "exit_signal": _("Exit signal"),
        "stop_loss": _("Stop loss"),
        "take_profit": _("Take profit"),
        "trailing_stop": _("Trailing stop"),
        "stop_gap": _("Stop gap"),
        "manual": _("By hand"),
        "close_all": _("Everything closed"),
        "unprotected": _("Protection refused"),
        "liquidation": _("Liquidation"),
        "end_of_data": _("End of the data"),
        "stopped": _("Stopped"),
        "pending": _("Pending"),
        "running": _("Running"),
        "waiting": _("Waiting"),
        "paused": _("Paused"),
        "error": _("Error"),
        "planned": _("Planned"),
        "sending": _("Sending"),
        "unknown": _("End not known yet"),
        "open": _("Open"),
        "partially_filled": _("Partly filled"),
        "filled": _("Filled"),
        "canceled": _("Cancelled"),
        "expired": _("Expired"),
        "rejected": _("Rejected"),
        "dropped": _("Dropped"),
        "long": _("Long"),
        "short": _("Short"),
    }
    return words.get(reason) or reason.replace("_", " ").capitalize()


@register.filter
def pnl_today(state: Any) -> Decimal:
    """The day's result of a bot; zero where its counters still belong to an earlier day."""
    return state.daily_pnl if state.counters_date == datetime.now(UTC).date() else Decimal(0)


@register.filter
def entries_today(state: Any) -> int:
    return state.daily_trades_count if state.counters_date == datetime.now(UTC).date() else 0


@register.filter
def strategy_title(name: str) -> str:
    """What the form calls it; its bare name where it is not known here."""
    try:
        return _(strategy_named(name).title)
    except UnknownStrategy:
        return name


@register.filter
def parameter_label(name: str, strategy: str) -> str:
    """A strategy's own name for a parameter; the parameter's where the strategy is not known here."""
    try:
        return next((_(field.label) for field in params_fields(strategy) if field.name == name), name)
    except UnknownStrategy:
        return name
