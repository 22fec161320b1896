"""Where one symbol goes on after a restart: what the store knows of it, and how a lane takes it up."""

import msgspec

from market.candle import Candle
from market.continuity import IdHole, Ids
from market.trade import Trade
from market.window import Window
from streaming.batch import Batch
from streaming.lane import Lane, OpenHole
from streaming.ledger import Cause, Hole, State


class KnownHole(msgspec.Struct, frozen=True):
    """A hole of the ledger in which something is missing still, or for ever.

    Attributes:
        hole: Which one.
        state: `open` or `unrecoverable`.
        missing: What is not there yet; None for all of it.
        recovered: What came after all.
    """

    hole: Hole
    state: State
    missing: tuple[Ids, ...] | None = None
    recovered: int = 0


class Resume(msgspec.Struct, frozen=True):
    """Where one symbol goes on.

    Attributes:
        last_id: The watermark: everything up to this id is stored or in the gap ledger.
        last_us: The time of that trade, UTC epoch microseconds.
        since_us: Where the tape begins, None when that is not known.
        candle: The last stored candle with trades, None when there is none.
        flats: The stored candles behind it, all without trades, oldest first.
        trades: The stored trades from shortly before that candle's close on; None where raw trades are not kept.
        holes: The holes of the ledger that are not closed, and those that nothing will fill.
        minutes: The stored minutes of the widest live span, oldest first.
    """

    last_id: int
    last_us: int
    since_us: int | None = None
    candle: Candle | None = None
    flats: list[Candle] = msgspec.field(default_factory=list)
    trades: list[Trade] | None = msgspec.field(default_factory=list)
    holes: list[KnownHole] = msgspec.field(default_factory=list)
    minutes: list[Candle] = msgspec.field(default_factory=list)


def resume(lane: Lane, point: Resume) -> Batch:
    """Let a lane go on behind what is stored.

    Returns:
        Candles that follow from the stored trades, most of them stored before, and holes that nobody noted; no trades.
    """
    batch, builder, candle = Batch(), lane.builder, point.candle
    lane.ids.last_id, lane.ids.last_us = point.last_id, point.last_us
    trades = sorted(point.trades or (), key=lane.order)
    if candle is not None:
        inside = [trade for trade in trades if candle.open_us <= trade.timestamp_us < candle.timestamp_us]
        builder.resume(candle, *point.flats, trades=inside)
    if point.since_us is not None:
        builder.recent.known_from_us = point.since_us
    for known in point.holes:
        _remember(lane, known)
    lane.adopt(trades)
    open_us = builder.span[0]
    for trade in trades:
        if trade.timestamp_us >= open_us:
            batch.candles += builder.add(trade)
    if lane.provable and candle is not None:
        _miss_what_is_not_stored(lane, candle, point, batch)
    elif point.trades is None and candle is None:
        builder.recent.known_from_us = max(point.since_us or 0, point.last_us + 1)  # what the forming minute had is not known
    lane.interrupt(Cause.CRASH)
    return batch


def _remember(lane: Lane, known: KnownHole) -> None:
    hole = known.hole
    window = Window(hole.start_us, hole.end_us)
    lane.builder.recent.holes.append(window)
    if known.state is State.OPEN:
        ids = None
        if hole.first_id is not None and hole.last_id is not None:
            missing = [(hole.first_id, hole.last_id)] if known.missing is None else list(known.missing)
            ids = IdHole(hole.first_id, hole.last_id, hole.start_us, hole.end_us, missing, known.recovered)
            lane.ids.reopen(ids)
        lane.open.append(OpenHole(hole, window, ids, known.recovered))


def _miss_what_is_not_stored(lane: Lane, candle: Candle, point: Resume, batch: Batch) -> None:
    # Ids behind the candle, up to the watermark, of which there is no trade: they were stored as candles only.
    if candle.last_trade_id is None:
        return
    low = candle.last_trade_id + 1
    known = [(trade.first_id, trade.trade_id) for trade in point.trades or () if trade.trade_id >= low]
    known += [(hole.first_id, hole.last_id) for hole in lane.ids.touched(low, point.last_id)]
    start_us = min(lane.builder.span[0], point.last_us)
    for first_id, last_id in sorted([*known, (point.last_id + 1, point.last_id + 1)]):
        if first_id > low:
            ids = IdHole(low, first_id - 1, start_us, point.last_us, [(low, first_id - 1)])
            lane.ids.reopen(ids)
            lane.note(ids, Cause.CRASH, batch)
        low = max(low, last_id + 1)
