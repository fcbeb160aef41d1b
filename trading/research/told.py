"""A finished backtest as text for a terminal: what it stood on, what came of it, by month and by exit."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from decimal import Decimal
from typing import Any, Final

from django.utils.translation import gettext as _

from bots.wording import money
from engine.verdict import LEVEL_TEXTS, TEXTS
from exchange.instants import instant_of
from exchange.models import Market
from trading.models.research import Backtest

_HOUR_MS: Final = 3_600_000


def told(backtest: Backtest) -> str:
    """Of one that carries its findings. Past results say nothing about future ones, and the text says so."""
    parts = [
        _heading(backtest),
        _figures(backtest),
        _exits(backtest),
        _months(backtest),
        verdict_lines(backtest.robustness["verdict"]),
    ]
    ending = _("Past results on recorded prices say nothing about future ones.")
    return "\n\n".join("\n".join(part) for part in (*map(list, parts), [ending]) if part)


def _heading(backtest: Backtest) -> Iterator[str]:
    params = ", ".join(
        f"{name} {value}" for name, value in backtest.strategy_params.items() if value is not None
    )
    minutes, missing = backtest.candles["minutes"], backtest.candles["missing_minutes"]
    yield backtest.name
    yield f"  {backtest.strategy} ({params})"
    yield _("  %(symbol)s %(timeframe)s, %(start)s to %(end)s UTC") % {
        "symbol": backtest.symbol,
        "timeframe": backtest.timeframe,
        "start": f"{backtest.start_at:%Y-%m-%d %H:%M}",
        "end": f"{backtest.end_at:%Y-%m-%d %H:%M}",
    }
    if backtest.market == Market.FUTURES:
        contract = backtest.candles["futures"]
        yield _("  futures, %(direction)s, leverage %(leverage)s") % backtest.settings
        yield (
            _(
                "  %(settlements)s funding settlements, %(missing_settlements)s of them without a rate; rules of "
                "%(rules_recorded)s, brackets of %(brackets_recorded)s"
            )
            % contract
        )
    yield _(
        "  %(minutes)s one-minute candles of %(source)s, %(missing)s missing, fingerprint %(fingerprint)s"
    ) % {
        "minutes": f"{minutes:,}",
        "source": backtest.source,
        "missing": f"{missing:,}",
        "fingerprint": backtest.data_fingerprint[:12],
    }


def _figures(backtest: Backtest) -> Iterator[str]:
    found, asset = backtest.statistics, backtest.quote_asset
    lines = [
        (_("Balance"), f"{_money(found['initial_balance'], asset)} → {_money(found['final_balance'], asset)}"),
        (_("Result"), f"{_money(found['total_pnl'], asset)} ({percent(found['total_return'])})"),
        (_("Buy and hold"), percent(found["buy_and_hold_return"])),
        (_("Largest drawdown"), f"{percent(found['max_drawdown'])}, {_hours(found['max_drawdown_ms'])}"),
        (_("Positions"), f"{found['positions']:,}, {percent(found['win_rate'])} " + _("won")),
        (_("Profit factor"), _number(found["profit_factor"])),
        (_("A position earns"), _money(found["expectancy"], asset)),
        (_("Time in a position"), percent(found["exposure"])),
        (_("Fees"), _money(found["fees"], asset)),
        *([(_("Funding paid"), _money(found["funding"], asset))] if backtest.market == Market.FUTURES else []),
        ("Sharpe / Sortino / Calmar", " / ".join(_number(found[name]) for name in ("sharpe", "sortino", "calmar"))),
    ]  # fmt: skip
    width = max(len(label) for label, _text in lines)
    for label, text in lines:
        yield f"  {label.ljust(width)}  {text}"


def _exits(backtest: Backtest) -> Iterator[str]:
    results = backtest.statistics["exit_results"]
    for reason, count in backtest.statistics["exits"].items():
        if count:
            yield f"  {reason.ljust(14)} {count:>7,}  {_money(results.get(reason, '0'), backtest.quote_asset):>20}"


def _months(backtest: Backtest) -> Iterator[str]:
    for row in backtest.periods["monthly"]:
        month = _month_of(row["start_ms"])
        result = _money(row["pnl"], backtest.quote_asset)
        yield f"  {month}  {percent(row['ratio']):>9}  {result:>20}  {row['positions']:>6,} " + _("positions")


def verdict_lines(found: Mapping[str, Any]) -> Iterator[str]:
    """Each text by its code, so that it can be translated; the engine knows no language."""
    yield _(LEVEL_TEXTS[found["level"]])
    for reason in found["reasons"]:
        yield "  - " + _(TEXTS[reason["code"]]) % reason["values"]


def _month_of(at_ms: int) -> str:
    return f"{instant_of(at_ms):%Y-%m}"


def _money(amount: Any, asset: str) -> str:
    return "–" if amount is None else money(Decimal(amount).quantize(Decimal("0.01")), asset)


def percent(ratio: float | None) -> str:
    return "–" if ratio is None else f"{ratio * 100:,.2f} %"


def _number(value: float | None) -> str:
    return "–" if value is None else f"{value:,.2f}"


def _hours(length_ms: int) -> str:
    return _("%(hours)s hours") % {"hours": f"{length_ms / _HOUR_MS:,.1f}"}
