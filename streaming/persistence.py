"""What the worker writes to PostgreSQL and reads back when it starts again; called in threads."""

from collections.abc import Callable, Iterable, Sequence
from contextlib import AbstractContextManager
from itertools import takewhile

import msgspec
import psycopg2
import sqlalchemy as sa

from db.bulk import RowsExist
from db.engine import is_transient
from db.repositories.gaps import Gap
from db.store import Store
from exchanges.base import DataProvider, Instrument
from market.candle import Candle, Origin
from market.errors import StoreUnreachable
from market.rebuild import rebuild
from market.timeframe import BASE, DAY_US, MINUTE_US, Timeframe
from market.trade import Trade
from market.window import Window
from streaming.batch import Batch, Rebuild
from streaming.ledger import Cause, Hole, State
from streaming.resume import KnownHole, Resume
from streaming.rows import alarm_of, gap_of, listed_of
from streaming.switches import ALL_ON, Switches

# Times may go back a little while ids go up; a trade below the watermark may be younger than the one that set it.
_SLACK_US = 5 * MINUTE_US

# So much of a long hole is made anew at once.
_PIECE_US = 60 * MINUTE_US


class Written(msgspec.Struct):
    """What came of a batch in the store.

    Attributes:
        candles: Minutes that were made anew, and wider candles that follow revised ones; to be published.
        alarms: Trades that came twice with two payloads, the stored one first.
        short: Minutes that could not be made anew because their trades are not kept.
    """

    candles: list[Candle] = msgspec.field(default_factory=list)
    alarms: list[tuple[Trade, Trade]] = msgspec.field(default_factory=list)
    short: list[tuple[str, Window]] = msgspec.field(default_factory=list)


