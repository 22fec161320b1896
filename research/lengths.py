"""Lengths of time as people type them: `90d`, `36h`, `2w`, `30m`."""

import re

from market.errors import InputError

_UNITS_US = {"m": 60_000_000, "h": 3_600_000_000, "d": 86_400_000_000, "w": 604_800_000_000}


def read_length(text: str, option: str) -> int:
    """Return a length of time in microseconds: `90d`, `36h`, `2w`, `30m`.

    Args:
        text: What was typed.
        option: What it was typed for, for the message.

    Raises:
        InputError: If it is none.
    """
    found = re.fullmatch(r"(\d{1,6})([mhdw])", text.strip().lower())
    if found is None or not int(found[1]):
        raise InputError(f"{option} {text!r} is not a length of time such as 90d, 36h, 2w or 30m")
    return int(found[1]) * _UNITS_US[found[2]]


def length_words(length_us: int) -> str:
    """Return a length of whole minutes as `read_length` reads it, in its widest unit; days before weeks."""
    unit = next(unit for unit in ("d", "h", "m") if length_us % _UNITS_US[unit] == 0 or unit == "m")
    return f"{length_us // _UNITS_US[unit]}{unit}"
