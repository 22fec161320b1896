"""Runs beside each other: their figures, the best of each marked, and all in which they were not the same."""

from collections.abc import Mapping, Sequence
from typing import Any

import pandas as pd

from app.backtests.rows import parameter_words
from app.reports.assumptions import assumptions
from app.reports.figures import money, quote_of, told
from app.reports.honesty import coverage_words, is_synthetic
from trading.backtest.metrics import METRICS, Metric

Document = Mapping[str, Any]

BEST = "\N{BLACK STAR}"
"""Stands beside the best figure of a row."""

_DATA = ("symbols", "timeframe", "from (UTC)", "to (UTC)", "candles", "holes allowed")


def figure_table(documents: Mapping[str, Document], names: Sequence[str]) -> pd.DataFrame:
    """Return one row for each metric, and a column for each run with its figure; the best has a star where one is better.

    Args:
        documents: By the name of the run.
        names: Of metrics.
    """
    rows = []
    for name in names:
        metric = METRICS[name]
        values = {run: (document.get("metrics") or {}).get(name) for run, document in documents.items()}
        best = _best(metric, list(values.values()))
        rows.append(
            {
                "metric": metric.title,
                **{
                    run: told(metric, value, quote=quote_of(documents[run]))
                    + (f" {BEST}" if value is not None and value == best else "")
                    for run, value in values.items()
                },
            }
        )
    return pd.DataFrame(rows, columns=["metric", *documents])


def differences(documents: Mapping[str, Document]) -> pd.DataFrame:
    """Return in what runs were not the same: one row for each topic, and a column for each run; none where all was the same."""
    facts = {run: _facts(document) for run, document in documents.items()}
    topics = list(dict.fromkeys(topic for each in facts.values() for topic in each))
    rows = [{"what": topic, **{run: each.get(topic, "") for run, each in facts.items()}} for topic in topics]
    differing = [row for row in rows if len({row[run] for run in documents}) > 1]
    return pd.DataFrame(differing, columns=["what", *documents])


def cautions(documents: Mapping[str, Document]) -> list[str]:
    """Return what forbids taking the better figure for the better strategy; none where the runs can be compared."""
    differing = set(differences(documents)["what"])
    told_ones = []
    if differing & set(_DATA):
        what = ", ".join(topic for topic in _DATA if topic in differing)
        told_ones.append(f"They did not see the same data ({what}): a better figure may be a better time, and no better strategy.")
    costs = [topic for topic in ("fees", "slippage", "liquidity", "orders") if topic in differing]
    if costs:
        told_ones.append(f"They did not pay the same ({', '.join(costs)}): the cheaper run looks better.")
    if "program" in differing:
        told_ones.append("They were made by different versions of the program; run them again to be sure.")
    if len({quote_of(document) for document in documents.values()}) > 1:
        told_ones.append("Their accounts are in different currencies; only fractions can be compared.")
    if len({is_synthetic(document) for document in documents.values()}) > 1:
        told_ones.append("Some of them are of an invented market (SYNTHETIC), and others are not.")
    if any(document.get("kind") == "walk-forward" for document in documents.values()) and "kind" in differing:
        told_ones.append("A walk-forward tells what was earned out of sample; a backtest may have been fitted to its window.")
    return told_ones


def _best(metric: Metric, values: Sequence[float | None]) -> float | None:
    found = [value for value in values if value is not None]
    if metric.higher_is_better is None or len(set(found)) < 2:
        return None
    return max(found) if metric.higher_is_better else min(found)


def _facts(document: Document) -> dict[str, str]:
    quote = quote_of(document)
    rules = document.get("rules")
    return {
        "kind": str(document["kind"]), "strategy": str(document["strategy"]),
        "parameters": parameter_words(document.get("parameters") or {}) if document["kind"] == "backtest" else "searched",
        "symbols": ", ".join(document["symbols"]), "timeframe": str(document["timeframe"]), "from (UTC)": str(document["start"]),
        "to (UTC)": str(document["end"]), "candles": coverage_words(document),
        "holes allowed": "yes" if document.get("allow_holes") else "no", "balance": money(document.get("balance"), quote),
        "filled inside": str(document.get("inside") or "no finer candles"),
        **(dict(assumptions(rules, quote=quote)) if rules else {}), "program": str(document.get("code_version", "")),
    }  # fmt: skip
