"""Fills holes over REST, beside the live path: newest first, as fast as the venue's limits allow, until each has ended."""

import asyncio
import logging
import random
from collections.abc import Awaitable, Callable
from typing import Any

import msgspec

from exchanges.base import DataProvider
from exchanges.rest import HistoryClient
from market.clock import monotonic
from market.continuity import Ids
from market.errors import StoreUnreachable, VenueError, WireError
from market.timeframe import SECOND_US
from market.trade import Trade
from market.window import Window
from streaming.batch import Batch, Rebuild
from streaming.ledger import State
from streaming.open_hole import OpenHole
from streaming.pipeline import Pipeline
from streaming.venue_clock import VenueClock

logger = logging.getLogger(__name__)

_FIRST_WAIT, _LONGEST_WAIT = 0.5, 60.0
_REFUSED_WAIT, _MOST_REFUSALS = 10.0, 8
_CONFIRM_AFTER = 5.0
_MARGIN = 20
_SLACK_US = 3_600 * SECOND_US
_EMPTY_PAGES, _MOST_ROUNDS = 3, 8
_PIECE_PAGES = 5
_MOST_SHORT = 5

IdsOf = Callable[[str, Window], Awaitable[Ids | None]]


class _Case(msgspec.Struct):
    # One hole under treatment; all of it is lost with the process, and found out anew by the next one.
    due_at: float = 0.0
    failures: int = 0
    refusals: int = 0
    short: int = 0
    calls: int = 0
    rounds: int = 0  # over all of it, one after the other, that brought nothing
    cursor: int = 0
    got: bool = False
    absent: dict[Ids, list[dict[str, Any]]] = msgspec.field(default_factory=dict)


