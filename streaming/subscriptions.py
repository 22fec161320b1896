"""What a venue was asked to send: which symbols it refused or never acknowledged, and when they are asked for again."""

import logging
from collections.abc import Callable, Iterable, Sequence

from exchanges.base import Control, DataProvider
from market.trade import Trade

logger = logging.getLogger(__name__)

_ASK_AGAIN_SECONDS, _ASK_OTHERS_SECONDS = 60.0, 3.0
_ACKNOWLEDGED_WITHIN = 10.0
_AT_ONCE = 2
_NAMED = 10


class Subscriptions:
    """The subscriptions of one line. Moments are seconds of the monotonic clock.

    What is refused is asked for again a minute later, symbol by symbol. One bad symbol may cost a whole request (as on Coinbase),
    so those of which nothing came three seconds after it was refused are asked for one by one. A symbol waits once at most,
    however often it is refused. Where the venue says which symbol an acknowledgement is about, one of which
    neither that nor a trade came within ten seconds, while others were acknowledged, is asked for again too.

    Args:
        provider: The venue, with the symbols to follow.
        ask: Asks for some symbols on the line there is.

    Attributes:
        unserved: Why nothing comes of a symbol, by symbol: the venue refused it, or did not acknowledge it.
    """

    def __init__(self, provider: DataProvider, ask: Callable[[Sequence[str]], None]) -> None:
        self._venue, self._symbols, self._ask = provider.name, provider.symbols, ask
        self._patience = _ACKNOWLEDGED_WITHIN + provider.keep_alive.pause * len(provider.subscribe())
        self._due: dict[str, float] = {}
        self._unheard: set[str] = set()
        self._doubted: set[str] = set()
        self._judge_at: float | None = None
        self._names_symbols = self._names_none = self._is_up = False
        self.unserved: dict[str, str] = {}

    def connected(self, now: float) -> None:
        """Note a new line, on which all symbols are asked for anew."""
        self._due.clear()
        self._doubted.clear()
        self.unserved.clear()
        self._unheard, self._judge_at = set(self._symbols), now + self._patience
        self._names_symbols, self._names_none, self._is_up = False, False, True

    def disconnected(self) -> None:
        """Note that there is no line: nobody can be asked."""
        self._is_up = False

    def acknowledged(self, control: Control) -> None:
        """Take an acknowledgement."""
        if control.symbol is None:
            self._names_none = True
        else:
            self._names_symbols = True
            self._serves(control.symbol)

    def refused(self, control: Control, now: float) -> None:
        """Take a refusal."""
        logger.error("refused venue=%s code=%r message=%r", self._venue, control.code, control.message)
        if control.symbol is not None:
            self._unheard.discard(control.symbol)
            self.unserved[control.symbol] = f"the venue refused it: {control.message or control.code}"
        # One that names no symbol may be about one of many, and have cost the others their subscription.
        for symbol in [control.symbol] if control.symbol else self._symbols:
            if symbol in self._doubted:
                self._doubted.discard(symbol)
                del self._due[symbol]
            self._due.setdefault(symbol, now + _ASK_AGAIN_SECONDS)
        for symbol in self._unheard - self._due.keys():
            self._doubted.add(symbol)
            self._due[symbol] = now + _ASK_OTHERS_SECONDS

    def heard(self, trades: Iterable[Trade]) -> None:
        """Take trades of the line: who delivers need not acknowledge."""
        if self._unheard or self.unserved:
            for symbol in {trade.symbol for trade in trades}:
                self._serves(symbol)

    def tick(self, now: float) -> None:
        """Ask for the symbols that are due, the most overdue first and a few at a time: a venue counts what it is told."""
        if not self._is_up:
            return
        if self._judge_at is not None and now >= self._judge_at:
            self._judge(now)
        due = sorted((at, symbol) for symbol, at in self._due.items() if at <= now)
        for _, symbol in due[:_AT_ONCE]:
            del self._due[symbol]
            if symbol in self.unserved:  # until the venue answers; a refusal meanwhile changes nothing
                self._due[symbol] = now + _ASK_AGAIN_SECONDS
            self._doubted.discard(symbol)
            self._ask([symbol])

    def _serves(self, symbol: str) -> None:
        self._unheard.discard(symbol)
        if self.unserved.pop(symbol, None) is not None or symbol in self._doubted:
            self._doubted.discard(symbol)
            self._due.pop(symbol, None)

    def _judge(self, now: float) -> None:
        # An acknowledgement without a symbol may be about any of them.
        missing = sorted(self._unheard) if self._names_symbols and not self._names_none else []
        self._judge_at, self._unheard = None, set()
        for symbol in missing:
            self.unserved[symbol] = "not acknowledged by the venue"
            self._due.setdefault(symbol, now)
        if missing:
            named = ",".join(missing[:_NAMED])
            logger.warning("not acknowledged venue=%s count=%d symbols=%s", self._venue, len(missing), named)
