"""The document of a backtest: all that came of it as plain values, the same to the last byte for the same run."""

from dataclasses import asdict, fields
from enum import Enum
from typing import Any

import numpy as np

from market.clock import isoformat
from market.window import Window
from trading.backtest.backtest import Backtest, Result, number_or_none
from trading.backtest.coverage import Coverage
from trading.backtest.fingerprint import code_version, run_id, strategy_code
from trading.backtest.market import Floats
from trading.backtest.metrics import Facts
from trading.backtest.metrics.arithmetic import years
from trading.backtest.metrics.run import bars_a_year
from trading.backtest.monte_carlo import bootstrap_returns, bootstrap_trades, shuffle_trades
from trading.backtest.monte_carlo import document as monte_carlo_document
from trading.fills import Reason
from trading.rules import Rules, word_of

MOST_POINTS = 2_000
"""So many points of a curve at most: more cannot be seen."""
TRADE = (
    "number", "symbol", "side", "entered", "left", "bars", "size", "entry_price", "exit_price", "profit", "return", "fees", "value",
    "reason", "best", "worst", "touches_hole",
)  # fmt: skip
"""What is said of each round trip."""
_BINS = 41
_COLUMNS = (
    "side", "entered_us", "left_us", "bars", "size", "entry_price", "exit_price", "profit", "fees", "value", "reason", "best",
    "worst",
)  # fmt: skip


def asked(test: Backtest, *, symbols: list[str], fingerprint: str, kind: str = "backtest", **more: Any) -> dict[str, Any]:
    """Return all that decides a run, `id` first: the same is asked for where it is the same."""
    parts = {
        "kind": kind,
        "strategy": test.strategy.name,
        "parameters": dict(test.strategy.parameters),
        "symbols": symbols,
        "timeframe": str(test.timeframe),
        "balance": test.balance,
        "rules": rules_document(test.rules),
        "listings": {symbol: asdict(test.listings[symbol]) for symbol in symbols if symbol in test.listings},
        "allow_holes": test.allow_holes,
        "inside": None if test.inside is None else str(test.inside),
        "engine": str(test.engine),
        "seed": 0,
        "resamples": 0,
        "code_version": code_version(),
        "strategy_code": strategy_code(test.strategy),
        "fingerprint": fingerprint,
        **({"warm_up": test.warm_up} if test.warm_up else {}),
        **more,
    }
    bounds = {"start_us": test.start_us, "end_us": test.end_us}
    return {"id": run_id({**parts, **bounds}), **parts}


def document(result: Result, *, resamples: int = 0, seed: int = 0) -> dict[str, Any]:
    """Return all that came of a backtest as values that JSON can say; what is not defined is None.

    Args:
        result: Of a backtest.
        resamples: How often its trades and its returns are drawn anew (see `trading.backtest.monte_carlo`); 0 for not at all.
        seed: Of that chance; 0 or more.

    Raises:
        InputError: If there are too many resamples, or a seed below 0.
    """
    test, sums, trades = result.test, result.outcome.sums, trades_of(result)
    start_us = min(each.window.start_us for each in result.coverage)
    end_us = max(each.window.end_us for each in result.coverage)
    return {
        **asked(
            test, symbols=list(result.market.symbols), fingerprint=result.fingerprint, seed=seed, resamples=resamples
        ),
        "start": isoformat(start_us),
        "end": isoformat(end_us),
        "coverage": [coverage_document(each) for each in result.coverage],
        "final_value": result.final_value,
        "total_return": result.total_return,
        "metrics": {name: number_or_none(value) for name, value in result.metrics.items()},
        "counts": {
            "both": sums.both, "refused": sums.refused, "fills": sums.fills, "trades": len(trades),
            "touching_holes": sum(trade["touches_hole"] for trade in trades),
            "short_left_out": 0 if test.rules.short else sum(wish < 0.0 for *_, wish in result.signals),
            "taken_apart": 0 if result.finer is None else result.finer.apart,
        },
        "signals": len(result.signals),
        "lookback": test.strategy.lookback,
        "trades": trades,
        "open": [_open(result, each) for each in result.trips.open],
        "monthly": monthly_of(result.facts),
        "curve": curve_of(result.market.closes_us, result.outcome.equity, test.balance, result.benchmark, result.exposure),
        "returns": histogram_of(result.facts),
        "monte_carlo": _monte_carlo(result, resamples, seed) if resamples else [],
    }  # fmt: skip


