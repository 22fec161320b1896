"""Parts of the documents of sweeps, walk-forward and Monte Carlo runs as rows that charts draw."""

from collections.abc import Collection, Mapping
from typing import Any

import pandas as pd

from app.charts.zone import UTC, Zone
from trading.backtest.metrics import METRICS, Metric

Document = Mapping[str, Any]

BESIDE = ("total_return", "sharpe_ratio", "sortino_ratio", "max_drawdown", "total_trades", "win_rate", "profit_factor", "fees")
"""Metrics that are shown of each set, if the sweep has them."""


def parameter_names(document: Document) -> list[str]:
    """Return the names of the parameters that a sweep or a walk-forward run varied, in their order."""
    named: Mapping[str, Any] = document.get("space") or next(
        (each["parameters"] for each in _rows(document) if each["parameters"]), {}
    )
    return list(named)


def column_of(parameter: str) -> str:
    """Return the column of a parameter in the rows below, which no metric and nothing of ours is called."""
    return f"parameter {parameter}"


def headings(parameters: list[str], others: Collection[str]) -> list[str]:
    """Return what stands above the columns of parameters for somebody to read, beside columns that are called otherwise."""
    return [column_of(name) if name in others else name for name in parameters]


def set_rows(document: Document) -> pd.DataFrame:
    """Return one row for each parameter set of a sweep: a column for each parameter (`column_of`) and each metric.

    The document has them as `results`: a list of {"parameters": {name: value}, "metrics": {name: number or null}}.
    """
    rows = [
        {**{column_of(name): value for name, value in each["parameters"].items()}, **each["metrics"]}
        for each in document.get("results") or ()
    ]
    frame = pd.DataFrame(rows)
    for name in {name for each in document.get("results") or () for name in each["metrics"]}:
        frame[name] = frame[name].astype("float64")
    return frame


def least_trades(document: Document) -> int:
    """Return how many trades a set needs to be ranked."""
    return int(document.get("least_trades") or 0)


def with_enough_trades(rows: pd.DataFrame, metric: Metric, *, least: int) -> pd.DataFrame:
    """Return sets, those with fewer trades without a value of a metric: the search ranked them last, too, whatever their figure."""
    if "total_trades" not in rows.columns:
        return rows
    return rows.assign(**{metric.name: rows[metric.name].mask(rows["total_trades"] < least)})


def best_first(rows: pd.DataFrame, metric: Metric, *, least: int) -> pd.DataFrame:
    """Return sets in the order of a metric, last those without a value and those with fewer trades than `least`."""
    ranked = with_enough_trades(rows, metric, least=least)[metric.name]
    order = ranked.sort_values(ascending=metric.higher_is_better is False, na_position="last", kind="stable")
    return rows.loc[order.index]


def among_best(document: Document, rows: pd.DataFrame, metric: Metric) -> str:
    """Return, to be put behind what is told of a metric, which sets were kept: the best by another one; empty where all were."""
    if len(rows) >= document.get("sets", len(rows)) or metric.name == document["metric"]:
        return ""
    return f" among the {len(rows):,} best by {METRICS[document['metric']].title}"


def kept_title(document: Document, rows: pd.DataFrame, metric: Metric) -> str:
    """Return a title that says when only the best sets are there to be drawn; empty when all are."""
    sets, ranked = document.get("sets", len(rows)), document["metric"]
    other = "" if metric.name == ranked else f" by {METRICS[ranked].title}"
    return f"{metric.title} of the best {len(rows):,} of {sets:,} parameter sets{other}" if len(rows) < sets else ""


def records(rows: pd.DataFrame) -> list[dict[str, Any]]:
    """Return rows as values by name."""
    return [{str(name): value for name, value in row.items()} for row in rows.to_dict("records")]


def window_rows(document: Document, *, zone: Zone = UTC) -> pd.DataFrame:
    """Return one row for each window of a walk-forward run.

    The document has them as `windows`: a list of {"number", "train_start", "train_end", "test_start", "test_end", "parameters": {},
    "in_sample": {metric: number}, "out_of_sample": {metric: number}}.

    Returns:
        Columns number, train_start, test_start, test_until (words, UTC), train_begin, train_end, test_begin, test_end (as the zone
        shows them), inside, outside (the metric that chose), chosen (in words), and one for each parameter (`column_of`).
    """
    metric, names, rows = document["metric"], parameter_names(document), []
    for each in document.get("windows") or ():
        moments = {
            f"{part}_{end}": pd.Timestamp(each[f"{part}_{name}"]).tz_convert("UTC") + zone.offset
            for part in ("train", "test")
            for end, name in (("begin", "start"), ("end", "end"))
        }
        rows.append(
            {
                "number": each["number"],
                "train_start": each["train_start"],
                "test_start": each["test_start"],
                "test_until": each["test_end"],
                **moments,
                "inside": each["in_sample"].get(metric),
                "outside": each["out_of_sample"].get(metric),
                "chosen": ", ".join(f"{name} = {value}" for name, value in each["parameters"].items()),
                **{column_of(name): each["parameters"].get(name) for name in names},
            }
        )
    return pd.DataFrame(rows).astype({"inside": "float64", "outside": "float64"}) if rows else pd.DataFrame()


def kept_windows(rows: pd.DataFrame, metric: Metric) -> int:
    """Return in how many windows, as `window_rows` has them, a metric was not worse out of sample; those without a value not."""
    if metric.higher_is_better is False:
        return int((rows["outside"] <= rows["inside"]).sum())
    return int((rows["outside"] >= rows["inside"]).sum())


def fan_rows(found: Document) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Return quantiles of equity over the steps of a Monte Carlo run, and the equity that really came.

    Args:
        found: As `trading.backtest.monte_carlo.document` says it: `fan` is {"step", "actual", "quantiles": {percent: []}}.

    Returns:
        Column step and one for each quantile, named by it (`0.05`); columns step and equity.
    """
    fan = found["fan"]
    named = {f"{float(percent) / 100:g}": values for percent, values in fan["quantiles"].items()}
    return pd.DataFrame({"step": fan["step"], **named}), pd.DataFrame({"step": fan["step"], "equity": fan["actual"]})


def _rows(document: Document) -> list[Mapping[str, Any]]:
    return list(document.get("results") or document.get("windows") or ())
