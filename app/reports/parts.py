"""Parts that reports of backtests, sweeps and walk-forward runs have in common."""

from collections.abc import Mapping
from typing import Any

import pandas as pd
from markupsafe import Markup

from app.charts.drawdown import drawdown_chart, exposure_chart
from app.charts.equity import equity_chart
from app.charts.monthly import monthly_chart
from app.charts.parts import curve_rows, hole_rows, month_rows, return_rows, year_gains
from app.charts.returns import returns_chart
from app.reports.assumptions import assumptions
from app.reports.figures import HEADLINES, NOTHING, day, grouped, money, percent, price, quote_of, told, told_of
from app.reports.honesty import coverage_words, is_synthetic, warnings
from app.reports.page import banner, explained, pairs, section, table, tag
from app.reports.pictures import picture
from trading.backtest.metrics import METRICS, Metric

Document = Mapping[str, Any]

_MOST_HOLES = 100
_MONTHS = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")


def heading(document: Document, what: str) -> Markup:
    """Return the title of a run, and what has to be known before its figures."""
    badge = Markup(" ") + tag("span", "SYNTHETIC", class_="badge warning") if is_synthetic(document) else Markup("")
    symbols = ", ".join(map(str, document.get("symbols") or ()))
    line = f"{symbols} {document.get('timeframe', '')}, {day(document['start'])} to {day(document['end'])} UTC"
    return Markup("").join(
        [tag("h1", f"{what} of {document['strategy']}", badge), tag("p", line, class_="quiet"), banner(*warnings(document))]
    )


def about(document: Document, *more: tuple[str, str]) -> Markup:
    """Return what was run and what was assumed."""
    named = ", ".join(f"{name} = {value}" for name, value in (document.get("parameters") or {}).items())
    balance = money(document.get("balance"), quote_of(document))
    own = [("parameters", named or "none")] if "parameters" in document else []
    rows = [("strategy", str(document["strategy"])), *own, *more, ("balance", balance)]
    proof = [(name.replace("_", " "), str(document[name])) for name in _PROOFS if document.get(name) is not None]
    rules = assumptions(document["rules"], quote=quote_of(document)) if document.get("rules") else []
    return section(
        "What was run", pairs([*rows, *_listings(document), *proof], label="What was run"),
        *([tag("h3", "What was assumed"), pairs(rules, label="What was assumed")] if rules else []),
    )  # fmt: skip


_PROOFS = ("id", "fingerprint", "code_version", "strategy_code", "seed")


def _listings(document: Document) -> list[tuple[str, str]]:
    return [
        (
            f"{symbol} trades in",
            ", ".join(f"{name.replace('_', ' ')} {price(value)}" for name, value in steps.items() if value) or "any step",
        )
        for symbol, steps in (document.get("listings") or {}).items()
    ]


def coverage(document: Document) -> Markup:
    """Return how much of the candles is there, symbol by symbol, and each hole."""
    counts = ("expected", "present", "missing", "incomplete", "unproven", "without_trades")
    header = ["symbol", *(name.replace("_", " ") for name in counts), "holes"]
    rows = [
        [str(each["symbol"]), *(_count(each.get(name)) for name in counts), _count(len(each.get("holes") or ()))]
        for each in document.get("coverage") or ()
    ]
    holes = hole_rows(document)
    told_holes = [[str(row.symbol), str(row.told), _count(row.bars)] for row in holes.head(_MOST_HOLES).itertuples()]
    more = f", the first {_MOST_HOLES} of {len(holes):,}" if len(holes) > _MOST_HOLES else ""
    listed = [table(["symbol", "hole", "bars"], told_holes, numbers=["bars"], caption=f"Holes{more}")] if told_holes else []
    return section("Data", tag("p", coverage_words(document)), table(header, rows, numbers=header[1:], label="Candles"), *listed)


def _count(value: Any) -> str:
    return NOTHING if value is None else f"{value:,}"


def headlines(document: Document) -> Markup:
    """Return the figures that are looked at first."""
    quote, figures = quote_of(document), document.get("metrics") or {}
    last = tag("div", tag("dt", "Final value"), tag("dd", money(document.get("final_value"), quote)))
    tiles = [
        tag("div", tag("dt", explained(METRICS[name].title, METRICS[name].formula)), tag("dd", told_of(figures, name, quote=quote)))
        for name in HEADLINES
    ]
    return section("Result", tag("dl", last, *tiles, class_="tiles"))


def charts(document: Document, *, windows: pd.DataFrame | None = None) -> Markup:
    """Return equity, drawdown, exposure, months and daily returns as pictures; `windows` as of `equity_chart`."""
    months, days = month_rows(document), return_rows(document)
    heat = [picture(monthly_chart(months), alternative="Returns by month; the table below has the numbers.")] if len(months) else []
    spread = [picture(returns_chart(days), alternative=_days_words(document))] if len(days) else []
    return section("Charts", *_curves(document, windows), *heat, months_table(document), *spread)


def _curves(document: Document, windows: pd.DataFrame | None) -> list[Markup]:
    curve, holes, quote = curve_rows(document), hole_rows(document), quote_of(document)
    if curve.empty:
        return []
    deepest, inside = (told_of(document["metrics"], name) for name in ("max_drawdown", "exposure_time"))
    drawn = [
        (equity_chart(curve, holes, quote=quote, windows=windows), _equity_words(document, quote)),
        (drawdown_chart(curve, holes), f"Drawdown, at most {deepest}."),
        (exposure_chart(curve, holes), f"Exposure, in the market {inside} of the time."),
    ]
    return [picture(chart, alternative=words) for chart, words in drawn]


def _equity_words(document: Document, quote: str) -> str:
    held = told_of(document["metrics"], "benchmark_return")
    return (
        f"Equity from {money(document['balance'], quote)} to {money(document['final_value'], quote)}, "
        f"{percent(document['total_return'])}; buying and holding returned {held}."
    )


def _days_words(document: Document) -> str:
    worst, best = (told_of(document["metrics"], name) for name in ("worst_day", "best_day"))
    return f"Distribution of daily returns, from {worst} to {best}."


def months_table(document: Document) -> Markup:
    """Return the returns by year and month."""
    gains = {(row.year, row.month): float(str(row.gain)) for row in month_rows(document).itertuples()}
    rows = [
        [year, *(percent(gains.get((year, month)), signed=True) for month in _MONTHS), percent(total, signed=True)]
        for year, total in year_gains(document).items()
    ]
    header = ["year", *_MONTHS, "whole year"]
    return table(header, rows, numbers=header[1:], caption="Returns by month") if rows else Markup("")


def all_metrics(figures: Mapping[str, Any], *, quote: str) -> Markup:
    """Return all metrics in their groups; the formula shows when the mouse rests on a title."""
    groups = [
        tag("section", tag("h3", title), tag("table", tag("tbody", *(_explained(each, figures, quote) for each in members))))
        for title, members in grouped().items()
    ]
    return section("All metrics", tag("div", *groups, class_="columns"), _formulas())


def _formulas() -> Markup:
    """All formulas once more, for who prints the page or has no mouse."""
    rows = [[each.title, each.formula, each.source] for each in METRICS.values()]
    return tag("details", tag("summary", "All formulas"), table(["metric", "formula", "source"], rows, label="Formulas"))


def _explained(metric: Metric, figures: Mapping[str, Any], quote: str) -> Markup:
    why = f"{metric.summary}\n{metric.formula}\nSource: {metric.source}"
    figure = tag("td", told(metric, figures.get(metric.name), quote=quote), class_="number")
    return tag("tr", tag("th", explained(metric.title, why), scope="row"), figure)
