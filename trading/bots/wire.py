"""What goes between the process of bots and those of strategies: questions, answers, and the socket for both."""

import socket
from collections.abc import Mapping
from typing import Any, Literal

import msgspec
import numpy as np
from numpy.typing import NDArray

from market.errors import InputError
from trading.signal import Signal

Kind = Literal["signal", "reading", "refused", "raised", "timeout", "died", "memory"]

_HEAD = 4
_LONGEST_SAID = 1 << 24
_AT_ONCE = 1 << 18


class Question(msgspec.Struct, frozen=True, kw_only=True):
    """What a strategy of a bot is asked after a candle.

    Attributes:
        bot: Whose.
        strategy: Its name.
        parameters: As the configuration gives them; values of JSON.
        symbol: `EXCHANGE:BASE-QUOTE`.
        timestamps_us: Closes of the candles that it may see, oldest first, UTC epoch microseconds, int64, shape (n,), n > 0.
        prices: Open, high, low, close and volume of each, float64, shape (n, 5).
        series: Whether the indicators after each of the candles are asked for, too.
    """

    bot: str
    strategy: str
    parameters: Mapping[str, Any]
    symbol: str
    timestamps_us: NDArray[np.int64]
    prices: NDArray[np.float64]
    series: bool = False


class Reading(msgspec.Struct, frozen=True, kw_only=True):
    """What a file of a bot says is asked for: a strategy looks at its parameters, and that is a user's code, too.

    Attributes:
        bot: Whose; of a file that nobody knows yet its path.
        data: The file, JSON in UTF-8.
        file: Its path, for what is said of it.
    """

    bot: str
    data: bytes
    file: str


class Read(msgspec.Struct, frozen=True, kw_only=True):
    """What a file of a bot says.

    Attributes:
        config: As `trading.bots.config.as_dict` gives it; None where there are problems.
        lookback: Candles that decide one target of its strategy.
        problems: Field, what was expected, what was found and a hint, each.
        id: Of the bot that a file means that cannot be used; None where nobody knows.
    """

    config: dict[str, Any] | None = None
    lookback: int = 0
    problems: list[tuple[str, str, str, str]] = []
    id: str | None = None


class Answer(msgspec.Struct, frozen=True, kw_only=True):
    """What came of a question.

    Attributes:
        bot: Whose.
        symbol: As in the question.
        timestamp_us: Close of the newest candle of the question.
        signal: Complete and acceptable; None unless the kind is `signal`.
        error: Why there is none, in words; None where there is.
        kind: `signal`; `reading`: what a file says; `refused`: what was said cannot be acted on; `raised`: an exception;
            `timeout`: no answer within the limit; `died`: the process ended over it; `memory`: it wanted more than it may have.
        seconds: How long it took.
        read: What the file says, where that was asked.
        series: Each indicator after each candle, float64, shape (n,), by name, where that was asked; NaN where it warms up.
        lookback: Candles that decide one target, where series were asked for.
    """

    bot: str
    symbol: str
    timestamp_us: int
    signal: Signal | None
    error: str | None
    kind: Kind
    seconds: float
    read: Read | None = None
    series: Mapping[str, NDArray[np.float64]] = {}
    lookback: int = 0


class Setup(msgspec.Struct, frozen=True, kw_only=True, array_like=True):
    """What a process is told first: where a user's strategies are, and whether to read them before the first question."""

    folder: str | None
    early: bool


class Asked(msgspec.Struct, frozen=True, kw_only=True, array_like=True):
    """A question on its way: `parameters` are JSON, `closes` and `prices` (column by column) the bytes of the arrays; or a file."""

    number: int
    bot: str
    strategy: str
    parameters: bytes
    symbol: str
    memory_mb: int
    closes: memoryview
    prices: memoryview
    file: str = ""
    data: bytes = b""
    series: bool = False


class Said(msgspec.Struct, kw_only=True, array_like=True):
    """An answer on its way; number 0 says that the process is ready, and one below 0 is its process id.

    Attributes:
        worn: Whether so much memory or so many threads were left in the process that another should take its place.
        guilty: Whether it was this question that left them.
    """

    number: int
    kind: Kind = "signal"
    signal: Signal | None = None
    read: Read | None = None
    error: str | None = None
    seconds: float = 0.0
    worn: bool = False
    guilty: bool = False
    series: dict[str, bytes] = {}
    lookback: int = 0


_encoder = msgspec.msgpack.Encoder()
_said = msgspec.msgpack.Decoder(Said)
setup_decoder = msgspec.msgpack.Decoder(Setup)
asked_decoder = msgspec.msgpack.Decoder(Asked)
encode = _encoder.encode


