"""What faults there are, and one fault as a value or as text: `drop:every=30,for=5`."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, fields
from math import isfinite
from typing import Any, NamedTuple

from market.clock import parse_time
from market.errors import InputError, TimeError, did_you_mean

_TIMES = ("at", "every", "for", "p")
_FORMS = ("any", "text", "truncated", "binary", "nested")
_PRICES = ("0", "nan")


class Kind(NamedTuple):
    """A kind of fault.

    Attributes:
        does: What it does, in a sentence.
        values: What may be said of it besides its time, each with the value it has otherwise.
        lasts: How many seconds it lasts unless it is told, None for a kind that happens once at a time.
        times: Which of `at`, `every`, `for` and `p` it takes.
        once: When it happens if it is not told: after so many seconds, None for all the time.
    """

    does: str
    values: Mapping[str, float | str] = {}
    lasts: float | None = None
    times: tuple[str, ...] = _TIMES
    once: float | None = None


_ANY: Mapping[str, float | str] = {"symbol": ""}
_MOMENTS = ("at", "every", "p")

KINDS: Mapping[str, Kind] = {
    "drop": Kind("cuts all connections without a word and hangs up on new ones while it lasts", lasts=5.0, once=10.0),
    "close-without-frame": Kind("ends all TCP connections without a closing frame", times=_MOMENTS, once=10.0),
    "accept-then-drop": Kind(
        "cuts all connections, then accepts each new one and cuts it `after` seconds", {"after": 0.2}, lasts=10.0, once=10.0
    ),
    "ack-without-data": Kind("acknowledges what a connection subscribes, and then tells it nothing"),
    "stall": Kind("tells connections nothing of the market; pongs, heartbeats and acks go on", lasts=10.0, once=10.0),
    "freeze": Kind("neither reads nor writes on the open connections, and cuts them in the end", lasts=60.0, once=10.0),
    "duplicate": Kind("sends a trade frame twice", _ANY),
    "reorder": Kind("sends a trade frame after the next one of its symbol", _ANY),
    "hole": Kind("does not send `frames` trade frames of a symbol; REST has them", {**_ANY, "frames": 1}),
    "hole-late": Kind(
        "does not send `frames` trade frames; REST lacks them in the first `times` answers that would have had them",
        {**_ANY, "frames": 1, "times": 1},
    ),
    "never-existed": Kind("skips `ids` numbers of trades; neither frames nor REST ever have them", {**_ANY, "ids": 5},
                          times=_MOMENTS, once=10.0),
    "conflict": Kind("sends a trade again with the same id and another price", _ANY),
    "zero-price": Kind("sends a trade with the price 0 or NaN instead of its own", {**_ANY, "price": "0"}),
    "garbage": Kind("sends what is no frame of the venue behind a trade frame", {**_ANY, "form": "any"}),
    "burst": Kind(
        "holds back `frames` trade frames, or what comes in `seconds`, and sends them as one where the venue sends lists",
        {**_ANY, "frames": 50, "seconds": 5.0},
    ),
    "notice": Kind(
        "announces the end of all connections in the venue's words, and `after` seconds later closes them if `close` is 1",
        {"after": 5.0, "close": 0}, times=_MOMENTS, once=10.0,
    ),
    "rotation": Kind("closes every connection that is `life` seconds old", {"life": 60.0}, times=()),
    "slow": Kind("sends everything `seconds` later", {"seconds": 1.0}, times=("at", "every", "for")),
    "slow-consumer": Kind("cuts off who has more than `bytes` unread", {"bytes": 65_536}, times=("at", "every", "for")),
    "delist": Kind("knows a symbol no more: not over REST, not for new subscribers, and those who have it hear nothing",
                   _ANY, times=("at",), once=10.0),
    "clock": Kind("has a clock, and trades with times, that are `seconds` ahead; below zero behind", {"seconds": 5.0}, times=()),
    "rest-lag": Kind("answers over REST as of `seconds` ago", {"seconds": 5.0}),
    "rest-429": Kind("answers 429 with Retry-After: `retry_after`", {"retry_after": 3}),
    "rest-418": Kind("answers 418 with Retry-After: `retry_after`", {"retry_after": 120}),
    "rest-error": Kind("answers with an error in the venue's way, `code` if given: HTTP 200 where the venue does so", {"code": ""}),
    "rest-down": Kind("does not answer over REST: hangs up after `seconds`", {"seconds": 0.0}),
}  # fmt: skip


@dataclass(frozen=True, slots=True, kw_only=True)
class Fault:
    """One fault. What is None is left to its kind.

    Attributes:
        kind: One of `KINDS`.
        at: When it first happens, seconds after the first subscription.
        moment_us: When it first happens on the exchange's clock, UTC epoch microseconds; instead of `at`.
        every: After how many seconds it happens again.
        lasts: How many seconds it lasts; `for` in the text form.
        p: How likely it is: for each frame, question or connection, or each time where it happens to all at once.
        symbol: The symbol it is for, any if None: `BTC-USDT`, with or without venue.
        after: Seconds; as the kind says. `seconds`, `life` and `retry_after` likewise.
        frames: Number of frames.
        ids: Number of ids.
        times: Number of answers.
        bytes: Number of bytes.
        close: Whether to close.
        code: The venue's error code.
        form: What garbage: any, text, truncated, binary, nested.
        price: 0 or nan.
    """

    kind: str
    at: float | None = None
    moment_us: int | None = None
    every: float | None = None
    lasts: float | None = None
    p: float | None = None
    symbol: str | None = None
    after: float | None = None
    seconds: float | None = None
    life: float | None = None
    retry_after: int | None = None
    frames: int | None = None
    ids: int | None = None
    times: int | None = None
    bytes: int | None = None
    close: int | None = None
    code: str | None = None
    form: str | None = None
    price: str | None = None

    def __post_init__(self) -> None:
        kind = _kind_of(self.kind)
        allowed = {*kind.times, *kind.values}
        for field in fields(self)[1:]:
            name, value = _TEXT_NAMES.get(field.name, field.name), getattr(self, field.name)
            if value is None:
                continue
            if name not in allowed:
                raise InputError(f"fault {self.kind} has no value {name!r}; it has {', '.join(sorted(allowed)) or 'none'}")
            _CHECKS[field.name](f"{self.kind}:{name}", value)
        if self.seconds is not None and self.seconds < 0 and self.kind != "clock":
            raise InputError(f"fault {self.kind}:seconds is not below zero, found {self.seconds!r}; only a clock may be behind")
        if self.at is not None and self.moment_us is not None:
            raise InputError(f"fault {self.kind} begins at one time: seconds or a moment, not both")

    def number(self, name: str) -> float:
        """Return a numeric value of the fault, or else that of its kind."""
        own = getattr(self, name)
        return float(KINDS[self.kind].values[name] if own is None else own)

    def text(self, name: str) -> str:
        """Return a textual value of the fault, or else that of its kind."""
        own = getattr(self, name)
        return str(KINDS[self.kind].values[name] if own is None else own)


_TEXT_NAMES = {"lasts": "for", "moment_us": "at"}


def parse_fault(text: str) -> Fault:
    """Return the fault of a text as `drop:every=30,for=5` or `hole:at=2024-08-09T00:01:00,frames=3`.

    Raises:
        InputError: If the text is none; it says what would be.
    """
    kind, _, rest = text.strip().partition(":")
    _kind_of(kind)
    values: dict[str, Any] = {}
    said: set[str] = set()
    for part in (part for part in rest.split(",") if part.strip()):
        name, equals, value = (piece.strip() for piece in part.partition("="))
        if not (equals and value):
            raise InputError(f"fault {text!r}: expected key=value, found {part.strip()!r}; for example {_example(kind)}")
        if name in said:
            raise InputError(f"fault {text!r} says {name!r} twice")
        said.add(name)
        values |= _value_of(text, kind, name, value)
    return Fault(kind=kind, **values)


def _value_of(text: str, kind: str, name: str, value: str) -> dict[str, Any]:
    allowed = [*KINDS[kind].times, *KINDS[kind].values]
    if name not in allowed:
        known = ", ".join(sorted(allowed)) or "none"
        raise InputError(f"fault {text!r}: {kind} has no value {name!r}; it has {known}{did_you_mean(name, allowed)}")
    if name == "at" and not _is_number(value):
        try:
            return {"moment_us": parse_time(value)}
        except TimeError:
            raise InputError(f"fault {text!r}: at is seconds or a moment as 2024-08-09T00:01:00, found {value!r}") from None
    if name in _TEXTS:
        return {name: value}
    if not _is_number(value):
        raise InputError(f"fault {text!r}: {name} is a number, found {value!r}")
    number = float(value)
    return {"lasts" if name == "for" else name: int(number) if number.is_integer() else number}


def _kind_of(name: str) -> Kind:
    if name not in KINDS:
        raise InputError(f"fault {name!r} is not one of {', '.join(KINDS)}{did_you_mean(name, list(KINDS))}")
    return KINDS[name]


def _example(kind: str) -> str:
    values = [f"{name}={value}" for name, value in KINDS[kind].values.items() if value != ""]
    return f"{kind}:{','.join(['at=10'] * ('at' in KINDS[kind].times) + values)}"


def _is_number(text: str) -> bool:
    try:
        return isfinite(float(text))
    except ValueError:
        return False


_TEXTS = {"symbol", "code", "form", "price"}


def _between(least: float, most: float, *, whole: bool = False) -> Callable[[str, float], None]:
    def check(name: str, value: float) -> None:
        if not (least <= value <= most) or (whole and value != int(value)):
            what = "a whole number" if whole else "a number"
            raise InputError(f"fault {name} is {what} from {least:g} to {most:g}, found {value!r}")

    return check


def _one_of(*words: str) -> Callable[[str, str], None]:
    def check(name: str, value: str) -> None:
        if value not in words:
            raise InputError(f"fault {name} is one of {', '.join(words)}, found {value!r}{did_you_mean(value, list(words))}")

    return check


def _anything(name: str, value: object) -> None:
    """Accept it."""


_DAY = 86_400.0
_CHECKS: Mapping[str, Callable[[str, Any], None]] = {
    "at": _between(0, 365 * _DAY), "moment_us": _between(0, 2**62), "every": _between(0.01, _DAY), "lasts": _between(0, _DAY),
    "p": _between(0, 1), "after": _between(0, _DAY), "seconds": _between(-_DAY, _DAY), "life": _between(0.01, 7 * _DAY),
    "retry_after": _between(0, 7 * _DAY, whole=True), "frames": _between(1, 1_000_000, whole=True),
    "ids": _between(1, 2**40, whole=True), "times": _between(1, 1_000_000, whole=True), "bytes": _between(1, 2**30, whole=True),
    "close": _between(0, 1, whole=True), "symbol": _anything, "code": _anything, "form": _one_of(*_FORMS),
    "price": _one_of(*_PRICES),
}  # fmt: skip
