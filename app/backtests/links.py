"""The form of a new run as the URL says it: what is asked for as query parameters, so that a link fills the form."""

from collections.abc import Mapping
from typing import Any

from research.asked import BACKTEST, WALK_FORWARD, Asked, Search

NEW, RUNS = "New run", "Runs"
"""Views of the page."""

RUN, COMPARED = "run", "compare"
"""Query parameters with the id of a run that is shown, and with those that are compared, with commas between them."""

STARTED = "started"
"""Query parameter with a run of Prefect, how that goes is shown."""

FILLED = "filled"
"""Query parameter of a form that a link filled in."""

PARAMETER, RANGE, RULE = "p_", "r_", "rule_"
"""How keys of parameters, ranges and rules begin."""

OWN_WINDOW = "from … to …"

Query = dict[str, str | list[str]]


USUAL = {
    "new_kind": BACKTEST, "new_strategy": "sma_cross", "new_timeframe": "1h", "balance": "10000", "sampler": "grid", "train": "30d",
    "test": "10d", "metric": "Sharpe ratio",
}  # fmt: skip
"""What the form has where the URL says nothing."""


def query_of(asked: Asked, *, defaults: Mapping[str, Any] | None = None) -> Query:
    """Return the query parameters of the page with its form filled in, without what is usual.

    A widget takes what is usual out of the URL again, each with an entry of its own in the history of the browser.

    Args:
        asked: What the form is filled with.
        defaults: Of the parameters of the strategy, by name.
    """
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
    told[FILLED] = "1"
    usual = USUAL | {name: _word(value) for name, value in _named(PARAMETER, defaults or {}).items()}
    words = {name: value if isinstance(value, list) else _word(value) for name, value in told.items() if value not in (None, "")}
    return {name: value for name, value in words.items() if value != usual.get(name)}


def _searched(kind: str, search: Search) -> dict[str, Any]:
    from trading.backtest.metrics import METRICS  # noqa: PLC0415 - brings numba along, which a list does without

    metric = METRICS.get(search.metric)
    told = {
        "sampler": search.sampler, "sets": search.sets, "chance": None if search.seed == 1 else search.seed,
        "metric": search.metric if metric is None else metric.title,  # a widget that shows titles has titles in the URL

        "least": search.least_trades or None, **_named(RANGE, search.ranges),
    }  # fmt: skip
    if kind == WALK_FORWARD:
        told |= {"train": search.train, "test": search.test, "step": search.step, "anchored": search.anchored or None}
    return told


def _named(prefix: str, values: Mapping[str, Any]) -> dict[str, Any]:
    return {f"{prefix}{name}": value for name, value in values.items()}


def _word(value: Any) -> str:
    if isinstance(value, bool):
        return str(value).lower()
    return str(int(value)) if isinstance(value, float) and value.is_integer() else str(value)
