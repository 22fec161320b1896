"""What bots do, told on Redis: to whoever listens, and as the newest state; nothing waits for it, and nothing depends on it."""

import logging
import threading
from collections import deque
from contextlib import suppress

from db.bus import BOT_KEY, BOT_SIGNALS_CHANNEL, BOT_STATUS_CHANNEL, Bus
from market.errors import StoreUnreachable

logger = logging.getLogger(__name__)

_MOST, _AT_ONCE = 20_000, 500
_PAUSE_SECONDS = 5.0
LIFETIME_SECONDS = 15


class Teller:
    """Sends messages from a thread of its own; while Redis is away they are dropped, the oldest first where there are too many.

    Args:
        url: Of Redis; None tells nobody.
    """

    def __init__(self, url: str | None) -> None:
        self._bus = None if url is None else Bus(url)
        self._messages: deque[tuple[str, object]] = deque(maxlen=_MOST)
        self._states: dict[str, dict[str, object]] = {}
        self._some, self._ends = threading.Event(), threading.Event()
        self._thread = threading.Thread(target=self._run, name="telling", daemon=True)
        if self._bus is not None:
            self._thread.start()

    def signal(self, bot: str, message: dict[str, object]) -> None:
        """Tell what a strategy said, or what was executed."""
        self._messages.append((BOT_SIGNALS_CHANNEL.format(bot_id=bot), message))
        self._some.set()

    def state(self, bot: str, state: dict[str, object]) -> None:
        """Tell what a bot does, and keep it as the newest."""
        self._messages.append((BOT_STATUS_CHANNEL.format(bot_id=bot), state))
        self._states[bot] = state
        self._some.set()

    def close(self) -> None:
        """Send what waits, and end."""
        self._ends.set()
        self._some.set()
        if self._bus is not None:
            self._thread.join(timeout=5.0)
            self._bus.close()

    def _run(self) -> None:
        while not self._ends.is_set():
            self._some.wait()
            self._some.clear()
            try:
                self._send()
            except StoreUnreachable as error:
                logger.warning("not told reason=%s", error)
                self._ends.wait(_PAUSE_SECONDS)
        with suppress(StoreUnreachable):
            self._send()

    def _send(self) -> None:
        assert self._bus is not None
        while self._messages or self._states:
            messages = [self._messages.popleft() for _ in range(min(_AT_ONCE, len(self._messages)))]
            states = {BOT_KEY.format(bot_id=bot): self._states.pop(bot) for bot in list(self._states)[:_AT_ONCE]}
            self._bus.tell(messages, states, lifetime_seconds=LIFETIME_SECONDS)
