"""The part of the form that says how sets of parameters are searched."""

from typing import TYPE_CHECKING, Any

import streamlit as st

from app.backtests.links import RANGE, USUAL
from app.views.parameters import range_form
from research.asked import SAMPLERS, WALK_FORWARD, Search

if TYPE_CHECKING:
    from trading.strategy import BaseStrategy

_METRIC = "sharpe_ratio"


def search_form(strategy: "type[BaseStrategy]", kind: str) -> Search:
    """Return what a sweep or a walk-forward is told to search."""
    ranges = range_form(strategy.declared(), RANGE)
    lengths = _lengths() if kind == WALK_FORWARD else {}
    columns = st.columns([2, 2, 2, 3, 2])
    sampler = columns[0].selectbox("Sampler", SAMPLERS, key="sampler", bind="query-params",
                                   help="Try all sets, some by chance, or those that Optuna asks for.")  # fmt: skip
    sets = columns[1].number_input(
        "Sets", min_value=1, value=None, step=1, key="sets", bind="query-params", placeholder="as usual",
        help="How many at most; empty for all of a grid, 1,000 by chance, 200 with Optuna.",
    )  # fmt: skip
    seed = columns[2].number_input("Seed", min_value=0, max_value=2**31, value=1, step=1, key="chance", bind="query-params",
                                   help="Of chance: the same seed, the same sets.")  # fmt: skip
    metric = _metric(columns[3])
    least = columns[4].number_input("Least trades", min_value=0, value=0, step=1, key="least", bind="query-params",
                                    help="Sets with fewer round trips come last: a lucky trade says nothing.")  # fmt: skip
    return Search(ranges=ranges, sampler=sampler, sets=sets, seed=seed, metric=metric, least_trades=least, **lengths)


def _metric(place: Any) -> str:
    from trading.backtest.metrics import METRICS  # noqa: PLC0415 - half a second that a list does without
    from trading.backtest.sweep.evaluation import COLUMNS  # noqa: PLC0415 - see above

    names = [name for name in COLUMNS if METRICS[name].higher_is_better is not None]
    chosen: str = place.selectbox(
        "Ranked by", names, index=names.index(_METRIC), key="metric", bind="query-params",
        format_func=lambda name: METRICS[name].title, help="What makes a set better than another one.",
    )  # fmt: skip
    return chosen


def _lengths() -> dict[str, Any]:
    columns = st.columns(4, vertical_alignment="bottom")
    train = columns[0].text_input("Searched", value=USUAL["train"], key="train", bind="query-params", max_chars=10,
                                  help="Length of the window in which sets are searched: 90d, 36h, 2w, 30m.")  # fmt: skip
    test = columns[1].text_input("Tried on", value=USUAL["test"], key="test", bind="query-params", max_chars=10,
                                 help="Length of what the best one is tried on behind it.")  # fmt: skip
    step = columns[2].text_input("Step", key="step", bind="query-params", max_chars=10, placeholder="that of what it is tried on",
                                 help="From one window to the next.")  # fmt: skip
    anchored = columns[3].checkbox("Anchored", key="anchored", bind="query-params",
                                   help="All windows begin with the first candle, and grow.")  # fmt: skip
    return {"train": train or "", "test": test or "", "step": step or "", "anchored": anchored}
