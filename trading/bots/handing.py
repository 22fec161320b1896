"""A signal from outside, handed to a bot as if its strategy had said it after its candle."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from db.bot_rows import EventRow, SignalRow
from market.clock import isoformat, monotonic
from market.errors import InputError
from market.timeframe import Timeframe
from trading.bots.answers import completed, refusal
from trading.bots.bot import Bot, Gate
from trading.bots.leases import Leases
from trading.bots.wire import Answer, Question
from trading.signal import Action, Signal

if TYPE_CHECKING:
    from db.operations import DatabaseOperations

_IN_ONE = 200


@dataclass(frozen=True, slots=True, kw_only=True)
class Processed:
    """What became of a signal that a bot was handed.

    Attributes:
        acted: Whether an order came of it.
        outcome: What came of it; why nothing, where nothing did.
        signal: As it is kept; None where it was refused and there was no candle to keep it with, only an event tells of it.
    """

    acted: bool
    outcome: str
    signal: SignalRow | None


def place_of(signal: object, symbols: Sequence[str], width: Timeframe, newest_us: int) -> tuple[str, int]:
    """Return the symbol and the close of the candle that a signal is of.

    One that says no symbol of the bot counts as of the first; one that says no candle, or none that is over, as of the newest.

    Args:
        signal: Whatever was said.
        symbols: Of the bot.
        width: Its timeframe.
        newest_us: Close of the newest minute that is settled for all of them.
    """
    named, moment = getattr(signal, "symbol", ""), getattr(signal, "timestamp_us", 0)
    is_candle = isinstance(moment, int) and 0 < moment <= newest_us and width.is_close(moment)
    last_us = newest_us if width.is_close(newest_us) else width.open_of(newest_us)
    return named if named in symbols else symbols[0], moment if is_candle else last_us


class Handing:
    """Hands a bot one signal, under a lease of whoever calls.

    Args:
        db: The store.
        bot: Where it goes on.
        leases: That has it.
        gate: Whether it may enter a position.
    """

    def __init__(self, db: "DatabaseOperations", bot: Bot, leases: Leases, gate: Gate) -> None:
        self._db, self._bot, self._leases, self._gate = db, bot, leases, gate

    def hand(self, signal: Signal, symbol: str, candle_us: int) -> Processed:
        """Let the bot act on all minutes up to the candle of a signal, and there on the signal.

        Of the candles before, and of other symbols at that candle, nothing was said: they hold.

        Args:
            signal: Whatever was said.
            symbol: See `place_of`.
            candle_us: See `place_of`.

        Raises:
            InputError: If a minute is waited for, another runner has the bot by now, or somebody stopped it.
        """
        bot, width = self._bot, self._bot.plan.timeframe
        why = refusal(signal, symbol=symbol, timestamp_us=candle_us)
        if candle_us <= bot.at_us:
            known = self._kept(symbol, candle_us)
            if why is None and known is not None:
                return Processed(acted=False, outcome=f"already acted on: {known.outcome or known.action}", signal=known)
            return self._refused(
                symbol, why or f"{isoformat(candle_us)} is over: the bot acted on all up to {isoformat(bot.at_us)}"
            )
        asked = self._go_to(candle_us, lambda question: self._answer(question, signal, symbol, candle_us, why))
        row = next((each for each in asked if (each.symbol, each.timestamp_us) == (symbol, candle_us)), None)
        if row is None:
            return self._refused(
                symbol, why or f"there is no whole {width} candle of {symbol} that closed at {isoformat(candle_us)}"
            )
        return Processed(acted=row.acted, outcome=row.outcome or "nothing changes", signal=row)

    def _go_to(self, candle_us: int, answer: Callable[[Question], Answer]) -> list[SignalRow]:
        """Act on minutes up to one, and write it all; return the signals that were written."""
        bot, signals = self._bot, []
        while bot.at_us < candle_us:
            before, steps = bot.at_us, 0
            while bot.at_us < candle_us and steps < _IN_ONE:
                for question in bot.advance(1):
                    bot.answered(answer(question), self._gate)
                steps += 1
            if bot.at_us == before:
                raise InputError(
                    f"bot {bot.id} cannot go on from {isoformat(before)}: {bot.trouble or 'its next minute is missing'}"
                )
            signals += self._write()
        return signals

    def _write(self) -> list[SignalRow]:
        written = self._bot.take_written("running", "", always=True)
        if written is None:
            return []
        changes = self._leases.look(monotonic(), well=[self._bot.id])
        if (changes is not None and self._bot.id in changes.gone) or not self._db.bots.write([written]):
            raise InputError(f"bot {self._bot.id} was stopped or taken by another runner meanwhile; look at `tcpdash bots show`")
        return written.signals

    def _answer(self, question: Question, signal: Signal, symbol: str, candle_us: int, why: str | None) -> Answer:
        at_us, close = int(question.timestamps_us[-1]), float(np.asarray(question.prices)[-1, 3])
        said, error = Signal(action=Action.HOLD, confidence=0.0, reason="nothing was said of this candle"), None
        if (question.symbol, at_us) == (symbol, candle_us):
            said, error = signal, why
        whole = None if error is not None else completed(said, symbol=question.symbol, timestamp_us=at_us, close=close)
        return Answer(
            bot=self._bot.id, symbol=question.symbol, timestamp_us=at_us, signal=whole, error=error, seconds=0.0,
            kind="signal" if error is None else "refused",
        )  # fmt: skip

    def _kept(self, symbol: str, candle_us: int) -> SignalRow | None:
        found = self._db.bots.signals(self._bot.id, symbol=symbol, start_us=candle_us, end_us=candle_us + 1)
        return found[0] if found else None

    def _refused(self, symbol: str, why: str) -> Processed:
        event = EventRow(kind="refused", text=f"a signal was refused: {why}", details={"symbol": symbol}, bot=self._bot.id)
        self._db.bots.add_event(event)
        return Processed(acted=False, outcome=why, signal=None)
