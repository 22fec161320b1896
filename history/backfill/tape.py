"""The begin of a stored tape, and how a block of earlier trades is put before it."""

from collections.abc import Sequence
from dataclasses import replace

import msgspec

from db.bulk import RowsExist
from db.repositories.gaps import Gap
from db.series import ORIGINS, series_of
from db.store import Store
from history.backfill.keep import Kept, conflicts_between
from market.candle import Candle, Origin
from market.continuity import Ids
from market.rebuild import rebuild
from market.timeframe import BASE, DAY_US, SECOND_US
from market.trade import Trade
from market.window import Window


class Tape(msgspec.Struct, frozen=True):
    """Where a stored tape begins.

    Attributes:
        first_id: The lowest id of it.
        since_us: From this moment on nothing is missing but what the ledger says, UTC epoch microseconds.
        pace_us: From one id to the next, on average; a guess where it is not known.
    """

    first_id: int
    since_us: int
    pace_us: float = 1.0 * SECOND_US


class Block(msgspec.Struct, frozen=True):
    """Trades that end where a tape begins, in the order of their ids, and ids between them that never existed."""

    trades: list[Trade]
    never_existed: list[Ids]


def begin_of_tape(store: Store, symbol: str) -> Tape | None:
    """Return where the stored tape of a symbol begins, None when there is none."""
    mark = store.watermarks.get(symbol)
    if mark is None:
        return None
    if mark.since_us is None:  # of a tape from before such moments were kept nothing is known but its end
        return Tape(mark.trade_id + 1, mark.timestamp_us + 1)
    since_us, ids = mark.since_us, [mark.trade_id + 1]
    first_us = store.raw_trades.first_us(symbol, from_us=since_us - 1)
    if first_us is not None:
        ids += [trade.first_id for trade in store.raw_trades.get_trades(symbol, first_us, first_us + 1)]
    # Trades are kept for a while only; their candles tell which ones they were made of.
    label = BASE.close_of(since_us - 1)
    candles = store.market_data.get_series(symbol, BASE, label, label + DAY_US).candles()
    ids += [each.first_trade_id for each in candles if each.first_trade_id is not None and each.origin is not Origin.EXCHANGE]
    first_id = min(ids)
    return Tape(first_id, since_us, pace_of(mark.trade_id - first_id, mark.timestamp_us - since_us))


def start_tape(store: Store, newest: Sequence[Trade]) -> Tape:
    """Begin a tape with the newest trade that there is, the last of some; a worker that starts later goes on from it."""
    last = newest[-1]
    store.raw_trades.insert_trades([last])
    since_us = last.timestamp_us + 1
    store.watermarks.set(last.symbol, last.trade_id, last.timestamp_us, since_us)
    return Tape(last.first_id, since_us, pace_of(last.trade_id - newest[0].trade_id, last.timestamp_us - newest[0].timestamp_us))


def pace_of(ids: int, time_us: int) -> float:
    """Return the time from one id to the next, if so many took so long."""
    return max(1.0, time_us / ids) if ids > 0 and time_us > 0 else 1.0 * SECOND_US


def keep_block(store: Store, symbol: str, tape: Tape, block: Block, *, decimals: int) -> tuple[Tape, Kept]:
    """Store a block of trades, the minutes that are whole with it, and where the tape begins now.

    The earliest minute of a block is left to the next one, which has the rest of its trades. The venue's own candles give way;
    where they differ, that is noted.

    Args:
        store: Of a transaction.
        symbol: `EXCHANGE:BASE-QUOTE`.
        tape: Where it begins so far.
        block: Its last trade comes right before the tape.
        decimals: Digits after the point to which sums are rounded.
    """
    try:
        store.raw_trades.append(block.trades)
    except RowsExist:
        store.raw_trades.insert_trades(block.trades)
    for ids in block.never_existed:
        _note_never_existed(store, symbol, block, tape, ids)
    first = block.trades[0]
    since_us = min(tape.since_us, first.timestamp_us + 1)
    after = Tape(first.first_id, since_us, pace_of(tape.first_id - first.first_id, tape.since_us - since_us))
    kept = _build(store, symbol, _window(store, symbol, tape, after), after, decimals)
    store.backfills.begin_tape(symbol, after.since_us)
    return after, kept


def _window(store: Store, symbol: str, tape: Tape, after: Tape) -> Window:
    """Return the minutes that are whole now: up to the one in which the tape began, if that is over."""
    first_us, last_us = BASE.close_of(after.since_us - 1), BASE.close_of(tape.since_us - 1)
    mark = store.watermarks.get(symbol)
    if mark is not None:
        last_us = min(last_us, BASE.open_of(mark.timestamp_us))
    return Window(first_us, max(first_us, last_us))


def _build(store: Store, symbol: str, window: Window, after: Tape, decimals: int) -> Kept:
    if not window.width_us:
        return Kept(0, 0)
    trades = store.raw_trades.get_trades(symbol, window.start_us - BASE.width_us, window.end_us)
    stored = store.market_data.get_series(symbol, BASE, window.start_us + BASE.width_us, window.end_us)
    before = [trade for trade in trades if trade.timestamp_us < window.start_us]
    ours = [candle for candle in stored.candles() if candle.origin is not Origin.EXCHANGE]
    rebuilt = rebuild(
        symbol, window, trades, [*_echo(symbol, window.start_us, before), *ours],
        holes=_holes(store, symbol, window), since_us=after.since_us, decimals=decimals,
    )  # fmt: skip
    theirs = stored.take(stored.columns["origin"] == ORIGINS.index(Origin.EXCHANGE))
    made = series_of(rebuilt.candles)
    conflicts = [each for series in made for each in conflicts_between(series, theirs, decimals=decimals)]
    store.backfills.note_conflicts(conflicts)
    return Kept(store.market_data.upsert_candles(rebuilt.candles), len(conflicts))


def _echo(symbol: str, label: int, trades: list[Trade]) -> list[Candle]:
    """Return what the minute before a window is to it: the price that flat candles repeat. It is not stored."""
    if not trades:
        return []
    price = max(trades, key=lambda trade: trade.trade_id).price
    return [Candle(symbol, BASE, label, price, price, price, price, trades=None)]


def _holes(store: Store, symbol: str, window: Window) -> list[Window]:
    bounds = {"start_us": window.start_us, "end_us": window.end_us - 1}
    lasting = [gap for state in ("open", "unrecoverable") for gap in store.gaps.list(symbol, state, **bounds)]
    return [Window(gap.start_us, gap.end_us) for gap in lasting]


def _note_never_existed(store: Store, symbol: str, block: Block, tape: Tape, ids: Ids) -> None:
    low, high = ids
    below = max((trade for trade in block.trades if trade.trade_id < low), key=lambda trade: trade.trade_id)
    above = min((trade for trade in block.trades if trade.first_id > high), key=lambda trade: trade.trade_id, default=None)
    between = [below.trade_id, above.first_id if above else tape.first_id]
    start_us, end_us = sorted([below.timestamp_us, above.timestamp_us if above else tape.since_us - 1])
    evidence = {"never_existed": [{"ids": [low, high], "answers": [{"between": between}] * 2}], "calls": 2}
    gap = Gap(symbol=symbol, first_id=low, last_id=high, start_us=start_us, end_us=end_us, cause="sequence")
    store.gaps.open(gap)
    store.gaps.progress(replace(gap, state="never_existed", missing=(ids,), evidence=evidence))
