"""The report of some quality runs: one html file that loads nothing from anywhere."""

from collections.abc import Iterator, Sequence
from typing import Any

from markupsafe import Markup

from app.reports.page import page, table, tag
from db.repositories.quality import QualityResult, QualityRun
from market.clock import isoformat

_WORDS = {True: "ok", False: "failed", None: "not checked"}
_MOST_WINDOWS = 200


def quality_report(runs: Sequence[QualityRun]) -> str:
    """Return the page; what stands in the database is escaped."""
    failed = sum(run.success is False for run in runs)
    told = f"Data quality: {len(runs)} runs, {failed} failed" if failed else f"Data quality: {len(runs)} runs, none failed"
    return page(told, [tag("h1", told), *(part for run in runs for part in _run(run))])


def _run(run: QualityRun) -> Iterator[Markup]:
    what = f"{run.timeframe} candles" if run.timeframe is not None else run.suite
    yield tag("h2", f"{run.symbol} {what}: ", _mark(run.success, "critical"))
    times = f"{isoformat(run.start_us)} to {isoformat(run.end_us)}"
    error = f" {run.error}" if run.error else ""
    yield tag("p", f"Run {run.id}, {times}, {run.rows:,} rows, begun {isoformat(run.started_us)}.{error}", class_="quiet")
    header = ("rule", "result", "found", "what")
    yield table(header, map(_result, run.results), numbers=("found",), label=f"{run.symbol} {what}")
    if run.missing:
        windows = ", ".join(map(str, run.missing[:_MOST_WINDOWS]))
        more = f" and {len(run.missing) - _MOST_WINDOWS:,} more" if len(run.missing) > _MOST_WINDOWS else ""
        yield tag("p", f"To be fetched: {windows}{more}")


def _result(result: QualityResult) -> list[str]:
    figures = ", ".join(f"{name.replace('_', ' ')} {value}" for name, value in result.observed.items())
    what = Markup("{}{}{}{}").format(result.details, Markup("<br>"), tag("span", figures, class_="quiet"), _sample(result.sample))
    return [result.rule, _mark(result.success, result.severity), f"{result.unexpected_count:,}", what]


def _mark(success: bool | None, severity: str) -> Markup:
    kind = severity if success is False and severity == "warning" else {True: "ok", False: "failed", None: "quiet"}[success]
    return tag("span", "warning" if kind == "warning" else _WORDS[success], class_=kind)


def _sample(rows: Sequence[dict[str, Any]]) -> Markup:
    if not rows:
        return Markup("")
    names = list(dict.fromkeys(name for row in rows for name in row))
    lines = [[tag("code", str(row.get(name))) for name in names] for row in rows]
    return tag("details", tag("summary", f"{len(rows)} of them"), table(names, lines, label="Examples"))
