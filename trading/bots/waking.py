"""Listens on Redis for minutes that closed, so that bots look for them at once; without Redis they look once a second."""

import threading
from collections.abc import Callable, Iterable

from db.bus import MARKET_DATA_CHANNEL, Bus

_QUIET_SECONDS = 1.0


class Waker:
    """Calls whoever wants to know, from a thread of its own, when a minute of one of his symbols was published as closed.

    Args:
        url: Of Redis.
        symbols: What is listened for; asked for again and again.
        wake: What is called.
    """

    def __init__(self, url: str, symbols: Callable[[], Iterable[str]], wake: Callable[[], None]) -> None:
        self._bus, self._symbols, self._wake = Bus(url), symbols, wake
        self._ends = threading.Event()
        self._thread = threading.Thread(target=self._run, name="waking", daemon=True)

    def start(self) -> None:
        """Begin to listen."""
        self._thread.start()

    def close(self) -> None:
        """End."""
        self._ends.set()
        self._thread.join(timeout=2 * _QUIET_SECONDS)
        self._bus.close()

    def _run(self) -> None:
        while not self._ends.is_set():
            symbols = set(self._symbols())
            if symbols:
                self._listen(symbols)
            else:
                self._ends.wait(_QUIET_SECONDS)

    def _listen(self, symbols: set[str]) -> None:
        channels = [MARKET_DATA_CHANNEL.format(symbol=symbol) for symbol in sorted(symbols)]
        for message in self._bus.subscribe(*channels, quiet_seconds=_QUIET_SECONDS):
            if self._ends.is_set() or set(self._symbols()) != symbols:
                return
            if message is None or _is_closed_minute(message.data):
                self._wake()


def _is_closed_minute(data: bytes) -> bool:
    """Return whether a message is a minute that closed; it is not taken apart, there are twenty a second of each symbol."""
    return b'"final":true' in data and b'"timeframe":"1m"' in data
