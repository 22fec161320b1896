"""Where one symbol goes on after a restart: what the store knows of it, and how a lane takes it up."""

from collections.abc import Iterable, Sequence

import msgspec

from market.candle import Candle
from market.continuity import IdHole, Ids, IdSequence
from market.trade import Trade
from market.window import Window
from streaming.batch import Batch
from streaming.lane import Lane
from streaming.ledger import Cause, Hole, State
from streaming.open_hole import OpenHole


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
    _reopen(lane, point.holes, batch)
    _doubt(lane, [candle, *point.flats] if candle is not None else [])
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


def _reopen(lane: Lane, holes: Sequence[KnownHole], batch: Batch) -> None:
    # Two workers on the same symbol may have noted the same ids in two holes. Each is fetched for one of them only, or its
    # trade would be counted twice.
    found = [(OpenHole(each.hole, _window(each.hole), _ids(each), each.recovered), each.state) for each in holes]
    opened = [each for each, state in found if state is State.OPEN]
    for each, state in found:
        lane.builder.recent.holes.append(each.window)
        if state is not State.OPEN:
            lane.ended.keep(each, state)
    lane.open += opened
    came = _recovered(opened)
    left = [(each, others) for each in opened if each.ids is not None and (others := _take_up(lane, each.ids, came))]
    for each, others in left:
        if each.missing:
            batch.progress.append(each.progress(State.OPEN))
        else:
            evidence = {"reason": "its ids are in other holes", "holes": [[other.first_id, other.last_id] for other in others]}
            lane.settle(each, State.FILLED, evidence, batch)
            batch.mark(lane.symbol, lane.mark())


def _window(hole: Hole) -> Window:
    return Window(hole.start_us, hole.end_us)


def _ids(known: KnownHole) -> IdHole | None:
    hole = known.hole
    if hole.first_id is None or hole.last_id is None:
        return None
    missing = [(hole.first_id, hole.last_id)] if known.missing is None else list(known.missing)
    return IdHole(hole.first_id, hole.last_id, hole.start_us, hole.end_us, missing, known.recovered)


def _take_up(lane: Lane, ids: IdHole, came: IdSequence) -> list[IdHole]:
    # Returns the holes that have ids of it: those that lack them too, and those into which they came.
    others = []
    for low, high in list(ids.missing):
        for other in came.touched(low, high):
            filled = [ids.fill(*run) for run in other.missing]
            others += [other] if any(filled) else []
    return others + lane.ids.reopen(ids)


def _recovered(opened: Iterable[OpenHole]) -> IdSequence:
    # What came into each hole, as if that were missing. Not of one that left ids to another one: nobody knows which.
    came = IdSequence()
    for ids in (each.ids for each in opened if each.ids is not None and each.ids.recovered):
        rest = IdHole(ids.first_id, ids.last_id, ids.start_us, ids.end_us, [(ids.first_id, ids.last_id)])
        for run in ids.missing:
            rest.fill(*run)
        if ids.recovered == sum(high - low + 1 for low, high in rest.missing):
            came.reopen(rest)
    return came


def _doubt(lane: Lane, stored: list[Candle]) -> None:
    # Minutes that the clock closed and no hole explains wait for their proof still.
    recent = lane.builder.recent
    for candle in stored:
        if candle.complete is False and recent.complete(candle.timestamp_us) is not False:
            recent.doubt(candle.timestamp_us)
    lane.in_doubt = lane.builder.in_doubt


def _miss_what_is_not_stored(lane: Lane, candle: Candle, point: Resume, batch: Batch) -> None:
    # Ids behind the candle, up to the watermark, of which there is no trade: they were stored as candles only.
    if candle.last_trade_id is None:
        return
    low = candle.last_trade_id + 1
    known = [(trade.first_id, trade.trade_id) for trade in point.trades or () if trade.trade_id >= low]
    known += [run for hole in lane.ids.touched(low, point.last_id) for run in hole.missing]
    start_us = min(lane.builder.span[0], point.last_us)
    for first_id, last_id in sorted([*known, (point.last_id + 1, point.last_id + 1)]):
        if first_id > low:
            ids = IdHole(low, first_id - 1, start_us, point.last_us, [(low, first_id - 1)])
            lane.ids.reopen(ids)
            lane.note(ids, Cause.CRASH, batch)
        low = max(low, last_id + 1)
