"""A fault at work: when it strikes, and chance that depends on the seed and on what it strikes, not on when it is asked."""

from collections import Counter
from hashlib import blake2b

from replay.deeds import Deed
from replay.faults.seam import Faults, Moment, Piece
from replay.faults.spec import KINDS, Fault
from replay.line import Line

_EACH_SECOND = 1.0


class Dice:
    """Chance: the same question gets the same answer, in whatever order questions come.

    Args:
        seed: Another seed is another chance.
        place: Another fault of the same kind is another chance, too.
    """

    def __init__(self, seed: int, place: int) -> None:
        self._key = f"{seed} {place}".encode()

    def draw(self, *about: bytes | int | str) -> float:
        """Return a number from 0 to below 1 for something."""
        digest = blake2b(repr(about).encode(), digest_size=8, key=self._key[:64]).digest()
        return int.from_bytes(digest, "big") / 2**64


class Schedule:
    """When a fault strikes, and whether it is on.

    Attributes:
        strike: Number of the strike that was last due, None before the first.
        begun: Whether that strike began with the last `move`.
        is_on: Whether it lasts still; a strike without an end lasts until the next one.
    """

    def __init__(self, fault: Fault, dice: Dice) -> None:
        kind = KINDS[fault.kind]
        timed = any(value is not None for value in (fault.at, fault.moment_us, fault.every))
        self._fault, self._dice = fault, dice
        # What happens to all at once draws each time whether it happens; the rest draws for each frame, question or connection.
        self._draws = kind.once is not None and fault.p is not None
        self._every = fault.every if timed else (_EACH_SECOND if self._draws else None)
        self._always = not timed and kind.once is None
        self._at = fault.at if fault.at is not None else (self._every if self._every is not None else kind.once) or 0.0
        self._lasts = kind.lasts if fault.lasts is None else fault.lasts
        self.one_shot = timed and self._lasts is None and not self._always
        self._origin: float | None = None
        self._until = 0.0
        self.strike: int | None = 0 if self._always else None
        self.begun, self.is_on = False, self._always

    def move(self, moment: Moment) -> None:
        """Take note of the time."""
        self.begun = False
        if self._always or not self._has_origin(moment):
            return
        passed = moment.now - (self._origin or 0.0)
        if passed < 0:
            return
        strike = 0 if self._every is None else int(passed / self._every)
        if strike != self.strike:
            self.strike = strike
            self.begun = not self._draws or self._dice.draw("strike", strike) < (self._fault.p or 0.0)
            if self.begun:
                began = (self._origin or 0.0) + strike * (self._every or 0.0)
                self._until = float("inf") if self._lasts is None else began + self._lasts
        self.is_on = self._until > moment.now or (self.begun and self._lasts == 0)

    def _has_origin(self, moment: Moment) -> bool:
        """Return whether it is known when the first strike is due."""
        if self._origin is None and moment.seconds is not None:
            if self._fault.moment_us is None:
                self._origin = moment.now - moment.seconds + self._at
            elif moment.market_us >= self._fault.moment_us:
                self._origin = moment.now
        return self._origin is not None


class Trouble(Faults):
    """One fault at work. It notes what it did in a counter that all faults share."""

    def __init__(self, fault: Fault, dice: Dice, strikes: Counter[str]) -> None:
        super().__init__()
        self.fault, self.dice = fault, dice
        self.schedule = Schedule(fault, dice)
        self._strikes = strikes
        self._spent: int | None = None

    def move(self, moment: Moment) -> list[Deed]:
        """Take note of the time; return what is done to open connections now."""
        self.moment = moment
        self.schedule.move(moment)
        return []

    def struck(self, count: int = 1) -> None:
        """Count what was done."""
        if count:
            self._strikes[self.fault.kind] += count

    def wants(self, *about: bytes | int | str) -> bool:
        """Return whether it strikes something: a frame, a question, a connection.

        With a time but no duration, each strike is the next one only.
        """
        schedule = self.schedule
        if not schedule.is_on or (schedule.one_shot and self._spent == schedule.strike):
            return False
        self._spent = schedule.strike
        return self.fault.p is None or self.dice.draw(*about) < self.fault.p

    def concerns(self, piece: Piece) -> bool:
        """Return whether a frame has trades, of the symbol that the fault is for."""
        mark, wanted = piece.mark, self.fault.symbol
        if mark is None:
            return False
        return not wanted or wanted.upper().rpartition(":")[2] in {mark.pair, mark.wire}

    def wants_frame(self, line: Line, piece: Piece) -> bool:
        """Return whether it strikes a frame on its way to a client."""
        return self.concerns(piece) and self.wants(line.number, piece.frame)
