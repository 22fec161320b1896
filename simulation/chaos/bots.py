"""The bots of a run: several strategies, styles of orders, sizes, stops and timeframes, on one symbol or both."""

import json
from pathlib import Path
from typing import Any

from simulation.chaos.tape import SYMBOLS

_BTC, _ETH = [SYMBOLS[0]], [SYMBOLS[1]]
BOTS: dict[str, dict[str, Any]] = {
    "ema-next-open": {
        "strategy": "ema_cross", "parameters": {"fast": 2, "slow": 5}, "symbols": _BTC, "timeframe": "1m", "sizing": {"size": 0.5},
        "stops": {"stop_loss": 0.004, "take_profit": 0.006}, "slippage": {"kind": "basis-points", "amount": 1},
    },
    "sma-limit": {
        "strategy": "sma_cross", "parameters": {"fast": 2, "slow": 4, "short": True}, "symbols": _ETH, "timeframe": "1m",
        "sizing": {"size": 0.6, "short": True},
        "orders": {"limit_offset": 0.0006, "limit_bars": 4, "volume_share": 0.5}, "stops": {"trailing_stop": 0.005},
    },
    "rsi-both-at-close": {
        "strategy": "rsi", "parameters": {"period": 3, "oversold": 40, "overbought": 60, "short": True}, "symbols": list(SYMBOLS),
        "timeframe": "1m", "sizing": {"size": 0.4, "short": True}, "orders": {"fill_at": "close", "volume_share": 0.2},
        "stops": {"time_exit": 6}, "slippage": {"kind": "impact", "amount": 0.05},
    },
    "donchian-wide": {
        "strategy": "donchian_breakout", "parameters": {"enter": 2, "leave": 1, "short": True}, "symbols": list(SYMBOLS),
        "timeframe": "5m", "sizing": {"kind": "value", "size": 3000, "short": True}, "orders": {"volume_share": 0.1},
        "stops": {"trailing_stop": 0.008}, "protections": {"cooldown_bars": 1},
    },
    "bollinger-volatile": {
        "strategy": "bollinger_reversion", "parameters": {"period": 5, "width": 1.0}, "symbols": _BTC, "timeframe": "1m",
        "sizing": {"kind": "volatility", "size": 0.8, "volatility_bars": 10}, "slippage": {"kind": "spread", "amount": 2.0},
        "protections": {"guard_stops": 2, "guard_within_bars": 30, "guard_pause_bars": 10, "max_drawdown": 0.3},
        "stops": {"stop_loss": 0.003},
    },
    "macd-five": {
        "strategy": "macd", "parameters": {"fast": 2, "slow": 4, "signal": 2}, "symbols": _ETH, "timeframe": "5m",
        "sizing": {"size": 0.9}, "orders": {"limit_offset": 0.0003, "limit_bars": 2, "volume_share": 0.3},
        "fees": {"maker": -0.0001, "taker": 0.0007},
    },
    "hold-quarter": {
        "strategy": "buy_and_hold", "symbols": list(SYMBOLS), "timeframe": "15m", "sizing": {"size": 0.4},
        "orders": {"volume_share": 0.05}, "stops": {"take_profit": 0.004, "stop_loss": 0.01},
    },
    "ema-all-in": {
        "strategy": "ema_cross", "parameters": {"fast": 1, "slow": 2, "short": True}, "symbols": _ETH, "timeframe": "1m",
        "sizing": {"size": 1.0, "short": True}, "orders": {"volume_share": 0.02},
    },
}  # fmt: skip


def write(folder: Path, many: int) -> list[str]:
    """Write the files of the first bots; return their ids."""
    folder.mkdir(parents=True)
    ids = list(BOTS)[:many]
    for bot in ids:
        document = {"id": bot, "balance": "10000.50", "autostart": True, **BOTS[bot]}
        (folder / f"{bot}.json").write_text(json.dumps(document, indent=2))
    return ids
