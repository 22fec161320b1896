"""Documents of runs, small enough to be checked by hand."""

from typing import Any

import numpy as np

from trading.backtest.document import rules_document
from trading.backtest.metrics import METRICS
from trading.rules import Rules

SYMBOL = "OKX:BTC-USDT"


def trade(number: int, **changes: Any) -> dict[str, Any]:
    """Return a trade that entered at 1:00 and left at 3:00 of the day with its number; even ones lost 10, odd ones won 20."""
    won = number % 2 == 1
    day = f"2024-01-{(number - 1) % 28 + 1:02d}"
    whole = {
        "number": number, "symbol": SYMBOL, "side": "long" if won else "short", "entered": f"{day}T01:00:00Z",
        "left": f"{day}T03:00:00Z", "bars": 2, "size": 0.5, "entry_price": 100.0, "exit_price": 141.0 if won else 119.0,
        "profit": 20.0 if won else -10.0, "return": 0.4 if won else -0.2, "fees": 0.5, "value": 50.0,
        "reason": "take-profit" if won else "stop-loss", "best": 0.5, "worst": -0.1, "touches_hole": False,
    }  # fmt: skip
    return {**whole, **changes}


def document(**changes: Any) -> dict[str, Any]:
    """Return the document of a backtest of four days, with a hole of a day that the second of three trades touches."""
    whole = {
        "id": "0123456789abcdef0123456789abcdef", "kind": "backtest", "strategy": "sma_cross",
        "parameters": {"fast": 10, "slow": 30}, "symbols": [SYMBOL], "timeframe": "1h", "start": "2024-01-30T00:00:00Z",
        "end": "2024-02-03T00:00:00Z", "balance": 1_000.0, "rules": rules_document(Rules(stop_loss=0.05, take_profit=0.1)),
        "listings": {SYMBOL: {"tick": 0.1, "lot": 0.00001, "least_value": 5.0}}, "allow_holes": True, "seed": 7,
        "code_version": "0.1.0+abc", "strategy_code": "c0de", "fingerprint": "f1n6",
        "coverage": [coverage(holes=[{"start": "2024-01-31T00:00:00Z", "end": "2024-02-01T00:00:00Z", "bars": 24}])],
        "final_value": 1_030.0, "total_return": 0.03,
        "metrics": {**dict.fromkeys(METRICS, 1.0), "total_return": 0.03, "max_drawdown": 0.0123, "deflated_sharpe_ratio": None},
        "counts": {"both": 1, "refused": 0, "fills": 6, "trades": 3, "touching_holes": 1}, "signals": 6,
        "trades": [trade(1), trade(2, touches_hole=True, reason="hole"), trade(3)], "open": [],
        "monthly": {"2024-01": 0.1, "2024-02": -0.05},
        "curve": {
            "timestamp": [f"{day}T00:00:00Z" for day in ("2024-01-30", "2024-01-31", "2024-02-01", "2024-02-02")],
            "equity": [1_000.0, 1_020.0, 1_010.0, 1_030.0], "benchmark": [1_000.0, 990.0, 980.0, 970.0],
            "drawdown": [0.0, 0.0, 0.0098, 0.0], "exposure": [0.0, 1.0, -1.0, 0.0],
        },
        "returns": {"edges": [-0.02, -0.01, 0.0, 0.01], "counts": [1, 0, 2]},
    }  # fmt: skip
    return {**whole, **changes}


def coverage(symbol: str = SYMBOL, *, holes: list[dict[str, Any]]) -> dict[str, Any]:
    """Return the coverage of four days of hours, of which some are missing."""
    missing = sum(hole["bars"] for hole in holes)
    return {
        "symbol": symbol, "expected": 96, "present": 96 - missing, "missing": missing, "incomplete": 0, "unproven": 0,
        "without_trades": 2, "holes": holes,
    }  # fmt: skip


