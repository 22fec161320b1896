"""The flows that try strategies on stored candles; what came of it is kept, and shown as artifacts."""

from typing import Any

from prefect import flow
from prefect.runtime import flow_run

from flows.results import show_table
from research.searches import Windows, Workers
from tasks.backtests import search_sets, search_windows, try_strategy

_HEADLINES = (
    "total_return", "cagr", "sharpe_ratio", "sortino_ratio", "max_drawdown", "total_trades", "win_rate", "profit_factor",
    "exposure_time", "fees", "benchmark_return",
)  # fmt: skip
_MOST_SETS = 50
_DAY_US = 86_400_000_000


@flow
async def backtest(  # noqa: PLR0913 - as many as there are things to say
    strategy: str, symbols: list[str], timeframe: str = "1h", parameters: dict[str, Any] | None = None, start: str | None = None,
    end: str | None = None, *, rules: dict[str, Any] | None = None, fee: float | None = None, balance: float = 10_000.0,
    allow_holes: bool = False, inside: str | None = None, monte_carlo: int = 0, seed: int = 0,
) -> dict[str, Any]:  # fmt: skip
    """Try a strategy on stored candles with virtual money; return its headlines, and keep the rest (`tcpdash backtests ID`)."""
    asked = {
        "strategy": strategy, "symbols": symbols, "timeframe": timeframe, "parameters": parameters, "start": start, "end": end,
        "rules": rules, "fee": fee, "balance": balance, "allow_holes": allow_holes, "inside": inside,
    }  # fmt: skip
    told = await try_strategy(asked, resamples=monte_carlo, seed=seed)
    return await _shown("backtest", told, [_headlines(told)])


@flow
async def sweep(  # noqa: PLR0913 - as many as there are things to say
    strategy: str, symbols: list[str], timeframe: str = "1h", ranges: dict[str, str] | None = None, start: str | None = None,
    end: str | None = None, *, sampler: str = "grid", sets: int | None = None, seed: int = 1, metric: str = "sharpe_ratio",
    least_trades: int = 0,
    rules: dict[str, Any] | None = None, fee: float | None = None, balance: float = 10_000.0, allow_holes: bool = False,
    workers: int | None = None, dask: str | None = None,
) -> dict[str, Any]:  # fmt: skip
    """Try many parameter sets, here or on a Dask cluster; one that was stopped goes on where it was."""
    asked = {
        "strategy": strategy, "symbols": symbols, "timeframe": timeframe, "start": start, "end": end, "rules": rules, "fee": fee,
        "balance": balance, "allow_holes": allow_holes,
    }  # fmt: skip
    searched = {
        "ranges": ranges or {},
        "sampler": sampler,
        "sets": sets,
        "seed": seed,
        "metric": metric,
        "least_trades": least_trades,
    }
    told = await search_sets(asked, searched, Workers(count=workers, dask=dask, flow_run=flow_run.id))
    rows = [{**each["parameters"], **_metrics(each["metrics"])} for each in told["results"][:_MOST_SETS]]
    return await _shown("sweep", told, rows)


@flow
async def walk_forward(  # noqa: PLR0913 - as many as there are things to say
    strategy: str, symbols: list[str], train_days: float, test_days: float, timeframe: str = "1h",
    ranges: dict[str, str] | None = None, start: str | None = None, end: str | None = None, *, step_days: float | None = None,
    anchored: bool = False, sampler: str = "grid", sets: int | None = None, seed: int = 1, metric: str = "sharpe_ratio",
    least_trades: int = 0,
    rules: dict[str, Any] | None = None, fee: float | None = None, balance: float = 10_000.0, allow_holes: bool = False,
    workers: int | None = None, dask: str | None = None,
) -> dict[str, Any]:  # fmt: skip
    """Search the best set in each window, try it on what comes behind it, and join these parts."""
    asked = {
        "strategy": strategy, "symbols": symbols, "timeframe": timeframe, "start": start, "end": end, "rules": rules, "fee": fee,
        "balance": balance, "allow_holes": allow_holes,
    }  # fmt: skip
    searched = {
        "ranges": ranges or {},
        "sampler": sampler,
        "sets": sets,
        "seed": seed,
        "metric": metric,
        "least_trades": least_trades,
    }
    lengths = [None if days is None else round(days * _DAY_US) for days in (train_days, test_days, step_days)]
    windows = Windows(train_us=lengths[0] or 0, test_us=lengths[1] or 0, step_us=lengths[2], anchored=anchored)
    told = await search_windows(asked, searched, windows, Workers(count=workers, dask=dask, flow_run=flow_run.id))
    rows = [{"test": each["test_start"], **each["parameters"], **_metrics(each["out_of_sample"])} for each in told["windows"]]
    return await _shown("walk-forward", told, rows)


async def _shown(kind: str, told: dict[str, Any], rows: list[dict[str, Any]]) -> dict[str, Any]:
    """Leave a table behind, and return the headlines."""
    what = f"{kind} of {told['strategy']} on {', '.join(told['symbols'])} {told['timeframe']}"
    gain = "nothing was defined" if told["total_return"] is None else f"{told['total_return']:+.2%}"
    await show_table(kind, rows, f"{what}: {gain}; `tcpdash backtests {told['id'][:12]}` shows the rest", symbol=told["symbols"][0])
    return _headlines(told)


def _headlines(told: dict[str, Any]) -> dict[str, Any]:
    return {"id": told["id"], "final_value": told["final_value"], **_metrics(told["metrics"])}


def _metrics(figures: dict[str, Any]) -> dict[str, Any]:
    return {name: figures[name] for name in _HEADLINES if name in figures}
