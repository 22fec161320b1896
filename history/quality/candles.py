"""The suite for candles: all rules on the rows of one symbol and width, in pieces of half a year of minutes."""

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import numpy as np

from db.operations import DatabaseOperations
from db.series import CandleSeries
from db.wider import ROLLUPS, relation_of
from history.backfill.plan import whole_spans
from history.quality import wider
from history.quality.columns import Before, table_of
from history.quality.expectations import Judge
from history.quality.holes import Missing, covers_of, explained_ids, joined, missing_in, spans_in, without
from history.quality.order import Order
from history.quality.rules import CANDLE_RULES, FRESH, SCHEMA, SPACING, WIDER
from history.quality.tally import Tally
from market.clock import isoformat
from market.timeframe import BASE, SECOND_US, Timeframe
from market.window import Window

if TYPE_CHECKING:
    import pandas as pd

PIECE_ROWS = 26 * 7 * 1440
"""Rows that are looked at in one go: half a year of minutes; docs/decisions/0006-… has the figures."""


_MOST_CHANGES = 100


class Judges:
    """The rules as they are needed, each set made once: for any number of symbols."""

    def __init__(self) -> None:
        self.candles, self.schema = Judge(CANDLE_RULES), Judge([SCHEMA])
        self.spacing, self.fresh, self.wider = Judge([SPACING]), Judge([FRESH]), Judge([WIDER])


def check_schema(db: DatabaseOperations, judge: Judge, table: str, tally: Tally) -> bool:
    """Hold a table of the database against what this program made; return whether its rows can be read."""
    import pandas as pd  # noqa: PLC0415 - not for the path of the data

    parts = db.quality.schema(table)
    tally.judge(judge, [SCHEMA], pd.DataFrame(list(parts)))
    columns = [part for part in parts if part["expected"] != "absent" and part["item"] != "primary key"]
    return all(_kind(part["expected"]) == _kind(part["found"]) for part in columns)


def _kind(told: str) -> str:
    return told.removesuffix(" not null")