def sweep(**changes: Any) -> dict[str, Any]:
    """Return the document of a sweep of 2 x 2 x 2 sets: Sharpe ratios 1 to 8, in the order of the sets; the fifth has none."""
    sets = [{"fast": fast, "slow": slow, "size": size} for fast in (5, 10) for slow in (20, 30) for size in (0.5, 1.0)]
    results = [
        {
            "parameters": each,
            "metrics": {"sharpe_ratio": None if at == 5 else float(at), "total_return": at / 100, "max_drawdown": 0.1},
        }
        for at, each in enumerate(sets, start=1)
    ]
    space = {"fast": [5, 10], "slow": [20, 30], "size": [0.5, 1.0]}
    more = {"kind": "sweep", "metric": "sharpe_ratio", "sampler": "grid", "sets": 8, "space": space, "results": results}
    kept = {name: value for name, value in document().items() if name not in _OF_A_RUN}
    return {**kept, **more, **changes}


def lucky_sweep(**changes: Any) -> dict[str, Any]:
    """Return the document of a sweep of two sets as it is stored: the one with enough trades before the one with a lucky trade."""
    figures = (
        (5, {"sharpe_ratio": 1.0, "total_return": 0.1, "total_trades": 50.0}),
        (10, {"sharpe_ratio": 9.0, "total_return": 0.9, "total_trades": 1.0}),
    )
    results = [{"parameters": {"fast": fast}, "metrics": metrics} for fast, metrics in figures]
    return sweep(results=results, sets=2, space={"fast": [5, 10]}, least_trades=10, **changes)


def walk_forward(**changes: Any) -> dict[str, Any]:
    """Return the document of a walk-forward run of two windows; the second was worse out of sample."""
    windows = [
        {
            "number": number, "train_start": f"2024-01-{number:02d}T00:00:00Z", "train_end": f"2024-01-{number + 10:02d}T00:00:00Z",
            "test_start": f"2024-01-{number + 10:02d}T00:00:00Z", "test_end": f"2024-01-{number + 11:02d}T00:00:00Z",
            "parameters": {"fast": 5 * number, "mode": "a"},
            "in_sample": {"sharpe_ratio": 1.5}, "out_of_sample": {"sharpe_ratio": out},
        }
        for number, out in ((1, 2.0), (2, -0.5))
    ]  # fmt: skip
    return {**document(), "kind": "walk-forward", "metric": "sharpe_ratio", "anchored": False, "windows": windows, **changes}


def renamed(run: dict[str, Any], name: str) -> dict[str, Any]:
    """Return the document of a search whose parameter fast has another name."""
    for each in run.get("results") or run["windows"]:
        each["parameters"] = {name: each["parameters"].pop("fast"), **each["parameters"]}
    return {**run, "space": {name: [5, 10], "slow": [20, 30]}}


def monte_carlo(**changes: Any) -> dict[str, Any]:
    """Return the document of a backtest whose three trades were shuffled."""
    levels = ["5", "50", "95"]
    figure = {"actual": 0.2, "percentile": 0.4, "quantiles": dict(zip(levels, (0.1, 0.2, 0.3), strict=True))}
    found = {
        "method": "trade-shuffle", "resamples": 1_000, "seed": 0, "steps": 3, "balance": 1_000.0, "ruin": 0.5,
        "probability": {"loss": 0.25, "ruin": 0.01},
        "distributions": dict.fromkeys(("final_value", "total_return", "max_drawdown"), figure),
        "fan": {
            "step": [0, 1, 3], "actual": [1_000.0, 1_020.0, 1_030.0],
            "quantiles": {level: [1_000.0, 990.0, 1_000.0 + 20 * at] for at, level in enumerate(levels)},
        },
    }  # fmt: skip
    return document(**{"monte_carlo": [found], **changes})


_OF_A_RUN = {
    "parameters",
    "trades",
    "open",
    "curve",
    "monthly",
    "returns",
    "metrics",
    "counts",
    "final_value",
    "total_return",
    "signals",
}


def long_curve(points: int) -> dict[str, list[Any]]:
    """Return a curve of so many hours."""
    stamps = np.datetime_as_string(np.datetime64("2024-01-01T00", "h") + np.arange(points), unit="s")
    return {
        "timestamp": [f"{stamp}Z" for stamp in stamps.tolist()],
        **{name: np.linspace(1.0, 2.0, points).tolist() for name in ("equity", "benchmark", "drawdown", "exposure")},
    }
