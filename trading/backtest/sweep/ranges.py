"""Ranges of a parameter as people type them: `5:50:5`, `5,10,20`, `ema,sma`."""

from decimal import Decimal, InvalidOperation

from market.errors import InputError
from trading.parameters import Kind, Parameter, Value

_MOST_VALUES = 1_000_000


def values_of(text: str, parameter: Parameter, owner: str) -> tuple[Value, ...]:
    """Return the values that a text names, each once, in its order.

    Args:
        text: `low:high:step` (step 1 if left out; `high` is included where a step meets it), values with commas, or one value.
        parameter: What the values have to be.
        owner: Name of the strategy, for messages.

    Raises:
        InputError: If the text is no range, or a value is not what the parameter takes.
    """
    if ":" in text and parameter.kind in {Kind.WHOLE, Kind.NUMBER}:
        values: list[str] = _stepped(text, parameter.name, owner)
    else:
        values = [part.strip() for part in text.split(",") if part.strip()]
    if not values:
        raise InputError(f"range of {parameter.name} of {owner} is {text!r}; expected {_LIKE}")
    return tuple(dict.fromkeys(parameter.checked(value, owner) for value in values))


_LIKE = "low:high:step, or values with commas between them: 5:50:5 or 5,10,20"


def _stepped(text: str, name: str, owner: str) -> list[str]:
    """Return the steps in decimal arithmetic: 0.1:0.3:0.1 has 0.3, and not 0.30000000000000004."""
    parts = text.split(":")
    try:
        low, high, step = [Decimal(part.strip()) for part in (*parts, "1")[:3]] if 2 <= len(parts) <= 3 else [Decimal("nan")] * 3
    except InvalidOperation:
        low = high = step = Decimal("nan")
    if not all(number.is_finite() for number in (low, high, step)):
        raise InputError(f"range of {name} of {owner} is {text!r}; expected {_LIKE}")
    if step <= 0 or high < low:
        raise InputError(f"range {text} of {name} of {owner} has no value; expected low <= high and a step above 0")
    if _steps(low, high, step) >= _MOST_VALUES:  # before it is made a whole number, which takes long where it is a huge one
        raise InputError(
            f"range {text[:80]} of {name} of {owner} has more than {_MOST_VALUES:,} values: widen the step, or narrow it"
        )
    return [str(low + number * step) for number in range(int(_steps(low, high, step)) + 1)]


def _steps(low: Decimal, high: Decimal, step: Decimal) -> Decimal:
    try:
        return (high - low) / step
    except ArithmeticError:  # beyond what decimals can say
        return Decimal("inf")
