"""Loads the candles of a file: all of it or nothing, in one transaction, a batch at a time."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import sqlalchemy as sa
from numpy.typing import NDArray
from psycopg2.errors import DeadlockDetected

from db.child import wait_until
from db.claims import Claims, Purpose
from db.engine import transaction
from db.series import PRICES, CandleSeries
from history.files.errors import BadRows, FileRefused
from history.files.plan import Plan
from history.files.result import MOST_GAPS, SHOWN, Difference, Loaded
from history.files.rows import Mask, Rows, columns_of, decode, rules
from history.files.source import Batch, Progress
from history.files.spacing import refuse_other_spacing, refuse_other_width
from history.files.tally import Tally
from market.clock import isoformat
from market.errors import StoreError, StoreUnreachable
from market.timeframe import BASE

if TYPE_CHECKING:
    from db.store import Store

# Of two who wait for each other PostgreSQL gives up one; the worker may write the minutes of a file in another order.
_ATTEMPTS = 3
_WAIT_SECONDS = 60.0


def load(
    engine: sa.Engine | None,
    plan: Plan,
    *,
    now_us: int,
    progress: Progress | None = None,
    wait_seconds: float = _WAIT_SECONDS,
) -> Loaded:
    """Store the candles of a file as the venue's own, and return what came of it.

    They give way to stored ones: those made of trades are worth more, and of two that came from files nobody knows which one
    is right.

    Args:
        engine: Of the database; None only reads and checks.
        plan: Of the file.
        now_us: UTC epoch microseconds; a candle that closes later is left out.
        progress: Is told how far reading is.
        wait_seconds: How long to wait for another import or backfill of the same symbol and timeframe.

    Raises:
        BadRows: If rows cannot be candles, or two of them contradict each other; nothing is stored then.
        FileRefused: If the file breaks off, or is of another timeframe.
        StoreUnreachable: If the database does not answer.
        StoreError: If another import or backfill does not end in time, or this one had to give way again and again.
    """
    told = progress or (lambda _: None)
    if engine is None:
        return _Loading(plan, None, now_us).run(told)
    with _claimed(engine, plan, wait_seconds):
        for _ in range(_ATTEMPTS):
            try:
                with transaction(engine) as store:
                    return _Loading(plan, store, now_us).run(told)
            except StoreUnreachable as error:
                cause = error.__cause__
                if not isinstance(getattr(cause, "orig", cause), DeadlockDetected):  # of a COPY it comes unwrapped
                    raise
    raise StoreError(f"{plan.file.name}: others write the same candles all the time; nothing of it is stored, import it again")


@contextmanager
def _claimed(engine: sa.Engine, plan: Plan, wait_seconds: float) -> Iterator[None]:
    """Be the only one who fills a symbol and timeframe; a COPY that waits for the rows of another is cut off after seconds."""
    claims, name = Claims(engine, Purpose.BACKFILL), f"{plan.symbol} {plan.timeframe}"
    try:
        if not wait_until(lambda: not claims.claim([name]), wait_seconds):
            raise StoreError(
                f"{plan.file.name}: {name} is being filled by another import or backfill; nothing of the file is stored, import it"
                " again when that has ended"
            )
        yield
    finally:
        claims.close()


class _Loading:
    """One file on its way."""

    def __init__(self, plan: Plan, store: "Store | None", now_us: int) -> None:
        self._plan, self._store, self._now_us = plan, store, now_us
        self._tally = Tally(plan.timeframe)
        self._result = Loaded(plan=plan, stored=None if store is None else 0)
        self._bad, self._first = 0, list[str]()

    def run(self, progress: Progress) -> Loaded:
        """Read everything; then say what it was."""
        layout, checked = self._plan.layout, False
        for batch in self._plan.source.batches(set(layout.columns.values()), progress):
            rows = decode(batch, layout, self._plan.moments, self._plan.timeframe)
            if not checked:
                refuse_other_spacing(self._plan.file, rows, self._plan.timeframe)
                checked = True
            self._take(batch, rows)
        self._finish()
        return self._result

    def _take(self, batch: Batch, rows: Rows) -> None:
        empty = rows.empty()
        forming = ~empty & (rows.opens <= self._now_us) & (rows.opens > self._now_us - self._plan.timeframe.width_us)
        bad = self._judge(batch, rows, empty | forming)
        result = self._result
        result.rows += len(rows) + len(batch.faults)
        result.empty += int(empty.sum())
        result.forming += int(forming.sum())
        if self._bad:
            return  # nothing of the file is stored; the rest is read only to name what is wrong
        keep = slice(None) if not (bad.any() or empty.any() or forming.any()) else ~(bad | empty | forming)
        columns = columns_of(rows, keep, self._plan.timeframe)
        self._tally.add(rows.opens[keep], columns, rows.places[keep])
        if self._store is not None and len(columns["timestamp"]):
            self._keep(self._store, columns)

    def _judge(self, batch: Batch, rows: Rows, left_out: Mask) -> Mask:
        """Count the bad rows, name the first of them, and return which they are."""
        bad, named = left_out.copy(), dict(batch.faults)
        for mask, say in [*self._strangers(batch), *rules(rows, self._plan.timeframe, self._now_us)]:
            fresh = np.flatnonzero(mask & ~bad)
            bad[fresh] = True
            named.update({int(rows.places[row]): say(row) for row in fresh[:SHOWN].tolist()})
        bad &= ~left_out
        self._bad += int(bad.sum()) + len(batch.faults)
        for place in sorted(named)[: SHOWN - len(self._first)]:
            self._first.append(f"{self._plan.source.word} {place:,}: {named[place]}")
        return bad

    def _strangers(self, batch: Batch) -> list[tuple[Mask, Any]]:
        """Return where a column that names the symbol or the timeframe says something else than the first row."""
        found = []
        for name in ("symbol", "timeframe"):
            at = self._plan.layout.columns.get(name)
            if at is None or not len(batch.places):
                continue
            texts, first = pc.cast(batch.columns[at], pa.string()), self._plan.source.head.rows[0][at]
            other = pc.fill_null(pc.not_equal(texts, first), True).to_numpy(zero_copy_only=False)
            found.append(
                (
                    other,
                    lambda row, texts=texts, first=first, name=name: (
                        f"{name} {str(texts[row])!r}, where the first row has {first!r}"
                    ),
                )
            )
        return found

    def _keep(self, store: "Store", columns: Mapping[str, NDArray[Any]]) -> None:
        assert self._result.stored is not None
        series = CandleSeries.of(self._plan.symbol, self._plan.timeframe, columns).newest()
        if series.timeframe is BASE:
            # What is there stays as it is, so it need not be sent: that is several times as fast.
            there = _stored(store, series)
            self._compare(there, series)
            series = series.take(~np.isin(series.columns["timestamp"], there.columns["timestamp"]))
        changed = store.market_data.upsert_series(series) if len(series) else 0
        self._result.stored += changed
        if changed < len(series):  # of minutes those that another stored meanwhile
            self._compare(_stored(store, series), series)

    def _compare(self, stored: CandleSeries, read: CandleSeries) -> None:
        """Note what the store has other numbers of."""
        stamps = read.columns["timestamp"]
        _, ours, theirs = np.intersect1d(stored.columns["timestamp"], stamps, assume_unique=True, return_indices=True)
        mine, its = stored.take(ours), read.take(theirs)
        differ = np.zeros(len(mine), np.bool_)
        for name in PRICES:
            differ |= mine.columns[name] != its.columns[name]
        self._result.different += int(differ.sum())
        for row in np.flatnonzero(differ)[: SHOWN - len(self._result.differences)].tolist():
            numbers = [tuple(float(series.columns[name][row]) for name in PRICES) for series in (mine, its)]
            self._result.differences.append(Difference(int(mine.columns["timestamp"][row]), *numbers))

    def _finish(self) -> None:
        plan, result = self._plan, self._result
        if self._bad:
            raise BadRows(plan.file, self._bad, self._first)
        repetitions = self._tally.repetitions()
        if repetitions.clashes:
            word, place = plan.source.word, self._tally.place
            told = [
                f"{word}s {place(one):,} and {place(other):,} are both of {isoformat(open_us)}, with different numbers"
                for open_us, one, other in repetitions.clashes[:SHOWN]
            ]
            raise BadRows(plan.file, len(repetitions.clashes), told)
        result.repeated, result.span = repetitions.equal, self._tally.span()
        result.candles = len(self._tally) - repetitions.equal
        if result.span is None:
            raise FileRefused(plan.file, f"holds no candle that is over, of {result.rows:,} rows")
        refuse_other_width(plan.file, self._tally.spacing_us(), plan.timeframe)
        for gap in self._tally.gaps():
            result.gap_count += 1
            result.missing += gap.width_us // plan.timeframe.width_us
            if len(result.gaps) < MOST_GAPS:
                result.gaps.append(gap)


def _stored(store: "Store", series: CandleSeries) -> CandleSeries:
    """Return what the store says of the time of a series."""
    stamps = series.columns["timestamp"]
    return store.market_data.get_series(series.symbol, series.timeframe, int(stamps[0]), int(stamps[-1]))