class CandleCheck:
    """Checks the candles of one symbol and width.

    Args:
        db: The store.
        judges: The rules.
        order: What is wanted.
        symbol: Of which symbol.
        stored: From where the first stored row opens to where the last one closes.
        window: What is checked of it: whole spans.

    Attributes:
        tally: What was found.
        missing: What has no candle and no explanation.
    """

    def __init__(self, db: DatabaseOperations, judges: Judges, order: Order, symbol: str, stored: Window, window: Window) -> None:
        self.tally, self.missing = Tally(), list[Missing]()
        self.symbol, self.window = symbol, window
        self._db, self._judges, self._order, self._stored = db, judges, order, stored
        self._gone: list[Missing] = []
        self._stored_wider: list[Timeframe] = []
        self._unreadable: list[Timeframe] = []

    @property
    def timeframe(self) -> Timeframe:
        """Width of the candles."""
        return self._order.timeframe

    def run(self, now_us: int) -> None:
        """Check all but what the venue says.

        Args:
            now_us: The present, UTC epoch microseconds.
        """
        import pandas as pd  # noqa: PLC0415

        if not check_schema(self._db, self._judges.schema, "market_data", self.tally):
            for rule in (*CANDLE_RULES, SPACING, FRESH, WIDER):
                self.tally.skip(rule, "the rows cannot be read, see schema")
            return
        kept_until_us = self._kept_until()
        before: Before | None = None
        compared: list[pd.DataFrame] = []
        explained = explained_ids(self._db.gaps.list(self.symbol))
        past = Window(min(self.window.start_us, now_us), self.timeframe.open_of(now_us))
        for piece in self._pieces(now_us):
            series = self._db.quality.candles(self.symbol, self.timeframe, piece.start_us, piece.end_us)
            self._gone += missing_in(series, _shared(piece, past), self.timeframe.width_us)
            table, before = table_of(series, before, explained)
            if len(series):
                self.tally.rows += len(series)
                self.tally.judge(self._judges.candles, CANDLE_RULES, table)
            del table
            compared += self._compared(series, piece, kept_until_us)
        self._check_spacing()
        self._check_fresh(now_us)
        if compared:  # all at once: each validation has a price of its own
            self.tally.judge(self._judges.wider, [WIDER], pd.concat(compared, ignore_index=True))
        elif kept_until_us is not None:
            self.tally.skip(
                WIDER, "no wider candle is stored of this time, or all that are changed since the rollups were refreshed"
            )

    def _pieces(self, now_us: int) -> Iterator[Window]:
        """Yield the window in pieces that begin and end where weeks do: no wider candle lies in two of them.

        What lies in the future, be it thousands of years away, is one piece.
        """
        weeks = max(1, PIECE_ROWS * self.timeframe.width_us // Timeframe.W1.width_us)
        start_us, end_us = Timeframe.W1.open_of(self.window.start_us), Timeframe.W1.close_of(self.window.end_us - 1)
        edge_us = max(start_us, min(end_us, Timeframe.W1.close_of(now_us)))
        for piece in (*Window(start_us, edge_us).split(weeks * Timeframe.W1.width_us), Window(edge_us, end_us)):
            if piece.width_us:
                yield _shared(piece, self.window)

    # -- every span ----------------------------------------------------------------------------------------------

    def _check_spacing(self) -> None:
        import pandas as pd  # noqa: PLC0415

        db, width_us = self._db, self.timeframe.width_us
        gone = joined(self._gone)
        covers = [
            gap
            for state in ("open", "unrecoverable")
            for gap in db.gaps.list(self.symbol, state, start_us=self.window.start_us, end_us=self.window.end_us)
        ]
        in_no_hole = without(gone, covers_of(covers, self.timeframe))
        self.missing = without(in_no_hole, db.backfills.spans(self.symbol, self.timeframe))
        left = {each.window.start_us: each for each in self.missing}
        observed = {
            "expected": self.window.width_us // width_us,
            "missing": spans_in((each.window for each in gone), width_us),
            "in_holes": spans_in((each.window for each in gone), width_us)
            - spans_in((each.window for each in in_no_hole), width_us),
            "unexplained": spans_in((each.window for each in self.missing), width_us),
            "windows": len(left),
        }
        observed["venue_has_none"] = observed["missing"] - observed["in_holes"] - observed["unexplained"]
        rows = [
            {"start": each.window.start_us, "end": each.window.end_us, "unexplained": each.window.width_us // width_us}
            for each in self.missing
        ]
        if rows:
            self.tally.judge(self._judges.spacing, [SPACING], pd.DataFrame(rows))
        self.tally.note(SPACING, observed=observed)

    def _check_fresh(self, now_us: int) -> None:
        import pandas as pd  # noqa: PLC0415

        if self._order.end_us is not None and self._order.end_us < now_us:
            self.tally.skip(FRESH, "what was asked for ends in the past")
            return
        age = (now_us - self._stored.end_us) / SECOND_US
        newest = isoformat(self._stored.end_us)
        followed = any(feed.symbol == self.symbol and feed.state != "down" for feed in self._db.feeds.list())
        if not followed and age >= 0:
            self.tally.skip(FRESH, f"no worker follows the symbol; its newest candle is of {newest}")
            return
        limit = (self.timeframe.width_us + self._order.fresh_us) / SECOND_US
        row = {"timestamp": self._stored.end_us, "age_seconds": age, "limit_seconds": limit}
        self.tally.judge(self._judges.fresh, [FRESH], pd.DataFrame([row]))
        self.tally.note(FRESH, observed={"newest": newest, "age_seconds": round(age, 3), "limit_seconds": limit})

    # -- wider ones ----------------------------------------------------------------------------------------------

    def _kept_until(self) -> int | None:
        """Return up to where the rollups are made; None where there is nothing to compare."""
        if self.timeframe is not BASE:
            self.tally.skip(WIDER, f"wider candles are made of {BASE} ones, and held against them in the check of these")
            return None
        with self._db.transaction() as store:
            until_us = store.rollups.until_us(self.symbol)
            self._stored_wider = [each for each in store.market_data.stored_timeframes(self.symbol) if each in ROLLUPS]
            self._unreadable = [each for each in ROLLUPS if not store.quality.is_kept(each)]
        if self._unreadable:
            rows = [{"timeframe": str(each), "stored": f"{relation_of(each)} is not as it was made"} for each in self._unreadable]
            self.tally.note(WIDER, len(rows), rows)
        if until_us is None and not self._stored_wider:
            self.tally.skip(WIDER, "no wider candles are stored; the rollups were not refreshed yet")
            return None
        return until_us or self.window.start_us

    def _compared(self, series: CandleSeries, piece: Window, kept_until_us: int | None) -> "list[pd.DataFrame]":
        """Return a row for each wider candle of a piece that was compared."""
        if kept_until_us is None or not len(series):
            return []
        minutes: wider.Columns = {name: series.columns[name] for name in ("timestamp", *wider.COMPARED)}
        minutes["minutes"] = np.ones(len(series), np.int64)
        return [
            table
            for width, made in wider.chain(minutes, BASE, ROLLUPS)
            for table in (self._kept(width, made, piece, kept_until_us), self._imported(width, made, piece))
            if len(table)
        ]

    def _kept(self, width: Timeframe, made: wider.Columns, piece: Window, until_us: int) -> "pd.DataFrame":
        """Compare what the rollups keep, but for what they note as changed since."""
        if width in self._unreadable:
            return _no_table()
        span = self._whole(width, Window(piece.start_us, max(piece.start_us, min(piece.end_us, width.open_of(until_us)))))
        if not span.width_us:
            return _no_table()
        with self._db.transaction() as store:
            changes = store.rollups.changes(self.symbol, span.start_us, span.end_us)
            stored = store.quality.kept(self.symbol, width, span.start_us, span.end_us)
        stamps = made["timestamp"]
        made = {name: column[(stamps > span.start_us) & (stamps <= span.end_us)] for name, column in made.items()}
        changed = [Window(change.after_us, change.until_us) for change in changes]
        if len(changed) > _MOST_CHANGES:  # in the order of time
            changed = [Window(changed[0].start_us, max(change.end_us for change in changed))]
        for change in changed:
            first_us, last_us = width.open_of(change.start_us), width.close_of(change.end_us - 1)
            stored = stored.take((stored.columns["timestamp"] <= first_us) | (stored.columns["timestamp"] > last_us))
            made = {name: column[(made["timestamp"] <= first_us) | (made["timestamp"] > last_us)] for name, column in made.items()}
        return _told(width, stored, made, both_ways=True)

    def _imported(self, width: Timeframe, made: wider.Columns, piece: Window) -> "pd.DataFrame":
        """Compare wider rows that came from a venue or a file, where all minutes are stored."""
        if width not in self._stored_wider:
            return _no_table()
        whole = made["minutes"] == width.width_us // BASE.width_us
        stored = self._db.quality.candles(self.symbol, width, piece.start_us, piece.end_us)
        return _told(width, stored, {name: column[whole] for name, column in made.items()}, both_ways=False)

    def _whole(self, width: Timeframe, span: Window) -> Window:
        # A bucket that began before what is looked at is whole only if nothing is stored before.
        if span.start_us <= self._stored.start_us:
            start_us = width.open_of(span.start_us)
            return Window(start_us, max(start_us, width.open_of(span.end_us)))
        return whole_spans(width, span.start_us, max(span.start_us, span.end_us))


def _told(width: Timeframe, stored: CandleSeries, made: wider.Columns, *, both_ways: bool) -> "pd.DataFrame":
    import pandas as pd  # noqa: PLC0415

    found: dict[str, Any] = dict(wider.differing(stored, made, both_ways=both_ways))
    table = pd.DataFrame(found).assign(timeframe=str(width), stored="", made="")
    for row in np.flatnonzero(found["differs"])[:20].tolist():
        label = int(found["timestamp"][row])
        table.loc[row, ["stored", "made"]] = [
            wider.shown(columns, label, all_of_it=both_ways) for columns in (stored.columns, made)
        ]
    return table


def _no_table() -> "pd.DataFrame":
    import pandas as pd  # noqa: PLC0415

    return pd.DataFrame()


def _shared(one: Window, other: Window) -> Window:
    start_us = max(one.start_us, other.start_us)
    return Window(start_us, max(start_us, min(one.end_us, other.end_us)))