def rules_document(rules: Rules) -> dict[str, Any]:
    """Return the rules by name; what is one of several by its word."""
    values = {each.name: getattr(rules, each.name) for each in fields(rules)}
    return {name: word_of(value) if isinstance(value, Enum) else value for name, value in values.items()}


def coverage_document(coverage: Coverage) -> dict[str, Any]:
    """Return the coverage of a symbol."""
    return {
        "symbol": coverage.symbol, "expected": coverage.expected, "present": coverage.present, "missing": coverage.missing,
        "incomplete": coverage.incomplete, "unproven": coverage.unproven, "without_trades": coverage.without_trades,
        "holes": [_hole(coverage, hole) for hole in coverage.holes],
    }  # fmt: skip


def trades_of(result: Result) -> list[dict[str, Any]]:
    """Return the round trips, in the order of their exits."""
    trips, symbols = result.trips, result.market.symbols
    closed = trips.closed
    columns = zip(
        *(getattr(closed, name).tolist() for name in _COLUMNS), trips.symbol.tolist(), trips.touches_hole.tolist(), strict=True
    )
    return [
        dict(zip(TRADE, (
            number, symbols[symbol], "long" if side > 0 else "short", isoformat(entered), isoformat(left), bars, size, entry, exit_,
            profit, profit / value, fees, value, word_of(Reason(reason)), best, worst, touches,
        ), strict=True))
        for number, (
            side, entered, left, bars, size, entry, exit_, profit, fees, value, reason, best, worst, symbol, touches,
        ) in enumerate(columns, start=1)
    ]  # fmt: skip


def curve_of(closes_us: Any, equity: Floats, balance: float, benchmark: Floats, exposure: Floats) -> dict[str, list[Any]]:
    """Return equity and what goes with it at no more than `MOST_POINTS` closes, the last one among them.

    The drawdown of a point is the deepest since the point before it, a fraction of the highest equity so far.
    """
    bars = len(equity)
    last = np.unique(np.linspace(0, bars - 1, min(bars, MOST_POINTS)).astype(np.int64))
    fall = 1.0 - equity / np.maximum.accumulate(np.maximum(equity, balance))
    deepest = np.maximum.reduceat(fall, np.concatenate([[0], last[:-1] + 1]))
    return {
        "timestamp": [isoformat(moment) for moment in closes_us[last].tolist()], "equity": equity[last].tolist(),
        "benchmark": benchmark[last].tolist(), "drawdown": deepest.tolist(), "exposure": exposure[last].tolist(),
    }  # fmt: skip


def _hole(coverage: Coverage, hole: Window) -> dict[str, Any]:
    return {"start": isoformat(hole.start_us), "end": isoformat(hole.end_us), "bars": coverage.bars(hole)}


def _open(result: Result, position: Any) -> dict[str, Any]:
    return {
        "symbol": result.market.symbols[position.symbol], "side": "long" if position.size > 0.0 else "short",
        "entered": isoformat(position.entered_us), "size": abs(position.size), "entry_price": position.entry_price,
        "price": position.price, "profit": position.profit,
    }  # fmt: skip


def monthly_of(facts: Facts) -> dict[str, float]:
    """Return the return of each month, `2024-08`, that has bars."""
    periods = facts.periods
    return dict(zip(periods.of_months.astype(str).tolist(), periods.months.tolist(), strict=True))


def histogram_of(facts: Facts) -> dict[str, list[float]]:
    """Return how often the returns of days fell between some edges, which are one more than counts."""
    days = facts.periods.days
    if not len(days):
        return {"edges": [], "counts": []}
    counts, edges = np.histogram(days, bins=_BINS)
    return {"edges": edges.tolist(), "counts": counts.tolist()}


def _monte_carlo(result: Result, resamples: int, seed: int) -> list[dict[str, Any]]:
    """Return what else could have come of the run: of its trades in other orders, drawn anew, and of its returns in blocks."""
    balance, profits, bars = result.test.balance, result.trips.closed.profit, len(result.market)
    yearly = bars_a_year(result.run.bar_seconds)
    found = []
    if len(profits) > 1:
        a_year = len(profits) / years(result.run.seconds)
        # With several symbols one may be left at a loss beyond all that was closed so far, of which there is no fraction.
        compounded = bool((balance + profits.cumsum()[:-1] > 0.0).all())
        found = [
            draw(profits, balance, resamples=resamples, seed=seed, a_year=a_year, compounded=compounded)
            for draw in (shuffle_trades, bootstrap_trades)
        ]
    if bars > 1:
        found.append(bootstrap_returns(result.facts.returns, balance, resamples=resamples, seed=seed, a_year=yearly))
    return [monte_carlo_document(each) for each in found]