class Persistence:
    """The worker's side of the database.

    Args:
        begin: Opens a transaction on all repositories.
        provider: Whose trades they are.
        keep_trades: Whether raw trades are stored; without them only candles, holes and watermarks are.
        timeframes: The live ones; the minutes of the widest are read back at the start.
        switches: What a mutation check turns off.
    """

    def __init__(
        self,
        begin: Callable[[], AbstractContextManager[Store]],
        provider: DataProvider,
        *,
        keep_trades: bool = True,
        timeframes: Sequence[Timeframe] = (Timeframe.D1,),
        switches: Switches = ALL_ON,
    ) -> None:
        self._begin, self._provider, self.keep_trades, self._switches = begin, provider, keep_trades, switches
        self._begins: dict[str, int | None] = {}  # where each tape begins, as it was last noted or read
        self._wider = sorted({each for each in timeframes if each is not BASE}, key=lambda each: each.width_us)

    def write(self, batch: Batch) -> Written:
        """Store a batch in one transaction; the same batch may come again.

        Raises:
            StoreUnreachable: If waiting may help; nothing was stored.
        """
        try:
            try:
                return self._write(batch, new=True)
            except RowsExist:  # a batch whose commit was not answered, or a trade stored by someone else
                return self._write(batch, new=False)
        except (sa.exc.SQLAlchemyError, psycopg2.Error) as error:
            if is_transient(error):
                raise StoreUnreachable(str(error)) from error
            raise

    def resume(self, symbol: str) -> Resume | None:
        """Return where a symbol goes on, None when nothing of it is stored."""
        with self._begin() as store:
            mark = store.watermarks.get(symbol)
            if mark is None:
                return None
            self._begins[symbol] = mark.since_us
            candle = store.market_data.get_last_traded(symbol, BASE)
            # Without a candle all that is stored is one minute and holes behind it; the mark may stand far behind it.
            first_us = candle.open_us if candle else mark.since_us or BASE.open_of(mark.timestamp_us)
            since_us = first_us - _SLACK_US
            trades = store.raw_trades.get_trades(symbol, since_us, mark.timestamp_us + _SLACK_US) if self.keep_trades else None
            behind = store.market_data.get_series(symbol, BASE, candle.timestamp_us + 1).candles() if candle else ()
            flats = takewhile(_is_ours_and_flat, behind)
            widest = self._wider[-1] if self._wider else BASE
            minutes = store.market_data.get_series(symbol, BASE, widest.open_of(mark.timestamp_us) + 1).candles()
            return Resume(
                mark.trade_id, mark.timestamp_us, mark.since_us, candle, list(flats), trades,
                _holes(store, symbol, mark.timestamp_us), list(minutes),
            )  # fmt: skip

    def ids_of(self, symbol: str, window: Window) -> tuple[int, int] | None:
        """Return the lowest and the highest id that trades of some minutes can have, None where the candles around them have none.

        For minutes whose trades are not kept: they have to be fetched whole.
        """
        with self._begin() as store:
            before = store.market_data.get_series(symbol, BASE, window.start_us - DAY_US, window.start_us).candles()
            behind = store.market_data.get_series(symbol, BASE, window.end_us + 1, window.end_us + DAY_US).candles()
            mark = store.watermarks.get(symbol)
            last = max((each.last_trade_id for each in before if each.last_trade_id is not None), default=None)
            following = min((each.first_trade_id for each in behind if each.first_trade_id is not None), default=None)
            inside = store.market_data.get_series(symbol, BASE, window.start_us + 1, window.end_us).candles()
            own = min((each.first_trade_id for each in inside if each.first_trade_id is not None), default=None)
        first = last + 1 if last is not None else own
        if following is None and mark is not None:
            following = mark.trade_id + 1
        return None if first is None or following is None or following <= first else (first, following - 1)

    def keep_instruments(self, instruments: Sequence[Instrument]) -> None:
        """Store the venue's lines about some symbols."""
        with self._begin() as store:
            store.symbols.upsert([listed_of(instrument) for instrument in instruments])

    # -- inside --------------------------------------------------------------------------------------------------

    def _write(self, batch: Batch, *, new: bool) -> Written:
        written = Written()
        if not self._switches.atomic:
            with self._begin() as store:
                self._mark(store, batch)
        with self._begin() as store:
            if batch.trades and self.keep_trades:
                if new:
                    store.raw_trades.append(batch.trades)
                else:
                    store.raw_trades.insert_trades(batch.trades)
            self._note(store, batch, written)
            self._mark(store, batch)  # before what is made anew: it asks where the tape begins
            if batch.candles:
                store.market_data.upsert_candles(batch.candles)
            revised = [candle for candle in batch.candles if candle.revision]
            for wanted in batch.rebuilds:
                revised += self._rebuild(store, wanted, written)
            written.candles += self._wider_of(store, revised)
            for feed in batch.feeds:
                store.feeds.set(feed)
        self._begins |= {symbol: mark.since_us for symbol, mark in batch.marks.items()}
        return written

    def _mark(self, store: Store, batch: Batch) -> None:
        for symbol, mark in batch.marks.items():
            # What did not change is not said again: a backfill may have moved the begin back meanwhile.
            same = not mark.restart and mark.since_us == self._begins.get(symbol)
            put = store.watermarks.restart if mark.restart else store.watermarks.set
            put(symbol, mark.last_id, mark.last_us, None if same else mark.since_us)
        if self._provider.provable:
            for trade in _furthest(batch).values():
                store.watermarks.set(trade.symbol, trade.trade_id, trade.timestamp_us)

    def _note(self, store: Store, batch: Batch, written: Written) -> None:
        for hole in batch.holes:
            store.gaps.open(gap_of(hole))
        for step in batch.progress:
            store.gaps.progress(gap_of(step.hole, step))
        if batch.duplicates and self.keep_trades:
            written.alarms = store.raw_trades.differing(batch.duplicates)
            for stored, other in written.alarms:
                store.gaps.open(alarm_of(stored, other))

    def _rebuild(self, store: Store, wanted: Rebuild, written: Written) -> list[Candle]:
        # Piece by piece, oldest first: all trades of a long hole would not fit into memory. Each piece is stored before the
        # next one is read, which begins with the price where it ended.
        symbol, window = wanted.symbol, wanted.window
        behind = store.market_data.get_series(symbol, BASE, window.end_us + 1, window.end_us + DAY_US).candles()
        flats = list(takewhile(_is_ours_and_flat, behind))
        whole = Window(window.start_us, flats[-1].timestamp_us if flats else window.end_us)
        holes = [Window(gap.start_us, gap.end_us) for gap in _lasting(store, symbol, whole)]
        mark, given = store.watermarks.get(symbol), _by_piece(wanted)
        changed: list[Candle] = []
        for piece in window.split(_PIECE_US):
            stored = list(store.market_data.get_series(symbol, BASE, piece.start_us, piece.end_us).candles())
            last = piece.end_us == window.end_us
            rebuilt = rebuild(
                symbol, piece, self._trades_of(store, symbol, piece) if given is None else given.get(piece.start_us, []),
                stored + flats if last else stored, holes=_touching(holes, piece.start_us, whole.end_us if last else piece.end_us),
                since_us=mark.since_us if mark else None, decimals=self._provider.decimals, provable=self._provider.provable,
            )  # fmt: skip
            store.market_data.upsert_candles(rebuilt.candles)
            written.short += [(symbol, Window(label - BASE.width_us, label)) for label in rebuilt.short]
            changed += rebuilt.candles
        written.candles += changed
        return changed

    def _trades_of(self, store: Store, symbol: str, window: Window) -> list[Trade]:
        return store.raw_trades.get_trades(symbol, window.start_us, window.end_us) if self.keep_trades else []

    def _wider_of(self, store: Store, revised: Iterable[Candle]) -> list[Candle]:
        found: list[Candle] = []
        opens: dict[str, list[int]] = {}
        for candle in revised:
            opens.setdefault(candle.symbol, []).append(candle.open_us)
        for symbol, moments in opens.items():
            for wider in self._wider:
                labels = set(map(wider.close_of, moments))
                series = store.market_data.get_series(symbol, wider, min(labels), max(labels)).candles()
                found += [candle for candle in series if candle.timestamp_us in labels]
        return found