class Healer:
    """Heals the open holes of a pipeline.

    A hole ends as filled; as never existed, when the venue returned ids on both sides of what is missing and nothing between,
    and did so again later over a wider range; or as unrecoverable, when it is older than the venue's history or the venue
    refuses for good.

    Args:
        provider: The venue.
        history: Its REST interface, which keeps its limits.
        pipeline: Whose holes they are.
        emit: Takes what came of them, as it takes what comes of the feed.
        clock: The venue's time, as far as it is known.
        ids_of: Returns the ids of some minutes, where raw trades are not kept; None where they are.
        rng: Where the jitter comes from.
    """

    def __init__(
        self,
        provider: DataProvider,
        history: HistoryClient,
        pipeline: Pipeline,
        emit: Callable[[Batch], Awaitable[None]],
        *,
        clock: VenueClock,
        ids_of: IdsOf | None = None,
        rng: random.Random | None = None,
    ) -> None:
        self._provider, self._history, self._pipeline, self._emit = provider, history, pipeline, emit
        self._clock, self._ids_of = clock, ids_of
        self._rng = rng or random.Random()  # noqa: S311 - jitter, not a secret
        self._cases: dict[OpenHole, _Case] = {}
        self._whole: list[tuple[str, Window, _Case]] = []
        self._some = asyncio.Event()

    def wake(self) -> None:
        """Look for holes that are new."""
        self._some.set()

    def fetch_whole(self, symbol: str, window: Window) -> None:
        """Fetch minutes whose trades are not stored any more, and make them anew."""
        if self._ids_of is not None:
            self._whole.append((symbol, window, _Case()))
            self.wake()

    async def run(self) -> None:
        """Heal what there is and what comes, for ever."""
        while True:
            wait = await self.once()
            self._some.clear()
            try:
                async with asyncio.timeout(wait):
                    await self._some.wait()
            except TimeoutError:
                continue

    async def once(self) -> float | None:
        """Treat all holes that are due; return the seconds until the next one is, None when there is none."""
        while True:
            await self._make_some_whole()
            now = monotonic()
            newest = self._newest_due(now)
            if newest is None:
                self._cases = {opened: self._case(opened) for opened in self._pipeline.open_holes()}
                cases = [*self._cases.values(), *(case for _, _, case in self._whole)]
                return max(0.0, min(case.due_at for case in cases) - now) if cases else None
            await self._treat(newest, self._case(newest))

    def _newest_due(self, now: float) -> OpenHole | None:
        # There may be tens of thousands, and this looks at all of them: no list, and no case for one that was never treated.
        newest, end_us, cases = None, -1, self._cases
        for opened in self._pipeline.open_holes():
            if opened.hole.end_us > end_us and ((case := cases.get(opened)) is None or case.due_at <= now):
                newest, end_us = opened, opened.hole.end_us
        return newest

    # -- one hole ------------------------------------------------------------------------------------------------

    async def _treat(self, opened: OpenHole, case: _Case) -> None:
        oldest_us = self._oldest_us()
        if opened.ids is not None and oldest_us is not None and opened.hole.end_us < oldest_us:
            reason = f"older than what {self._provider.name} returns, {self._provider.history_seconds:.0f} s"
            await self._settle(opened, case, State.UNRECOVERABLE, {"reason": reason})
        elif opened.ids is None:
            await self._tried(case, self._ask_newest(opened))
        else:
            await self._tried(case, self._ask_ids(opened, case))
        if case.refusals >= _MOST_REFUSALS and opened in self._pipeline.open_holes():
            await self._settle(opened, case, State.UNRECOVERABLE, {"reason": "the venue refuses for good"})

    async def _tried(self, case: _Case, work: Awaitable[bool]) -> None:
        # Does some work and says when to come back to it; whether it is worth trying again is the venue's codec to say.
        try:
            got_on = await work
        except VenueError as error:
            case.failures += 1
            case.refusals += not error.transient
            wait = self._wait(case.failures) if error.transient else _REFUSED_WAIT * 2**case.refusals
            case.due_at = monotonic() + max(wait, error.retry_after_seconds or 0.0)
            logger.warning("not healed venue=%s reason=%s", self._provider.name, error)
        except (WireError, StoreUnreachable) as error:
            case.failures += 1
            case.due_at = monotonic() + self._wait(case.failures)
            logger.warning("not healed venue=%s reason=%s", self._provider.name, error)
        else:
            case.failures = 0 if got_on else case.failures + 1
            case.due_at = max(case.due_at, monotonic() + (0.0 if got_on else self._wait(max(case.failures, case.rounds))))

    async def _ask_ids(self, opened: OpenHole, case: _Case) -> bool:
        """Ask for one piece, so that a newer hole need not wait for all of a long one; return whether to go on at once."""
        ahead = next(((max(a, case.cursor), b) for a, b in opened.missing if b >= case.cursor), None)
        if ahead is not None:  # else the feed brought what was left, while another hole was treated
            await self._ask_piece(opened, case, ahead)
            if any(b >= case.cursor for _, b in opened.missing):
                return True
        await self._judge(opened, case)
        got, case.cursor, case.got = case.got, 0, False
        case.rounds = 0 if got else case.rounds + 1
        return got

    async def _ask_piece(self, opened: OpenHole, case: _Case, ahead: Ids) -> None:
        before, (low, high) = opened.missing, ahead
        size = self._provider.page * _PIECE_PAGES - 2  # the neighbours come along
        piece = low, min(low + size - 1, high)
        await self._ask_range(opened, case, piece)
        if opened.missing == before and piece != ahead and await self._is_empty(opened, case, ahead):
            piece = ahead
        case.cursor = piece[1] + 1
        case.got |= opened.missing != before

    async def _ask_range(self, opened: OpenHole, case: _Case, ids: Ids) -> None:
        low, high = ids
        margin = _MARGIN if any(low <= a and b <= high for a, b in case.absent) else 1
        trades = await self._history.trades(opened.hole.symbol, max(0, low - margin), high + margin, opened.window.start_us)
        case.calls += 1
        await self._sort_in(opened, case, ids, trades)

    async def _is_empty(self, opened: OpenHole, case: _Case, ids: Ids) -> bool:
        """Return whether a wide range needs no more pieces: of one in which next to nothing exists a page or two say it all.

        Where a venue pages by time, what lies before it at the same time comes along: the more rounds, the more pages.
        """
        low, high = ids
        pages, since_us = _EMPTY_PAGES << min(case.rounds, _MOST_ROUNDS), opened.window.start_us
        trades = await self._history.some_trades(opened.hole.symbol, max(0, low - 1), high + 1, since_us, pages=pages)
        case.calls += 1
        if trades is None:
            return False
        await self._sort_in(opened, case, ids, trades)
        return True

    async def _sort_in(self, opened: OpenHole, case: _Case, ids: Ids, trades: list[Trade]) -> None:
        low, high = ids
        hole = opened.hole
        for trade in trades:  # one absurd time would make candles up to it
            if low <= trade.trade_id <= high and not hole.start_us - _SLACK_US <= trade.timestamp_us <= hole.end_us + _SLACK_US:
                raise WireError(self._provider.name, f"a trade far outside the hole it belongs to: {trade}")
        await self._take(opened, trades)
        for rest in opened.missing:
            if low <= rest[0] and rest[1] <= high:
                self._absent(rest, trades, case)

    def _absent(self, rest: Ids, trades: list[Trade], case: _Case) -> None:
        below = max((trade.trade_id for trade in trades if trade.trade_id < rest[0]), default=None)
        above = min((trade.first_id for trade in trades if trade.first_id > rest[1]), default=None)
        if below is not None and above is not None:
            case.absent.setdefault(rest, []).append(
                {"between": [below, above], "at_us": self._clock.newest_us, "rows": len(trades)}
            )
            case.due_at = monotonic() + _CONFIRM_AFTER
        elif above is not None and rest[0] > 0:
            case.short += 1  # the venue's history begins behind it, or its answer was cut

    async def _judge(self, opened: OpenHole, case: _Case) -> None:
        rest = opened.missing
        if not rest or opened not in self._pipeline.open_holes():
            return
        if all(len(case.absent.get(ids, [])) >= 2 for ids in rest):
            answers = [{"ids": list(ids), "answers": case.absent[ids][-2:]} for ids in rest]
            recovered = opened.ids.recovered if opened.ids is not None else 0
            await self._settle(opened, case, State.FILLED if recovered else State.NEVER_EXISTED, {"never_existed": answers})
        elif case.short >= _MOST_SHORT * len(rest):
            reason = "the venue returned what lies behind and nothing before: its history begins later"
            await self._settle(opened, case, State.UNRECOVERABLE, {"reason": reason})

    async def _ask_newest(self, opened: OpenHole) -> bool:
        # Without ids one page of the newest trades proves all that can be proven.
        page = await self._history.newest_trades(opened.hole.symbol)
        await self._emit(self._pipeline.recover(opened.hole.symbol, page))
        return opened not in self._pipeline.open_holes()

    async def _take(self, opened: OpenHole, trades: list[Trade]) -> None:
        symbol, hole = opened.hole.symbol, opened.hole
        forgotten = self._pipeline.lanes[symbol].builder.recent.forgotten(Window(hole.start_us, hole.end_us))
        whole = None
        if self._ids_of is not None and forgotten is not None:
            whole = await self._all_of(symbol, forgotten, self._ids_of)
        await self._emit(self._pipeline.recover(symbol, trades, whole=whole))

    # -- minutes whose trades are not kept -----------------------------------------------------------------------

    async def _make_some_whole(self) -> None:
        for entry in [entry for entry in self._whole if entry[2].due_at <= monotonic()]:
            symbol, window, case = entry
            assert self._ids_of is not None
            await self._tried(case, self._make_whole(symbol, window, self._ids_of))
            if not case.failures or case.failures >= _MOST_REFUSALS:  # done, or given up: the minute stays as it is
                self._whole.remove(entry)

    async def _make_whole(self, symbol: str, window: Window, ids_of: IdsOf) -> bool:
        trades = await self._all_of(symbol, window, ids_of)
        if trades:
            await self._emit(Batch(rebuilds=[Rebuild(symbol, window, trades)]))
        return True

    async def _all_of(self, symbol: str, window: Window, ids_of: IdsOf) -> list[Trade] | None:
        ids = await ids_of(symbol, window)
        return None if ids is None else await self._history.trades(symbol, *ids, window.start_us)

    # -- small things --------------------------------------------------------------------------------------------

    async def _settle(self, opened: OpenHole, case: _Case, state: State, evidence: dict[str, Any]) -> None:
        evidence = {**evidence, "calls": case.calls}
        logger.info("hole ended symbol=%s ids=%s state=%s", opened.hole.symbol, opened.missing, state)
        await self._emit(self._pipeline.settle(opened.hole.symbol, opened, state, evidence))

    def _case(self, opened: OpenHole) -> _Case:
        return self._cases.setdefault(opened, _Case())

    def _oldest_us(self) -> int | None:
        seconds = self._provider.history_seconds
        return None if seconds is None else self._clock.newest_us - int(seconds * SECOND_US)

    def _wait(self, failures: int) -> float:
        return float(min(_FIRST_WAIT * 2 ** min(failures, 20), _LONGEST_WAIT) * (0.5 + self._rng.random() / 2))
