"""Numbers in words: percentages, money, durations, and which metrics come first."""

from collections.abc import Mapping
from decimal import Decimal
from typing import Any

from trading.backtest.metrics import METRICS, Metric, Unit

NOTHING = "\N{EN DASH}"
"""Stands for a figure that is not defined."""

HEADLINES = (
    "total_return", "cagr", "sharpe_ratio", "sortino_ratio", "max_drawdown", "total_trades", "win_rate", "profit_factor",
    "exposure_time", "fees", "benchmark_return",
)  # fmt: skip
"""What is shown first of a run."""


def grouped() -> dict[str, list[Metric]]:
    """Return all metrics under the title of their group, in their order."""
    groups: dict[str, list[Metric]] = {}
    for each in METRICS.values():
        title = each.compute.__module__.rpartition(".")[2].replace("_", " ").capitalize()
        groups.setdefault(title, []).append(each)
    return groups


def told(metric: Metric, value: Any, *, quote: str = "") -> str:
    """Return the figure of a metric with its unit; a dash where there is none."""
    if value is None or value != value:  # noqa: PLR0124 - only NaN differs from itself
        return NOTHING
    return {
        Unit.FRACTION: lambda: percent(value),
        Unit.QUOTE: lambda: money(value, quote),
        Unit.BARS: lambda: f"{value:,.0f} bars" if value == int(value) else f"{value:,.1f} bars",
        Unit.SECONDS: lambda: duration(value),
        Unit.COUNT: lambda: f"{value:,.0f}",
        Unit.RATIO: lambda: plain(value),
    }[metric.unit]()


def told_of(metrics: Mapping[str, Any], name: str, *, quote: str = "") -> str:
    """Return the figure of a metric by its name."""
    return told(METRICS[name], metrics.get(name), quote=quote)


def percent(value: float | None, *, signed: bool = False) -> str:
    """Return a fraction as `12.34 %`."""
    return NOTHING if value is None else f"{value * 100:{'+' if signed else ''},.2f} %"


def money(value: float | None, quote: str = "", *, signed: bool = False) -> str:
    """Return an amount as `1,234.50 USDT`; a small one with the digits that say something."""
    if value is None:
        return NOTHING
    size = abs(value)
    digits = 2 if size >= 1 or size == 0 else 6 if size >= 0.001 else 8
    return f"{value:{'+' if signed else ''},.{digits}f} {quote}".rstrip()


def plain(value: float | None) -> str:
    """Return a number with two digits, with three significant ones when it is small."""
    if value is None:
        return NOTHING
    return f"{value:,.2f}" if abs(value) >= 0.1 or value == 0 else f"{value:.3g}"


def value_words(value: Any) -> str:
    """Return the value of a parameter; a dash where there is none."""
    if value is None or value != value:  # noqa: PLR0124 - only NaN differs from itself
        return NOTHING
    return f"{value:.10g}" if isinstance(value, float) else str(value)


def price(value: float) -> str:
    """Return a price or a size with eight significant digits at most, and never as a power of ten."""
    return f"{Decimal(f'{value:.8g}'):,f}"


def duration(seconds: float) -> str:
    """Return a length of time in its largest fitting unit: `3.5 h`."""
    for width, name in ((86_400, "d"), (3_600, "h"), (60, "min")):
        if seconds >= width:
            return f"{seconds / width:,.1f} {name}".replace(".0 ", " ")
    return f"{seconds:,.0f} s"


def day(text: str) -> str:
    """Return a moment of a document as `2024-08-09 12:30`."""
    return text[:16].replace("T", " ")


def plural(count: int, word: str) -> str:
    """Return `1 trade`, `2 trades`."""
    return f"{count:,} {word}{'' if count == 1 else 's'}"


def quote_of(document: Mapping[str, Any]) -> str:
    """Return the currency of the account, from the first symbol; empty where there is none."""
    symbols = document.get("symbols") or [""]
    return str(symbols[0]).partition("-")[2].partition("-")[0]