def _is_ours_and_flat(candle: Candle) -> bool:
    return not candle.trades and candle.trades is not None and candle.origin is not Origin.EXCHANGE


def _by_piece(wanted: Rebuild) -> dict[int, list[Trade]] | None:
    if wanted.trades is None:
        return None
    pieces: dict[int, list[Trade]] = {}
    for trade in wanted.trades:
        begun_us = (trade.timestamp_us - wanted.window.start_us) // _PIECE_US * _PIECE_US
        pieces.setdefault(wanted.window.start_us + begun_us, []).append(trade)
    return pieces


def _touching(holes: Iterable[Window], start_us: int, end_us: int) -> list[Window]:
    return [hole for hole in holes if hole.start_us < end_us and hole.end_us >= start_us]


def _furthest(batch: Batch) -> dict[str, Trade]:
    # The highest id, for a late trade may stand behind it; but the last one where ids started over.
    found: dict[str, Trade] = {}
    restarted = {symbol for symbol, mark in batch.marks.items() if mark.restart}
    for trade in batch.trades:
        known = found.get(trade.symbol)
        if known is None or trade.trade_id > known.trade_id or trade.symbol in restarted:
            found[trade.symbol] = trade
    return found


def _lasting(store: Store, symbol: str, window: Window | None = None) -> list[Gap]:
    start_us, end_us = (window.start_us, window.end_us - 1) if window else (None, None)
    gaps = [store.gaps.list(symbol, state, start_us=start_us, end_us=end_us) for state in (State.OPEN, State.UNRECOVERABLE)]
    return [gap for part in gaps for gap in part]


def _holes(store: Store, symbol: str, known_us: int) -> list[KnownHole]:
    # What nothing will fill matters only where minutes may still be revised.
    return [
        KnownHole(
            Hole(symbol, gap.first_id, gap.last_id, gap.start_us, gap.end_us, Cause(gap.cause)),
            State(gap.state), gap.missing, gap.recovered,
        )
        for gap in _lasting(store, symbol)
        if gap.state == State.OPEN or gap.end_us > known_us - 2 * DAY_US
    ]  # fmt: skip
