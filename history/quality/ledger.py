"""What is missing becomes rows of the ledger with the cause `quality`, and these end when a later check finds it stored."""

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
        for window, ids in missing:
            first_id, last_id = ids or (None, None)
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
    ended = 0
    for gap in db.gaps.list(symbol, "open"):
        if gap.cause == CAUSE and isinstance(gap.evidence, dict):
            with db.transaction() as store:
                after = _settled(store, gap, gap.evidence, timeframe)
                ended += after is not None and store.gaps.progress(after)
    return ended


def _open(store: Store, symbol: str, ids: tuple[int | None, int | None], times: Window, evidence: dict[str, Any]) -> None:
    gap = Gap(
        symbol=symbol, first_id=ids[0], last_id=ids[1], start_us=times.start_us, end_us=times.end_us, cause=CAUSE, evidence=evidence
    )  # fmt: skip
    store.gaps.open(gap)


def _settled(store: Store, gap: Gap, evidence: dict[str, Any], timeframe: Timeframe | None) -> Gap | None:
    """Return a hole as it ended; None while it has not."""
    if evidence.get("suite") == "trades":
        return _filled(gap, evidence) if timeframe is None and _has_all_ids(store, gap) else None
    if timeframe is None or evidence.get("timeframe") != str(timeframe):
        return None
    window = whole_spans(timeframe, gap.start_us, gap.end_us)
    if not store.backfills.missing(gap.symbol, timeframe, window, again=True):
        proven = gap.first_id is None or _is_proven(store, gap, timeframe, window)
        return _filled(gap, evidence) if proven else None
    if gap.first_id is None and not store.backfills.missing(gap.symbol, timeframe, window):
        return replace(gap, state="unrecoverable", evidence={**evidence, "reason": "the venue answered and has no candle"})
    return None


def _filled(gap: Gap, evidence: dict[str, Any]) -> Gap:
    ids = gap.ids or 0
    return replace(gap, state="filled", recovered=ids, missing=(), evidence={**evidence, "by": CAUSE})


def _is_proven(store: Store, gap: Gap, timeframe: Timeframe, window: Window) -> bool:
    rows = store.quality.candles(gap.symbol, timeframe, window.start_us, window.end_us).columns
    return bool(((rows["complete"] == 1) & (rows["origin"] != _EXCHANGE)).all())


def _has_all_ids(store: Store, gap: Gap) -> bool:
    assert gap.first_id is not None
    assert gap.last_id is not None
    rows = store.quality.trades(gap.symbol, gap.start_us, gap.end_us + 1)
    inside = (rows["trade_id"] >= gap.first_id) & (rows["trade_id"] <= gap.last_id)
    return int(rows["id_span"][inside].sum()) >= gap.last_id - gap.first_id + 1
