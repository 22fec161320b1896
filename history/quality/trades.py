"""The suite for trades: their ids, numbers and order, a month at a time."""

from collections.abc import Iterable, Iterator
from itertools import pairwise
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from db.operations import DatabaseOperations
from db.repositories.gaps import Gap
from history.quality.candles import check_schema
from history.quality.expectations import Judge
from history.quality.holes import Missing, explained_ids, without
from history.quality.rules import CONTIGUOUS, SCHEMA, TRADE_RULES
from history.quality.tally import Tally
from market.timeframe import DAY_US, SECOND_US
from market.window import Window

if TYPE_CHECKING:
    import pandas as pd

_PIECE_US = 30 * DAY_US
_BACKWARDS_SECONDS = 5.0  # a venue's machines print the times of neighbours; their clocks differ by less


class IdHole(NamedTuple):
    """Ids that no stored trade stands for, and the times of the trades on both sides."""

    first_id: int
    last_id: int
    start_us: int
    end_us: int


class _End(NamedTuple):
    # The trade with the highest id so far.
    trade_id: int
    timestamp_us: int


class TradeJudges:
    """The rules on trades, each set made once: for any number of symbols."""

    def __init__(self) -> None:
        self.trades, self.contiguous, self.schema = Judge(TRADE_RULES), Judge([CONTIGUOUS]), Judge([SCHEMA])


