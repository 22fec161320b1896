"""The flow that tries a strategy on stored candles; what came of it is kept, and shown as artifacts."""

from typing import Any

from prefect import flow

from flows.results import show_table
from tasks.backtests import try_strategy

_HEADLINES = (
    "total_return", "cagr", "sharpe_ratio", "sortino_ratio", "max_drawdown", "total_trades", "win_rate", "profit_factor",
    "exposure_time", "fees", "benchmark_return",
)  # fmt: skip


@flow
async def backtest(  # noqa: PLR0913 - as many as there are things to say
    strategy: str,
    symbols: list[str],
    timeframe: str = "1h",
    parameters: dict[str, Any] | None = None,
    start: str | None = None,
    end: str | None = None,
    *,
    rules: dict[str, Any] | None = None,
    fee: float | None = None,
    balance: float = 10_000.0,
    allow_holes: bool = False,
    monte_carlo: int = 0,
    seed: int = 0,
) -> dict[str, Any]:
    """Try a strategy on stored candles with virtual money; return its headlines, and keep the rest (`tcpdash backtests ID`)."""
    asked = {
        "strategy": strategy, "symbols": symbols, "timeframe": timeframe, "parameters": parameters, "start": start, "end": end,
        "rules": rules, "fee": fee, "balance": balance, "allow_holes": allow_holes,
    }  # fmt: skip
    told = try_strategy(asked, resamples=monte_carlo, seed=seed)
    row = {"id": told["id"], "final_value": told["final_value"], **{name: told["metrics"][name] for name in _HEADLINES}}
    tried = f"{strategy} on {', '.join(told['symbols'])} {timeframe}"
    sentence = f"{tried}: {told['total_return']:+.2%}; `tcpdash backtests {told['id'][:12]}` shows the rest"
    await show_table("backtest", [row], sentence, symbol=told["symbols"][0])
    return row
