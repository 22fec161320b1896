"""What the exchange does to its clients, as values: whoever drives it, sockets or a simulation, carries them out in order."""

from collections.abc import Sequence

import msgspec

from replay.answer import Answer


class Send(msgspec.Struct, frozen=True):
    """Send frames, in one go: text, or binary where it says so."""

    client: int
    frames: Sequence[bytes]
    binary: bool = False


class Ping(msgspec.Struct, frozen=True):
    """Send a websocket ping; the pong is told to `ExchangeCore.ponged`."""

    client: int


class Close(msgspec.Struct, frozen=True):
    """Close as the protocol wants it, with a code and a reason."""

    client: int
    code: int
    reason: str


class Cut(msgspec.Struct, frozen=True):
    """End the connection at once and without a word; what waits for the client is lost."""

    client: int


class HangUp(msgspec.Struct, frozen=True):
    """End the TCP connection in good order, but without the websocket's closing frame."""

    client: int


class Freeze(msgspec.Struct, frozen=True):
    """Read and write nothing any more, pongs neither; the connection stays open, as behind a broken network."""

    client: int


Ending = Close | Cut | HangUp
Deed = Send | Ping | Ending | Freeze


class Reply(msgspec.Struct, frozen=True):
    """What comes back over HTTP.

    Attributes:
        answer: What to answer; None to hang up without an answer.
        delay_seconds: How long to wait before it.
    """

    answer: Answer | None
    delay_seconds: float = 0.0