def to_read(reading: Reading, *, number: int, memory_mb: int) -> bytes:
    """Return the question what a file says as it is sent."""
    nothing = memoryview(b"")
    return encode(
        Asked(
            number=number, bot=reading.bot, strategy="", parameters=b"", symbol="", memory_mb=memory_mb, closes=nothing,
            prices=nothing, file=reading.file, data=reading.data,
        )
    )  # fmt: skip


def to_asked(question: Question, *, number: int, memory_mb: int) -> bytes:
    """Return a question as it is sent; what is changed in it later does not count.

    Raises:
        InputError: If its arrays are empty or of other shapes, or its parameters are not values of JSON.
    """
    closes = np.ascontiguousarray(question.timestamps_us, np.int64)
    prices = np.ascontiguousarray(np.asarray(question.prices, np.float64).T)
    if not len(closes) or prices.shape != (5, len(closes)):
        raise InputError(
            f"a question takes n > 0 closes and prices of shape (n, 5), found {closes.shape} and {question.prices.shape}"
        )
    try:
        parameters = msgspec.json.encode(question.parameters)
    except (TypeError, ValueError) as error:
        raise InputError(f"parameters of bot {question.bot!r} are values of JSON: {error}") from error
    return encode(
        Asked(
            number=number,
            bot=question.bot,
            strategy=question.strategy,
            parameters=parameters,
            symbol=question.symbol,
            memory_mb=memory_mb,
            closes=closes.data.cast("B"),
            prices=prices.data.cast("B"),
            series=question.series,
        )
    )


def to_series(said: Said) -> dict[str, NDArray[np.float64]]:
    """Return the indicators of an answer as arrays."""
    return {name: np.frombuffer(series[: len(series) // 8 * 8], np.float64) for name, series in said.series.items()}


class Channel:
    """The parent's end of a socket: nothing that the other process does or leaves undone makes it wait.

    What cannot be sent yet is kept; there is one question at a time under way, so it does not grow.

    Attributes:
        ended: Whether nothing will come any more: the other end is closed, or what came makes no sense.
    """

    def __init__(self, end: socket.socket) -> None:
        end.setblocking(False)
        self._end = end
        self._out, self._in = memoryview(b""), bytearray()
        self.ended = False

    def fileno(self) -> int:
        """Return the descriptor to wait for."""
        return self._end.fileno()

    @property
    def unsent(self) -> bool:
        """Whether something waits for room."""
        return bool(self._out)

    def put(self, message: bytes) -> None:
        """Send a message, or what there is room for."""
        self._out = memoryview(bytes(self._out) + len(message).to_bytes(_HEAD, "little") + message)
        self.flush()

    def flush(self) -> None:
        """Send on what waits for room."""
        try:
            while self._out:
                self._out = self._out[self._end.send(self._out) :]
        except BlockingIOError:
            return
        except OSError:  # its reader is gone; that is told by what is received
            self._out = memoryview(b"")

    def receive(self) -> list[Said]:
        """Return what came since the last time."""
        open_still = self._read()
        found = []
        while len(self._in) >= _HEAD:
            end = _HEAD + int.from_bytes(self._in[:_HEAD], "little")
            if len(self._in) < end <= _LONGEST_SAID:
                break
            try:
                found.append(_said.decode(self._in[_HEAD:end]))
            except (msgspec.MsgspecError, InputError, UnicodeDecodeError):  # also of what is cut short for its length
                open_still = False
                break
            del self._in[:end]
        self.ended = self.ended or not open_still
        return found

    def close(self) -> None:
        """Close the socket, which ends the process behind it once it reads on."""
        self._end.close()

    def _read(self) -> bool:
        """Read what there is; return whether more may come."""
        try:
            while len(self._in) <= _LONGEST_SAID:
                part = self._end.recv(_AT_ONCE)
                if not part:
                    return False
                self._in += part
        except BlockingIOError:
            return True
        except OSError:
            return False
        return True


def send(end: socket.socket, message: bytes) -> None:
    """Send a message from the process of strategies, which waits until there is room for it.

    Raises:
        OSError: If its parent is gone.
    """
    end.sendall(len(message).to_bytes(_HEAD, "little") + message)


def receive(end: socket.socket) -> bytes | None:
    """Return the next message to the process of strategies, which waits for it; None where its parent is gone."""
    head = _exactly(end, _HEAD)
    return None if head is None else _exactly(end, int.from_bytes(head, "little"))


def _exactly(end: socket.socket, length: int) -> bytes | None:
    found = bytearray(length)
    rest = memoryview(found)
    while rest:
        try:
            count = end.recv_into(rest)
        except OSError:
            return None
        if not count:
            return None
        rest = rest[count:]
    return bytes(found)
