"""What a run assumed about orders, costs, sizes and protections, in words."""

from collections.abc import Iterator, Mapping
from enum import IntEnum
from typing import Any, TypeVar

from app.reports.figures import plain, plural
from trading.fills import Slippage
from trading.rules import Sizing

Rules = Mapping[str, Any]
_Kind = TypeVar("_Kind", bound=IntEnum)


def assumptions(rules: Rules, *, quote: str = "") -> list[tuple[str, str]]:
    """Return what a run assumed, as topics with a sentence each.

    Args:
        rules: The fields of `trading.rules.Rules`, as a document has them.
        quote: Currency of the account.
    """
    return [
        ("orders", _orders(rules)),
        (
            "fees",
            f"{_share(rules['taker_fee'])} of the value of market and stop orders, {_share(rules['maker_fee'])} of limit orders",
        ),
        ("slippage", _slippage(rules, quote)),
        ("liquidity", _liquidity(rules)),
        ("exits", "; ".join(_exits(rules)) or "none but the strategy's own"),
        ("size", _size(rules, quote)),
        ("short sales", "allowed" if rules["short"] else "none: a negative target is 0"),
        ("protections", "; ".join(_protections(rules)) or "none"),
    ]


def _share(fraction: float) -> str:
    return f"{fraction * 100:.4g} %"


def _orders(rules: Rules) -> str:
    where = "at the open of the next bar" if rules["fill_at"] == "next-open" else "at the close of the bar that decides"
    if not rules["limit_offset"]:
        return f"market orders, filled {where}"
    return (
        f"entries are limit orders {_share(rules['limit_offset'])} from the close, given up after "
        f"{plural(rules['limit_bars'], 'bar')}; exits are market orders, filled {where}"
    )


def _slippage(rules: Rules, quote: str) -> str:
    amount = rules["slippage_amount"]
    return {
        Slippage.NONE: "none: market orders get the price of the bar",
        Slippage.BASIS_POINTS: f"market and stop orders are filled {amount:g} basis points worse",
        Slippage.SPREAD: f"market and stop orders pay half of a spread of {amount:g} {quote}".rstrip(),
        Slippage.IMPACT: f"market and stop orders are filled worse by {amount:g} times the square of their share of a bar's volume",
    }[_kind(Slippage, rules["slippage"])]


def _liquidity(rules: Rules) -> str:
    if not rules["volume_share"]:
        return "an order of any size is filled at once"
    return f"at most {_share(rules['volume_share'])} of what was traded in a bar; the rest waits for the next"


def _exits(rules: Rules) -> Iterator[str]:
    if rules["stop_loss"]:
        yield f"stop loss {_share(rules['stop_loss'])} from the entry"
    if rules["trailing_stop"]:
        yield f"trailing stop {_share(rules['trailing_stop'])} from the best price"
    if rules["take_profit"]:
        yield f"take profit {_share(rules['take_profit'])} from the entry"
    if rules["time_exit"]:
        yield f"after {plural(rules['time_exit'], 'bar')}"
    if rules["take_profit"] and (rules["stop_loss"] or rules["trailing_stop"]):
        yield "a bar that reaches stop and target counts as stopped"


def _size(rules: Rules, quote: str) -> str:
    size = rules["size"]
    what = {
        Sizing.FRACTION: f"{_share(size)} of equity",
        Sizing.VALUE: f"{plain(size)} {quote}".rstrip(),
        Sizing.VOLATILITY: f"aimed at a yearly volatility of {_share(size)}, taken over {plural(rules['volatility_bars'], 'bar')}",
    }[_kind(Sizing, rules["sizing"])]
    return f"{what} for a target of 1; all positions at most {rules['leverage']:g} times equity"


def _protections(rules: Rules) -> Iterator[str]:
    if rules["cooldown_bars"]:
        yield f"no entry for {plural(rules['cooldown_bars'], 'bar')} after an exit"
    if rules["guard_stops"]:
        yield (
            f"no entry for {plural(rules['guard_pause_bars'], 'bar')} after {plural(rules['guard_stops'], 'stop')} within "
            f"{plural(rules['guard_within_bars'], 'bar')}"
        )
    if rules["max_drawdown"]:
        until = f"for {plural(rules['drawdown_pause_bars'], 'bar')}" if rules["drawdown_pause_bars"] else "for good"
        yield f"out of the market {until} after a drawdown of {_share(rules['max_drawdown'])}"
    if rules["daily_loss"]:
        yield f"out of the market until midnight UTC after a loss of {_share(rules['daily_loss'])} in a day"


def _kind(kinds: type[_Kind], told: Any) -> _Kind:
    """Return a kind that a document tells by its number or by its name."""
    return kinds(told) if isinstance(told, int) else kinds[str(told).upper().replace("-", "_")]