class TradeCheck:
    """Checks the trades of one symbol.

    Args:
        db: The store.
        judges: The rules.
        symbol: Of which symbol.
        window: What is checked: [start, end) of their times.
        now_us: The present, UTC epoch microseconds.
        provable: Whether its ids rise by one, so that a jump is a hole.

    Attributes:
        tally: What was found.
        missing: Ids that are missing without an explanation; empty where ids prove nothing.
    """

    def __init__(
        self, db: DatabaseOperations, judges: TradeJudges, symbol: str, window: Window, *, now_us: int, provable: bool
    ) -> None:
        self.tally, self.missing = Tally(), list[IdHole]()
        self.symbol, self.window = symbol, window
        self._db, self._judges, self._now_us, self._provable = db, judges, now_us, provable
        self._holes: list[IdHole] = []
        self._late: list[Window] = []

    def run(self) -> None:
        """Check all."""
        if not check_schema(self._db, self._judges.schema, "raw_trades", self.tally):
            for rule in (*TRADE_RULES, CONTIGUOUS):
                self.tally.skip(rule, "the rows cannot be read, see schema")
            return
        gaps = self._db.gaps.list(self.symbol)
        restarts = {gap.end_us for gap in gaps if gap.cause == "reset"}
        end: _End | None = None
        for piece in self._pieces(restarts):
            end = None if piece.start_us in restarts else end
            columns = self._db.quality.trades(self.symbol, piece.start_us, piece.end_us)
            if len(columns["trade_id"]):
                self.tally.rows += len(columns["trade_id"])
                table, end = self._table(columns, end)
                self.tally.judge(self._judges.trades, TRADE_RULES, table)
        self._check_contiguous(gaps)

    def _pieces(self, restarts: Iterable[int]) -> Iterator[Window]:
        """Yield the window in pieces; where the venue's ids started over one ends."""
        inside = sorted(moment for moment in restarts if self.window.start_us < moment < self.window.end_us)
        edges = [self.window.start_us, *inside, self.window.end_us]
        for start_us, end_us in pairwise(edges):
            yield from Window(start_us, end_us).split(_PIECE_US)

    def _table(self, columns: dict[str, NDArray[Any]], end: _End | None) -> "tuple[pd.DataFrame, _End | None]":
        import pandas as pd  # noqa: PLC0415 - not for the path of the data

        order = np.argsort(columns["trade_id"], kind="stable")
        rows = {name: column[order] for name, column in columns.items()}
        size = len(order)
        ids, stamps = rows["trade_id"], rows["timestamp"]
        if self._provable:
            repeated = self._follow(rows, end)
            earlier = np.concatenate([[stamps[0] if end is None else end.timestamp_us], stamps[:-1]])
            backwards = np.maximum(earlier - stamps, 0) / SECOND_US
            if end is not None:  # of lower ids, and later: then the one before was too early; it is told once
                behind = np.where(ids < end.trade_id, stamps - end.timestamp_us, 0) / SECOND_US
                latest = int(np.argmax(behind))
                backwards[latest] = max(backwards[latest], behind[latest])
        else:
            repeated, backwards = np.concatenate([[False], ids[1:] == ids[:-1]]), np.zeros(size)
        table = pd.DataFrame({
            "trade_id": ids, "timestamp": stamps, **{name: rows[name] for name in ("price", "size", "count", "id_span")},
            "taker_buy": np.where(rows["taker_buy"] < 0, np.nan, rows["taker_buy"]),
            "ahead_seconds": (stamps - self._now_us) / SECOND_US,
            "repeated": repeated.astype(np.float64), "backwards_seconds": backwards,
            "backwards_limit_seconds": np.full(size, _BACKWARDS_SECONDS),
        })  # fmt: skip
        if end is not None and end.trade_id >= ids[-1]:
            return table, end
        return table, _End(int(ids[-1]), int(stamps[-1]))

    def _follow(self, rows: dict[str, NDArray[Any]], end: _End | None) -> NDArray[np.bool_]:
        """Note the ids that rows leave out, and those that come late; return where an id is repeated."""
        ids, stamps = rows["trade_id"], rows["timestamp"]
        first = ids - rows["id_span"] + 1
        top = np.concatenate([[first[0] - 1], ids[:-1]])  # the highest id before each row
        repeated = first <= top
        repeated[0] = False
        if end is not None:
            late = first <= end.trade_id
            repeated |= late & ~self._in_holes(first, ids)
            self._late += _runs(first[late], ids[late])
            top = np.maximum(np.concatenate([[end.trade_id], ids[:-1]]), end.trade_id)
        for place in np.flatnonzero(first > top + 1).tolist():
            before_us = end.timestamp_us if end is not None and (place == 0 or ids[place - 1] < end.trade_id) else stamps[place - 1]
            self._holes.append(IdHole(int(top[place]) + 1, int(first[place]) - 1, int(before_us), int(stamps[place])))
        return np.asarray(repeated)

    def _in_holes(self, first: NDArray[np.int64], last: NDArray[np.int64]) -> NDArray[np.bool_]:
        if not self._holes:
            return np.zeros(len(first), bool)
        holes = sorted(self._holes)
        lows, highs = (np.array([hole[part] for hole in holes], np.int64) for part in (0, 1))
        place = np.searchsorted(lows, first, side="right") - 1
        return np.asarray((place >= 0) & (last <= highs[np.maximum(place, 0)]))

    def _check_contiguous(self, gaps: Iterable[Gap]) -> None:
        import pandas as pd  # noqa: PLC0415

        if not self._provable:
            self.tally.skip(CONTIGUOUS, "the ids of this venue prove nothing")
            return
        holes = sorted(self._holes)
        absent = without([Missing(Window(hole.first_id, hole.last_id + 1), None) for hole in holes], self._late)
        left = without(absent, explained_ids(gaps))
        starts = np.array([hole.first_id for hole in holes], np.int64)
        for ids, _ in left:
            hole = holes[int(np.searchsorted(starts, ids.start_us, side="right")) - 1]
            self.missing.append(hole._replace(first_id=ids.start_us, last_id=ids.end_us - 1))
        if self.missing:
            rows = [
                {
                    "first_id": hole.first_id, "last_id": hole.last_id, "unexplained": hole.last_id - hole.first_id + 1,
                    "start": hole.start_us, "end": hole.end_us,
                }
                for hole in self.missing
            ]  # fmt: skip
            self.tally.judge(self._judges.contiguous, [CONTIGUOUS], pd.DataFrame(rows))
        counts = {"missing": absent, "unexplained": left}
        observed = {name: sum(ids.width_us for ids, _ in found) for name, found in counts.items()}
        self.tally.note(CONTIGUOUS, observed={**observed, "windows": len(left)})


def _runs(first: NDArray[np.int64], last: NDArray[np.int64]) -> list[Window]:
    """Return ids as few half-open windows."""
    if not len(first):
        return []
    starts = np.flatnonzero(np.concatenate([[True], first[1:] > last[:-1] + 1]))
    ends = np.append(starts[1:], len(first)) - 1
    return [Window(int(first[start]), int(last[end]) + 1) for start, end in zip(starts, ends, strict=True)]
