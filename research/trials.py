"""What is asked to be tried, as plain values of a command, a flow or a form, and the backtest that it makes."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from exchanges.fees import fees_of
from market.clock import now_us, parse_time
from market.errors import InputError, did_you_mean
from market.symbol import Symbol
from market.timeframe import Timeframe, parse_timeframe
from trading.backtest.backtest import Backtest, Engine
from trading.registry import Registry
from trading.rules import Listing, Rules, rules_from


@dataclass(frozen=True, slots=True, kw_only=True)
class Trial:
    """What a person wants to have tried.

    Attributes:
        test: With the strategy, its rules and its window.
        symbols: `EXCHANGE:BASE-QUOTE`.
        registry: Where the strategy was found.
    """

    test: Backtest
    symbols: tuple[str, ...]
    registry: Registry


def trial_of(  # noqa: PLR0913 - as many as there are things to say
    registry: Registry, strategy: str, *, symbols: Sequence[str], parameters: Mapping[str, Any] | None = None,
    timeframe: str = "1h", start: str | None = None, end: str | None = None, fee: float | None = None, balance: float = 10_000.0,
    allow_holes: bool = False, rules: Mapping[str, object] | None = None, listing: Listing | None = None,
    inside: str | None = None, engine: str = "kernel", warm_up: int = 0,
) -> Trial:  # fmt: skip
    """Return what plain values ask for.

    Args:
        registry: Where strategies are found.
        strategy: Its name.
        symbols: `EXCHANGE:BASE-QUOTE`, in either case; they share the cash.
        parameters: Of the strategy; its defaults where nothing is said.
        timeframe: Width of the candles that it decides on.
        start: Where the window begins, ISO 8601; None for the first candle.
        end: Where it ends; None for the last one. What is still to come is left out.
        fee: A fraction of the value of a trade; None for the venue's own.
        balance: In the quote currency.
        allow_holes: Whether the window may have holes.
        rules: By name; see `trading.rules.rules_from`. They count before `fee`.
        listing: Steps of all symbols; None for what the venues list.
        inside: Width of the finer candles inside which orders are filled; None for none.
        warm_up: How many bars before the window strategies may see; nothing is traded in them.
        engine: `kernel` or `events`; see `trading.backtest.backtest.Engine`.

    Raises:
        InputError: If one of them cannot be; it says which and what was expected.
    """
    window = _window(parse_timeframe(timeframe), start, end)
    named = tuple(str(Symbol.parse(text.strip().upper())) for text in symbols)
    if not named:
        raise InputError("a symbol is needed, for example OKX:BTC-USDT; `tcpdash coverage` lists what is stored")
    test = Backtest(
        registry.create(strategy, parameters), parse_timeframe(timeframe), rules=_rules(rules or {}, named, fee), balance=balance,
        listings={} if listing is None else dict.fromkeys(named, listing), allow_holes=allow_holes, start_us=window[0],
        end_us=window[1], inside=None if inside is None else parse_timeframe(inside), engine=_engine(engine), warm_up=warm_up,
    )  # fmt: skip
    return Trial(test=test, symbols=named, registry=registry)


def _window(width: Timeframe, start: str | None, end: str | None) -> tuple[int | None, int | None]:
    start_us, end_us = parse_time(start) if start else None, parse_time(end) if end else None
    if start_us is not None and end_us is not None and end_us - start_us < width.width_us:
        raise InputError(f"from {start} to {end} there is no room for a candle of {width}")
    return start_us, None if end_us is None else min(end_us, width.open_of(now_us()))


def _rules(given: Mapping[str, object], symbols: Sequence[str], fee: float | None) -> Rules:
    fees = fees_of(symbols)
    base = Rules(maker_fee=fees.maker if fee is None else fee, taker_fee=fees.taker if fee is None else fee)
    return rules_from(given, base)


def _engine(text: str) -> Engine:
    known = [str(each) for each in Engine]
    if text not in known:
        raise InputError(f"engine {text!r} is not one of {', '.join(known)}{did_you_mean(text, known)}")
    return Engine(text)
