"""Every error the program raises on purpose.

PlatformError
├── InputError              what a person typed or configured
│   ├── SymbolError
│   ├── TimeframeError
│   ├── TimeError
│   └── TapeError
├── WireError               what a venue sent
├── VenueError              what a venue answered: a refusal, a limit, an outage
│   └── VenueUnreachable
└── StoreError              PostgreSQL or Redis, as seen from the outside
    ├── StoreUnreachable
    │   └── StoreBusy       it is there, and cannot do it just now
    ├── SchemaError
    └── ServerError         an embedded server that does not start
"""

from difflib import get_close_matches


class PlatformError(Exception):
    """Base of all errors raised on purpose; its text is fit for a person."""


class InputError(PlatformError):
    """Raised when a person gave something that cannot be used."""

    def __init__(self, message: str) -> None:
        super().__init__(message)
        self.message = message

    def __str__(self) -> str:
        return self.message


class SymbolError(InputError):
    """Raised when a text is not `EXCHANGE:BASE-QUOTE`, or names another venue than the one that is meant."""

    def __init__(self, text: str, meant: str | None = None) -> None:
        wrong = "is not EXCHANGE:BASE-QUOTE in upper case, for example OKX:BTC-USDT"
        if meant is not None:
            wrong = f"is of another venue than {meant}; --exchange chooses the venue"
        super().__init__(f"symbol {text!r} {wrong}")
        self.text = text


class TimeframeError(InputError):
    """Raised when a text is not one of the known timeframes."""

    def __init__(self, text: str, known: list[str]) -> None:
        super().__init__(f"timeframe {text!r} is not one of {', '.join(known)}{did_you_mean(text, known)}")
        self.text = text


class TimeError(InputError):
    """Raised when a text is not a moment."""

    def __init__(self, text: str) -> None:
        wrong = f"time {text!r} is not ISO 8601 (2024-08-09, 2024-08-09T23:55:00Z) or epoch seconds; UTC is assumed"
        super().__init__(f"{wrong}{_in_seconds(text)}")
        self.text = text


class TapeError(InputError):
    """Raised when a tape cannot be read or played."""


class WireError(PlatformError):
    """Raised when a venue sends something its documentation does not."""

    def __init__(self, venue: str, frame: bytes | str) -> None:
        super().__init__(venue, frame)
        self.venue, self.frame = venue, frame

    def __str__(self) -> str:
        return f"{self.venue} sent an unexpected frame: {self.frame[:120]!r}"


class VenueError(PlatformError):
    """Raised when a venue answers with a refusal.

    Attributes:
        retry_after_seconds: How long the venue asked to be left alone; None when it did not say.
        transient: Whether the same request may succeed later.
    """

    def __init__(self, venue: str, message: str, *, transient: bool, retry_after_seconds: float | None = None) -> None:
        super().__init__(venue, message)
        self.venue, self.message = venue, message
        self.transient, self.retry_after_seconds = transient, retry_after_seconds

    def __str__(self) -> str:
        return f"{self.venue} refused: {self.message}"


class VenueUnreachable(VenueError):
    """Raised when a venue does not answer at all."""

    def __init__(self, venue: str, url: str, reason: str) -> None:
        super().__init__(venue, reason, transient=True)
        self.url = url

    def __str__(self) -> str:
        return f"{self.venue} cannot be reached at {self.url} ({self.message}); check the network and the address in the settings"


class StoreError(PlatformError):
    """Raised when PostgreSQL or Redis refuses or is wrong for this program."""

    def __init__(self, message: str) -> None:
        super().__init__(message)
        self.message = message

    def __str__(self) -> str:
        return self.message


class StoreUnreachable(StoreError):
    """Raised when PostgreSQL or Redis does not answer."""


class StoreBusy(StoreUnreachable):
    """Raised when PostgreSQL gave something up, or has no connection left: it is there, and others may be served meanwhile."""


class SchemaError(StoreError):
    """Raised when the schema of the database is not the one this program needs."""


class ServerError(StoreError):
    """Raised when an embedded server does not start."""


def did_you_mean(text: str, known: list[str]) -> str:
    """Return `; did you mean 'x'?` when one of the known words is close to the text, else nothing."""
    close = get_close_matches(text, known, n=1, cutoff=0.5)
    return f"; did you mean {close[0]!r}?" if close else ""


def _in_seconds(text: str) -> str:
    """Return which epoch seconds are meant by digits that look like a smaller unit, else nothing."""
    digits = text.strip().partition(".")[0]
    for unit, more in (("milliseconds", 3), ("microseconds", 6), ("nanoseconds", 9)):
        if digits.isascii() and digits.isdecimal() and len(digits) - more in (9, 10):
            return f"; it looks like {unit}, did you mean {digits[:-more]!r}?"
    return ""
