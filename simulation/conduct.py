"""Whether the workers behaved: what they noted of what they missed, what they said of their feeds, what they cost the venue."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise

from db.repositories.gaps import Gap
from market.timeframe import SECOND_US
from market.trade import Trade
from replay.small import START_US
from simulation.scenario import Scenario
from simulation.witness import Witness

# What ends lines; what loses trades; what keeps them back (a burst or a slow line is late, which looks lost; the subscription of a
# symbol that is no more is refused, and others with it); what lets numbers jump (so does a loss that an old answer denied); what
# hinders questions.
_CUTS = {
    "drop", "close-without-frame", "accept-then-drop", "freeze", "rotation", "notice", "slow-consumer", "ack-without-data",
}  # fmt: skip
_LOSES = {"hole", "hole-late", "zero-price", "reorder"}
_SILENCES = {"stall", "ack-without-data", "freeze", "slow", "burst", "delist"}
_JUMPS = _LOSES | {"never-existed", "stall", "ack-without-data", "freeze", "rest-lag", "burst", "slow"}
_BLINDS = {"rest-lag", "rest-429", "rest-418", "rest-error", "rest-down", "delist"}
_DISTURBS = _CUTS | _LOSES | _SILENCES

_PAGE = 100
_UNDER_WAY_US = 10 * SECOND_US
_STALE_WITHIN = 15.0
_BUSY_PAUSE_US = 3 * SECOND_US


@dataclass(frozen=True, slots=True, kw_only=True)
class Conduct:
    """One run's behaviour.

    Attributes:
        scenario: What was run.
        witness: What was seen of it.
        truth: All the trades there were, by symbol.
        begin: The last id of what came first, by symbol, be it in a frame or a page: before it nothing had to be noted.
        gaps: The ledger.
        strikes: How often each kind of fault struck.
        lives: Workers that were started.
        opened: Lines that the exchange accepted.
        first_us: Where the market began.
        seconds: How long it all took.
    """

    scenario: Scenario
    witness: Witness
    truth: Mapping[str, Sequence[Trade]]
    begin: Mapping[str, int]
    gaps: Sequence[Gap]
    strikes: Mapping[str, int]
    lives: int
    opened: int
    first_us: int
    seconds: float

    def wrong(self) -> Iterator[str]:
        """Yield what was wrong."""
        for symbol in self.scenario.symbols:
            if not ("delist" in self.scenario.kinds and symbol == self.scenario.symbols[-1]):
                yield from self._unnoted(symbol)
        for gap in self.gaps:
            yield from self._wrong_cause(gap)
        yield from self._stale_for_nothing()
        yield from self._never_stale()
        yield from self._too_dear()

    # -- the ledger ----------------------------------------------------------------------------------------------

    def _unnoted(self, symbol: str) -> Iterator[str]:
        """Yield what never came over a line, lies behind something that did, and is in no hole: then a hole was forgotten."""
        scenario, came = self.scenario, self.witness.delivered[symbol]
        known = symbol in (self.witness.known or ()) if scenario.died or scenario.double else True
        if scenario.venue.startswith("BYBIT") or not scenario.keep_trades or not came or not known:
            return
        noted = {
            number for gap in self.gaps if gap.symbol == symbol and gap.state != "alarm" and gap.first_id is not None
            for number in range(gap.first_id, (gap.last_id or 0) + 1)
        }  # fmt: skip
        first, last = min((number for number in came if number >= self.begin.get(symbol, 0)), default=max(came)), max(came)
        ids = [trade.trade_id for trade in self.truth[symbol] if first < trade.trade_id < last]
        missed = [number for number in ids if number not in came and number not in noted]
        if missed:
            yield f"{symbol}: came over no line and is in no hole: {missed[:8]} of {len(missed)}"

    def _wrong_cause(self, gap: Gap) -> Iterator[str]:
        if not self._may_be(gap.cause):
            yield f"a hole of a cause that there was not: {gap}"
        if self.scenario.kinds & ({"clock"} | _LOSES):
            return  # other times than the lines'; or what was lost before was put down to the next one that ended
        frozen = max((fault.lasts or 0.0 for fault in self.scenario.faults if fault.kind == "freeze"), default=0.0)
        end_us = gap.end_us + _UNDER_WAY_US + int(frozen * SECOND_US)
        if (
            gap.cause == "disconnect"
            and not self._suspects_every_line
            and not any(gap.start_us <= cut_us <= end_us for cut_us in self.witness.cuts_us)
        ):
            yield f"no line ended there: {gap}"
        if gap.cause == "crash" and not any(gap.start_us <= start_us for start_us in self.witness.starts_us):
            yield f"no worker started behind it: {gap}"

    def _may_be(self, cause: str) -> bool:
        kinds, crowded = self.scenario.kinds, self.scenario.queue < 100
        match cause:
            case "sequence":
                return bool(kinds & (_JUMPS | self._jumps_here))
            case "disconnect":
                return bool(kinds & _CUTS) or self._suspects_every_line
            case "stall":
                return crowded or bool(kinds & (_SILENCES | _LOSES | {"rest-lag"}))  # an old answer denied what was lost
            case "crash":
                return bool(self.witness.starts_us)
            case "overload":
                return crowded and bool(kinds & _CUTS)
            case "conflict":
                return "conflict" in kinds
        return False

    @property
    def _suspects_every_line(self) -> bool:
        return self.scenario.venue.startswith("BYBIT")  # also one that was renewed: no id says that nothing was missed

    @property
    def _jumps_here(self) -> set[str]:
        if self.scenario.venue == "COINBASE":
            return _SILENCES  # its heartbeats name the newest trade
        return {"garbage"} if self.scenario.venue.startswith("BYBIT") else set()  # what was in a bad frame nobody knows

    # -- states --------------------------------------------------------------------------------------------------

    def _stale_for_nothing(self) -> Iterator[str]:
        if self.scenario.kinds & (_DISTURBS | _BLINDS) or self._is_store_slow:
            return
        for event in self.witness.events:
            if event.get("state") == "stale":
                yield f"stale for nothing: {event}"

    def _never_stale(self) -> Iterator[str]:
        """Yield the busy symbols that were not called stale although the line told nothing of them for a long time."""
        scenario, began_at = self.scenario, self.witness.began_at
        stall = next((fault for fault in scenario.faults if fault.kind == "stall"), None)
        others = scenario.kinds - {"stall"}
        if stall is None or stall.at is None or began_at is None or (stall.lasts or 0.0) <= _STALE_WITHIN:
            return
        if others & (_DISTURBS | _BLINDS | {"clock"}) or self._is_store_slow or scenario.died or scenario.double:
            return
        from_us = self.first_us + int(stall.at * SECOND_US)
        to_us = from_us + int(_STALE_WITHIN * SECOND_US)
        wall_us = START_US + int(began_at * SECOND_US) - self.first_us
        for symbol in scenario.symbols:
            if not self._is_busy(symbol, from_us - 2 * _UNDER_WAY_US, to_us):
                continue
            said = [event["at_us"] - wall_us for event in self.witness.events if _is_stale(event, symbol)]
            if not any(from_us <= at_us <= to_us for at_us in said):
                yield f"{symbol}: never called stale from {from_us} to {to_us}, when nothing of it came: {said}"

    def _is_busy(self, symbol: str, start_us: int, end_us: int) -> bool:
        moments = [trade.timestamp_us for trade in self.truth[symbol] if start_us <= trade.timestamp_us < end_us]
        pauses = [later - earlier for earlier, later in pairwise([start_us, *moments, end_us])]
        return len(moments) > (end_us - start_us) / SECOND_US and max(pauses) <= _BUSY_PAUSE_US

    @property
    def _is_store_slow(self) -> bool:
        return self.scenario.queue < 100 and (self.scenario.slow_store > 0 or bool(self.scenario.away))

    # -- costs ---------------------------------------------------------------------------------------------------

    def _too_dear(self) -> Iterator[str]:
        if not self.scenario.kinds & _DISTURBS and not self._is_store_slow and self.opened > self.lives:
            yield f"{self.opened} lines were opened in {self.lives} lives, and nothing was wrong with any"
        dials = self.witness.most_dials(60.0)
        if dials > 8 + 4 * self.lives:  # waits that double, from half a second to half a minute
            yield f"{dials} lines were asked for in a minute"
        minutes, symbols = self.seconds / 60.0, len(self.scenario.symbols)
        lines = (3 + symbols) * (self.opened + self.lives)  # a new line costs the time, the list, and a look at each symbol
        pages = sum((gap.ids or 0) // (self.scenario.page or _PAGE) for gap in self.gaps)
        most = 60 + lines + 3 * minutes * symbols + 10 * len(self.gaps) + 4 * pages * self.lives  # a death asks for a piece again
        if self.witness.questions > most:
            yield f"{self.witness.questions} questions over REST, {most:.0f} are enough"
        most = 15 + 12 * self.scenario.seconds / 60.0 + 2 * lines
        if self.witness.times > most:
            yield f"asked for the time {self.witness.times} times, {most:.0f} are enough"


def _is_stale(event: Mapping[str, object], symbol: str) -> bool:
    return event.get("state") == "stale" and event.get("symbol") == symbol
