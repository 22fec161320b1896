"""The form of a new run as the URL says it: what is asked for as query parameters, so that a link fills the form."""

from collections.abc import Mapping
from typing import Any

from research.asked import BACKTEST, WALK_FORWARD, Asked, Search

NEW, RUNS = "New run", "Runs"
"""Views of the page."""

STARTED = "started"
"""Query parameter with a run of Prefect, how that goes is shown."""

PARAMETER, RANGE, RULE = "p_", "r_", "rule_"
"""How keys of parameters, ranges and rules begin."""

OWN_WINDOW = "from … to …"

Query = dict[str, str | list[str]]


def query_of(asked: Asked) -> Query:
    """Return the query parameters of the page with its form filled in."""
    told: dict[str, Any] = {
        "view": NEW, "new_kind": asked.kind, "new_strategy": asked.strategy, "new_symbols": list(asked.symbols),
        "new_timeframe": asked.timeframe, "new_window": OWN_WINDOW, "new_from": asked.start, "new_to": asked.end,
        "balance": asked.balance, "fee": asked.fee, "holes": asked.allow_holes or None, "inside": asked.inside,
        "monte_carlo": asked.monte_carlo or None, **_named(RULE, asked.rules),
    }  # fmt: skip
    if asked.kind == BACKTEST or asked.search is None:
        told |= {"chance": asked.seed or None, **_named(PARAMETER, asked.parameters)}
    else:
        told |= _searched(asked.kind, asked.search)
    return {name: value if isinstance(value, list) else _word(value) for name, value in told.items() if value not in (None, "")}


def _searched(kind: str, search: Search) -> dict[str, Any]:
    from trading.backtest.metrics import METRICS  # noqa: PLC0415 - brings numba along, which a list does without

    metric = METRICS.get(search.metric)
    told = {
        "sampler": search.sampler, "sets": search.sets, "chance": search.seed,
        "metric": search.metric if metric is None else metric.title,  # a widget that shows titles has titles in the URL

        "least": search.least_trades or None, **_named(RANGE, search.ranges),
    }  # fmt: skip
    if kind == WALK_FORWARD:
        told |= {"train": search.train, "test": search.test, "step": search.step, "anchored": search.anchored or None}
    return told


def _named(prefix: str, values: Mapping[str, Any]) -> dict[str, Any]:
    return {f"{prefix}{name}": value for name, value in values.items()}


def _word(value: Any) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)
