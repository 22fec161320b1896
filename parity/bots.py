"""The bots that are played: every shipped strategy in two styles of orders, and what else an account may have."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from parity.tapes import Played
from trading.registry import Registry

SHORT_MINUTES = 40
"""On a tape that has fewer, strategies look back two or three candles."""
_LONG: dict[str, dict[str, Any]] = {
    "bollinger_reversion": {"period": 8, "width": 1.2}, "buy_and_hold": {}, "donchian_breakout": {"enter": 5, "leave": 3},
    "ema_cross": {"fast": 2, "slow": 5}, "macd": {"fast": 3, "slow": 6, "signal": 3},
    "rsi": {"period": 4, "oversold": 40, "overbought": 60}, "sma_cross": {"fast": 2, "slow": 6},
}  # fmt: skip
_SHORT: dict[str, dict[str, Any]] = {
    "bollinger_reversion": {"period": 3, "width": 0.6}, "buy_and_hold": {}, "donchian_breakout": {"enter": 1, "leave": 1},
    "ema_cross": {"fast": 1, "slow": 2}, "macd": {"fast": 2, "slow": 3, "signal": 2},
    "rsi": {"period": 2, "oversold": 49, "overbought": 51}, "sma_cross": {"fast": 1, "slow": 2},
}  # fmt: skip
_SHARE, _MINUTES_TO_FILL = 0.05, 2.5
STYLES = ("market", "limit")


def bots_of(played: Played, names: list[str] | None = None) -> list[dict[str, Any]]:
    """Return the configurations of the bots of a tape.

    Those whose id begins with `late` are not started by themselves.

    Args:
        played: The tape; sizes and distances of orders are made to fit what is traded on it.
        names: Of the strategies; None for all that are shipped.
    """
    return list(_bots(played, names or Registry().names()))


def write(bots: list[dict[str, Any]], folder: Path) -> None:
    """Write a file of each bot."""
    folder.mkdir(parents=True, exist_ok=True)
    for bot in bots:
        (folder / f"{bot['id']}.json").write_text(json.dumps(bot, indent=2), encoding="utf-8")


def _bots(played: Played, names: list[str]) -> Iterator[dict[str, Any]]:
    for number, name in enumerate(names):
        for style in STYLES:
            yield _bot(played, name, style, number)
        if played.minutes >= SHORT_MINUTES and number % 2 == 0:
            yield _bot(played, name, STYLES[number // 2 % 2], number, timeframe="5m")
    for number, style in enumerate(STYLES):
        yield _bot(played, names[(3 * number + 1) % len(names)], style, number, late=True)


def _bot(
    played: Played, name: str, style: str, number: int, *, timeframe: str = "1m", late: bool = False
) -> dict[str, Any]:  # fmt: skip
    several = number % 3 == (0 if style == "market" else 1)
    symbols = played.symbols if several else [played.symbols[number % len(played.symbols)]]
    balance, wide = min(map(played.value, symbols)) * _SHARE * _MINUTES_TO_FILL, 1.0 if timeframe == "1m" else 2.0
    known = _LONG if played.minutes >= SHORT_MINUTES and timeframe == "1m" else _SHORT
    parameters, short = dict(known.get(name, {})), style == "market" and name != "buy_and_hold"
    move = max(map(played.move, symbols)) * wide
    orders: dict[str, Any] = {"volume_share": _SHARE}
    bot: dict[str, Any] = {
        "id": f"{'late-' if late else ''}{name.replace('_', '-')}-{style}-{timeframe}", "strategy": name, "symbols": symbols,
        "parameters": parameters | ({"short": True} if short else {}), "timeframe": timeframe, "autostart": not late,
        "balance": f"{balance:.2f}", "sizing": _sizing(played, symbols, short=short, volatile=several), "orders": orders,
    }  # fmt: skip
    if style == "market":
        bot["stops"] = {"stop_loss": round(1.5 * move, 6), "take_profit": round(2.0 * move, 6)}
        bot["slippage"] = {"kind": "basis-points", "amount": 1}
    else:
        orders |= {"limit_offset": round(0.1 * move, 6), "limit_bars": 3}
        bot["stops"] = {"trailing_stop": round(1.5 * move, 6)}
    return bot


def _sizing(played: Played, symbols: list[str], *, short: bool, volatile: bool) -> dict[str, Any]:
    if not volatile:
        return {"size": 0.9, "short": short}
    size = 0.5 * sum(map(played.volatility, symbols)) / len(symbols)
    return {"kind": "volatility", "size": round(size, 6), "volatility_bars": 3, "short": short, "leverage": 1.5}
