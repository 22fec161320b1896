"""Which frames of a recording carry trades, of which venue, channel and symbol."""

from collections.abc import Iterable, Iterator
from pathlib import Path

import msgspec

from exchanges import VENUES, DataProvider
from market.errors import TapeError, WireError
from market.trade import Trade
from replay.marks import Mark, mark_of
from replay.recording import Damage, Received, read_frames


class Push(msgspec.Struct, gc=False):
    """A recorded frame with trades.

    Attributes:
        place: Its place on the tape.
        number: The venue's id of the aggregate, 0 where the channel has none.
        conn: The connection that it came over.
        received_us: By the recorder's clock.
    """

    channel: str
    trades: list[Trade]
    frame: bytes
    place: int
    number: int
    conn: str
    received_us: int


class TapeReport(msgspec.Struct):
    """What was found on a tape.

    Attributes:
        frames: Frames with trades that are played.
        trades: Fills in them.
        damaged: Lines or trade frames that could not be read.
        duplicates: Trade frames left out because another connection or file had them.
        skipped: Trade frames of contracts or of symbols whose quote currency is unknown, by wire symbol.
        warnings: Sentences for a person.
    """

    frames: int = 0
    trades: int = 0
    damaged: int = 0
    duplicates: int = 0
    skipped: dict[str, int] = {}
    warnings: list[str] = []


def inner_object(frame: bytes) -> bytes:
    """Return the bytes of `data` of a combined Binance frame; a raw frame is returned as it is."""
    try:
        return bytes(_inner(frame).data)
    except msgspec.MsgspecError:
        return frame


class _Inner(msgspec.Struct):
    stream: str
    data: msgspec.Raw


_inner = msgspec.json.Decoder(_Inner).decode


def read_pushes(paths: Iterable[Path], report: TapeReport) -> tuple[str, list[Push]]:
    """Return the venue and the trade frames of some files as one tape, in the order of receipt and without duplicates.

    Raises:
        TapeError: If a file is no tape, or the files hold no spot trades of one venue.
    """
    marked = sorted(_read_marked(paths, report), key=lambda each: each[1].ts_ns)
    venues = {mark.venue for mark, _ in marked}
    if len(venues) != 1:
        raise TapeError(_not_one_venue(venues, report))
    venue = venues.pop()
    codec = VENUES[venue](dict.fromkeys(f"{venue}:{mark.pair}" for mark, _ in marked))
    pushes: list[Push] = []
    seen: dict[tuple[str, str], set[int]] = {}
    marked.reverse()
    while marked:  # each is let go as it is read: tapes are long
        mark, received = marked.pop()
        trades = _parse(codec, received, report)
        known = seen.setdefault((mark.wire, mark.channel), set())
        if trades and all(trade.trade_id in known for trade in trades):
            report.duplicates += 1
            continue
        known.update(trade.trade_id for trade in trades)
        if trades:
            pushes.append(
                Push(mark.channel, trades, received.frame, len(pushes), mark.number, received.conn, received.ts_ns // 1000)
            )
    report.frames, report.trades = len(pushes), sum(trade.count for push in pushes for trade in push.trades)
    if not pushes:
        raise TapeError(f"the tape holds no {venue} trade that can be read; {report.damaged} frames are damaged")
    return venue, pushes


def _read_marked(paths: Iterable[Path], report: TapeReport) -> Iterator[tuple[Mark, Received]]:
    for number, path in enumerate(paths):
        damage = Damage()
        for received in read_frames(path, damage):
            if b"rade" not in received.frame:
                continue
            try:
                mark = mark_of(received.frame)
            except (msgspec.DecodeError, UnicodeDecodeError):
                report.damaged += 1
                continue
            if mark is not None and mark.pair is None:
                report.skipped[mark.wire] = report.skipped.get(mark.wire, 0) + 1
            elif mark is not None:
                received.conn = f"{number}:{received.conn}"
                yield mark, received
        report.damaged += damage.lines
        report.warnings += damage.warnings


def _parse(codec: DataProvider, received: Received, report: TapeReport) -> list[Trade]:
    try:
        trades = codec.parse(received.frame, received.ts_ns // 1000)
    except WireError:
        report.damaged += 1
        return []
    return trades if isinstance(trades, list) else []


def _not_one_venue(venues: set[str], report: TapeReport) -> str:
    if venues:
        return f"the files hold trades of {' and '.join(sorted(venues))}; a tape has one venue, play them one at a time"
    if report.skipped:
        some = ", ".join(list(report.skipped)[:3])
        return f"the tape holds trades of contracts or unknown pairs only ({some}); trades of {', '.join(VENUES)} can be played"
    return "the tape holds no trades of OKX (channels trades-all, trades) or Binance (trade, aggTrade); record one of these"
