"""What is missing becomes rows of the ledger with the cause `quality`, and these end when a later check finds it stored."""

from bisect import bisect_right
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from db.operations import DatabaseOperations
from db.repositories.gaps import Gap
from db.series import ORIGINS
from db.store import Store
from history.backfill.plan import whole_spans
from history.quality.holes import CAUSE, Missing
from history.quality.trades import IdHole
from market.candle import Origin
from market.timeframe import BASE, Timeframe
from market.window import Window

_EXCHANGE = ORIGINS.index(Origin.EXCHANGE)


def open_candle_holes(db: DatabaseOperations, symbol: str, timeframe: Timeframe, missing: Sequence[Missing], run: int) -> None:
    """Note spans without a candle, in one transaction; what is noted already stays as it is."""
    with db.transaction() as store:
        noted = {gap.key for gap in store.gaps.list(symbol)}
        for window, ids in missing:
            first_id, last_id = ids or (None, None)
            if (symbol, first_id, last_id, window.start_us, window.end_us) not in noted:
                _open(store, symbol, (first_id, last_id), window, {"timeframe": str(timeframe), "run": run})


def open_id_holes(db: DatabaseOperations, symbol: str, missing: Sequence[IdHole], run: int) -> None:
    """Note ids without a trade, in one transaction; what is noted already stays as it is."""
    with db.transaction() as store:
        for hole in missing:
            times = Window(*sorted((hole.start_us, hole.end_us)))
            _open(store, symbol, (hole.first_id, hole.last_id), times, {"suite": "trades", "run": run})


def minutes_of(missing: Sequence[IdHole]) -> tuple[Window, ...]:
    """Return the minutes in which ids are missing, oldest first and apart."""
    found: list[Window] = []
    for start_us, end_us in sorted(tuple(sorted((hole.start_us, hole.end_us))) for hole in missing):
        window = Window(BASE.open_of(start_us), BASE.close_of(end_us))
        if found and window.start_us <= found[-1].end_us:
            found[-1] = Window(found[-1].start_us, max(found[-1].end_us, window.end_us))
        else:
            found.append(window)
    return tuple(found)


def settle(db: DatabaseOperations, symbol: str, timeframe: Timeframe | None) -> int:
    """End the holes that earlier checks opened and that are no more; return how many.

    A hole of candles is filled when every span has one, and unrecoverable when the venue answered for all that is absent and
    has none; one of which the ids are known is left to who fetches trades, unless candles made of all its trades are stored.

    Args:
        db: The store.
        symbol: `EXCHANGE:BASE-QUOTE`.
        timeframe: Of the candles; None for holes that are of trades only.
    """
    with db.transaction() as store:
        noted = [gap for gap in store.gaps.list(symbol, "open") if gap.cause == CAUSE and isinstance(gap.evidence, dict)]
        after = _of_trades(store, noted) if timeframe is None else _of_candles(store, noted, symbol, timeframe)
        return sum(store.gaps.progress(gap) for gap in after)


def _open(store: Store, symbol: str, ids: tuple[int | None, int | None], times: Window, evidence: dict[str, Any]) -> None:
    gap = Gap(
        symbol=symbol, first_id=ids[0], last_id=ids[1], start_us=times.start_us, end_us=times.end_us, cause=CAUSE, evidence=evidence
    )  # fmt: skip
    store.gaps.open(gap)


def _of_trades(store: Store, noted: Sequence[Gap]) -> list[Gap]:
    """Return the holes of trades that ended, as they ended."""
    return [_filled(gap) for gap in noted if gap.evidence.get("suite") == "trades" and _has_all_ids(store, gap)]


def _of_candles(store: Store, noted: Sequence[Gap], symbol: str, timeframe: Timeframe) -> list[Gap]:
    """Return the holes of candles of a width that ended, as they ended; what is stored is read once, for there may be many."""
    holes = [(gap, whole_spans(timeframe, gap.start_us, gap.end_us)) for gap in noted if _is_of(gap, timeframe)]
    if not holes:
        return []
    span = Window(min(window.start_us for _, window in holes), max(window.end_us for _, window in holes))
    absent = store.backfills.missing(symbol, timeframe, span, again=True)
    unasked = store.backfills.missing(symbol, timeframe, span)
    after = []
    for gap, window in holes:
        if not _any_in(absent, window):
            if gap.first_id is None or _is_proven(store, gap, timeframe, window):
                after.append(_filled(gap))
        elif gap.first_id is None and not _any_in(unasked, window):
            reason = {"reason": "the venue answered and has no candle"}
            after.append(replace(gap, state="unrecoverable", evidence={**gap.evidence, **reason}))
    return after


def _is_of(gap: Gap, timeframe: Timeframe) -> bool:
    return bool(gap.evidence.get("suite") != "trades" and gap.evidence.get("timeframe") == str(timeframe))


def _any_in(windows: Sequence[Window], window: Window) -> bool:
    """Return whether one of some windows, in order and apart, shares a moment with another."""
    place = bisect_right(windows, window.start_us, key=lambda each: each.end_us)
    return place < len(windows) and windows[place].start_us < window.end_us


def _filled(gap: Gap) -> Gap:
    return replace(gap, state="filled", recovered=gap.ids or 0, missing=(), evidence={**gap.evidence, "by": CAUSE})


def _is_proven(store: Store, gap: Gap, timeframe: Timeframe, window: Window) -> bool:
    rows = store.quality.candles(gap.symbol, timeframe, window.start_us, window.end_us).columns
    return bool(((rows["complete"] == 1) & (rows["origin"] != _EXCHANGE)).all())


def _has_all_ids(store: Store, gap: Gap) -> bool:
    assert gap.first_id is not None
    assert gap.last_id is not None
    rows = store.quality.trades(gap.symbol, gap.start_us, gap.end_us + 1)
    inside = (rows["trade_id"] >= gap.first_id) & (rows["trade_id"] <= gap.last_id)
    return int(rows["id_span"][inside].sum()) >= gap.last_id - gap.first_id + 1
