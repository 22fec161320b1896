"""What a strategy of a bot said: whether it is a signal that can be acted on, and why not."""

from collections.abc import Mapping
from math import isinf, isnan
from numbers import Real
from operator import index
from typing import Any, SupportsFloat, cast

import numpy as np

from market.clock import isoformat
from trading.signal import Action, Signal

LONGEST_REASON = 10_000
MOST_INDICATORS = 1_000
MOST_SERIES = 50
LONGEST_NAME = 200
LARGEST_TARGET = 1e6
_SHOWN = 120
_LAST_US = 253_402_300_799_999_999  # of the year 9999: beyond it there are no dates


def refusal(said: object, *, symbol: str, timestamp_us: int) -> str | None:
    """Return why something is not a signal that a bot can act on: what was expected and what was found; None where it is one.

    A signal may leave its symbol empty, its timestamp 0 and then its price NaN; `completed` fills them in.

    Args:
        said: Whatever a strategy returned.
        symbol: Which the strategy was asked about.
        timestamp_us: Close of the candle that it was asked about, UTC epoch microseconds.
    """
    if not isinstance(said, Signal):
        return f"expected a Signal, found {shown(said)}"
    return (
        _wrong_action(said.action)
        or _wrong_symbol(said.symbol, symbol)
        or _wrong_time(said.timestamp_us, timestamp_us)
        or _wrong_price(said.price, dated=said.timestamp_us != 0)
        or _wrong_confidence(said.confidence)
        or _wrong_target(said.target)
        or _wrong_indicators(said.indicators)
        or _wrong_reason(said.reason)
    )


def completed(signal: Signal, *, symbol: str, timestamp_us: int, close: float) -> Signal:
    """Return an acceptable signal in plain values, with its symbol, its timestamp and its price filled in, its reason cut.

    Args:
        signal: One that `refusal` does not refuse.
        symbol: Which the strategy was asked about.
        timestamp_us: Close of the candle that it was asked about, UTC epoch microseconds.
        close: Of that candle, in the quote currency.
    """
    price = float(signal.price)
    return Signal(
        action=Action(signal.action),
        confidence=float(signal.confidence),
        price=close if isnan(price) else price,
        timestamp_us=timestamp_us,
        symbol=symbol,
        indicators={plain(name): float(value) for name, value in signal.indicators.items()},
        reason=plain(signal.reason, LONGEST_REASON),
        target=float(signal.target),
    )


def whole_series(found: Any, bars: int, *, warm_up: int) -> dict[str, bytes]:
    """Return indicators by name as the bytes of float64 of shape (bars,), NaN in the warm-up; what is no series is left out.

    Args:
        found: Whatever a strategy gave as its indicators.
        bars: How long a series is.
        warm_up: So many of the first bars had too few before them.
    """
    whole: dict[str, bytes] = {}
    for name, series in found.items() if isinstance(found, Mapping) else ():
        try:
            values = np.array(series, np.float64)
        except (TypeError, ValueError):
            continue
        if isinstance(name, str) and values.shape == (bars,) and len(whole) < MOST_SERIES:
            values[: max(0, min(warm_up, bars))] = np.nan
            whole[plain(name)] = values.tobytes()
    return whole


def plain(text: str, longest: int = LONGEST_NAME) -> str:
    """Return a text of a user's that every store takes: no longer than that, without NUL and halves of surrogate pairs."""
    cut = text if len(text) <= longest else f"{text[: longest - 1]}…"
    return cut.replace("\0", "\ufffd").encode("utf-8", "replace").decode("utf-8")


def shown(value: object) -> str:
    """Return a value for a message: its kind, and the value itself where that is short."""
    kind = type(value).__name__
    if value is None or isinstance(value, bool | int | float | str):
        return plain(f"{value!r}" if value is None else f"{value!r}, {_article(kind)} {kind}", _SHOWN)
    return plain(f"{_article(kind)} {kind}", _SHOWN)


def _article(word: str) -> str:
    return "an" if word[:1].lower() in "aeiou" else "a"


def _wrong_action(action: object) -> str | None:
    if isinstance(action, str) and action in list(Action):
        return None
    return f"expected the action buy, sell or hold, found {shown(action)}"


def _wrong_symbol(found: object, symbol: str) -> str | None:
    return None if found in ("", symbol) and isinstance(found, str) else f"expected the symbol {symbol}, found {shown(found)}"


def _wrong_time(found: object, timestamp_us: int) -> str | None:
    try:
        moment = index(cast("int", found))
    except TypeError:
        return f"expected the timestamp in whole microseconds, found {shown(found)}"
    if moment in (0, timestamp_us):
        return None
    told = isoformat(moment) if 0 < moment <= _LAST_US else f"{moment:.6g} microseconds"
    when = "future" if moment > timestamp_us else "past"
    return f"a signal from the {when}: expected the close of the candle, {isoformat(timestamp_us)}, found {told}"


def _wrong_price(price: object, *, dated: bool) -> str | None:
    number = _number(price)
    if number is None or isinf(number) or number <= 0.0 or (dated and isnan(number)):
        return f"expected a price above 0, found {shown(price)}"
    return None


def _wrong_confidence(confidence: object) -> str | None:
    number = _number(confidence)
    return None if number is not None and 0.0 <= number <= 1.0 else f"expected a confidence from 0 to 1, found {shown(confidence)}"


def _wrong_target(target: object) -> str | None:
    number = _number(target)
    if number is None or abs(number) > LARGEST_TARGET:
        return f"expected a target from {-LARGEST_TARGET:g} to {LARGEST_TARGET:g}, or NaN, found {shown(target)}"
    return None


def _wrong_indicators(indicators: Any) -> str | None:
    if not isinstance(indicators, Mapping):
        return f"expected indicators as numbers by name, found {shown(indicators)}"
    if len(indicators) > MOST_INDICATORS:
        return f"expected at most {MOST_INDICATORS} indicators, found {len(indicators)}"
    for name, value in indicators.items():
        if not isinstance(name, str):
            return f"expected a text as the name of an indicator, found {shown(name)}"
        if _number(value) is None:
            return f"expected a number as indicator {plain(name)!r}, found {shown(value)}"
    return None


def _wrong_reason(reason: object) -> str | None:
    return None if isinstance(reason, str) else f"expected a text as the reason, found {shown(reason)}"


def _number(value: object) -> float | None:
    """Return a number, of Python or numpy, as float; None of anything else, and of a whole number too large for one."""
    if not isinstance(value, Real):
        return None
    try:
        return float(cast("SupportsFloat", value))
    except (OverflowError, TypeError, ValueError):
        return None
