"""The report of some runs: one html file that loads nothing from anywhere."""

from collections.abc import Iterator, Sequence
from html import escape
from typing import Any

from db.repositories.quality import QualityResult, QualityRun
from market.clock import isoformat

_WORDS = {True: "ok", False: "failed", None: "not checked"}
_MOST_WINDOWS = 200

_STYLE = """
:root { color-scheme: light dark; --line: #c8ccd2; --ok: #1a7f37; --failed: #b3261e; --warning: #8a5a00; --quiet: #5f6670; }
@media (prefers-color-scheme: dark) {
  :root { --line: #444b55; --ok: #57c26f; --failed: #ff8a80; --warning: #f0b354; --quiet: #a3abb6; }
}
body { font: 15px/1.5 system-ui, sans-serif; margin: 2rem auto; max-width: 75rem; padding: 0 1rem; }
body { background: Canvas; color: CanvasText; }
h1 { font-size: 1.5rem; } h2 { font-size: 1.15rem; margin-top: 2.5rem; }
table { border-collapse: collapse; width: 100%; }
th, td { text-align: left; vertical-align: top; padding: .3rem .6rem; border-bottom: 1px solid var(--line); }
td.number { text-align: right; font-variant-numeric: tabular-nums; }
.ok { color: var(--ok); } .failed { color: var(--failed); font-weight: 600; }
.warning { color: var(--warning); font-weight: 600; } .quiet { color: var(--quiet); }
.wide { overflow-x: auto; } code { font-size: .85em; }
"""


def report(runs: Sequence[QualityRun]) -> str:
    """Return the page; what stands in the database is escaped."""
    failed = sum(run.success is False for run in runs)
    told = f"{len(runs)} runs, {failed} failed" if failed else f"{len(runs)} runs, none failed"
    body = "\n".join(part for run in runs for part in _run(run))
    return (
        '<!doctype html>\n<html lang="en">\n<head>\n<meta charset="utf-8">\n'
        '<meta name="viewport" content="width=device-width, initial-scale=1">\n'
        "<meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; style-src 'unsafe-inline'\">\n"
        f"<title>Data quality: {told}</title>\n<style>{_STYLE}</style>\n</head>\n<body>\n"
        f"<h1>Data quality: {told}</h1>\n{body}\n</body>\n</html>\n"
    )


def _run(run: QualityRun) -> Iterator[str]:
    what = f"{run.timeframe} candles" if run.timeframe is not None else run.suite
    yield f"<h2>{escape(run.symbol)} {escape(what)}: {_mark(run.success, 'critical')}</h2>"
    times = f"{isoformat(run.start_us)} to {isoformat(run.end_us)}"
    error = f" {escape(run.error)}" if run.error else ""
    yield f'<p class="quiet">Run {run.id}, {times}, {run.rows:,} rows, begun {isoformat(run.started_us)}.{error}</p>'
    yield '<div class="wide"><table><thead><tr><th>rule</th><th>result</th><th>found</th><th>what</th></tr></thead><tbody>'
    yield from map(_result, run.results)
    yield "</tbody></table></div>"
    if run.missing:
        windows = ", ".join(map(str, run.missing[:_MOST_WINDOWS]))
        more = f" and {len(run.missing) - _MOST_WINDOWS:,} more" if len(run.missing) > _MOST_WINDOWS else ""
        yield f"<p>To be fetched: {escape(windows)}{more}</p>"


def _result(result: QualityResult) -> str:
    figures = ", ".join(f"{name.replace('_', ' ')} {value}" for name, value in result.observed.items())
    cells = [
        f"<td>{escape(result.rule)}</td>",
        f"<td>{_mark(result.success, result.severity)}</td>",
        f'<td class="number">{result.unexpected_count:,}</td>',
        f'<td>{escape(result.details)}<br><span class="quiet">{escape(figures)}</span>{_sample(result.sample)}</td>',
    ]
    return f"<tr>{''.join(cells)}</tr>"


def _mark(success: bool | None, severity: str) -> str:
    kind = severity if success is False and severity == "warning" else {True: "ok", False: "failed", None: "quiet"}[success]
    word = "warning" if kind == "warning" else _WORDS[success]
    return f'<span class="{kind}">{word}</span>'


def _sample(rows: Sequence[dict[str, Any]]) -> str:
    if not rows:
        return ""
    names = list(dict.fromkeys(name for row in rows for name in row))
    head = "".join(f"<th>{escape(name)}</th>" for name in names)
    lines = "".join(f"<tr>{''.join(f'<td><code>{escape(str(row.get(name)))}</code></td>' for name in names)}</tr>" for row in rows)
    return f'<details><summary>{len(rows)} of them</summary><div class="wide"><table><tr>{head}</tr>{lines}</table></div></details>'
