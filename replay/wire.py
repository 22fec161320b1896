"""Which frames of a recording carry trades, of which venue, channel and symbol."""

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from functools import lru_cache
from pathlib import Path

import msgspec

from exchanges import VENUES, DataProvider, Synthetic
from exchanges.base import BAD_JSON
from market.errors import InputError, TapeError, WireError
from market.trade import Trade
from replay.marks import Mark, mark_of, parts_of
from replay.recording import Damage, Received, read_frames

_MOST_FILLS = 100_000  # of one taker order; a damaged digit must not make us write down millions of them
_NAMED = 5  # of the symbols that are left out
_PLAYED = {name: venue for name, venue in VENUES.items() if venue is not Synthetic}


class Push(msgspec.Struct, gc=False):
    """A recorded frame with trades.

    Attributes:
        place: Its place on the tape.
        number: The venue's id of the aggregate, 0 where the channel has none.
        conn: The connection that it came over.
        received_us: By the recorder's clock.
        past: Whether it told a new subscriber what happened before.
    """

    channel: str
    trades: list[Trade]
    frame: bytes
    place: int
    number: int
    conn: str
    received_us: int
    past: bool = False


class TapeReport(msgspec.Struct):
    """What was found on a tape.

    Attributes:
        frames: Frames with trades that are played.
        trades: Fills in them.
        damaged: Lines or trade frames that could not be read.
        duplicates: Trade frames left out because another connection or file had them.
        skipped: Trade frames of contracts or of symbols whose quote currency is unknown, by wire symbol.
        reasons: Sentences on what else was skipped, and why.
        warnings: Sentences for a person.
    """

    frames: int = 0
    trades: int = 0
    damaged: int = 0
    duplicates: int = 0
    skipped: dict[str, int] = {}
    reasons: list[str] = []
    warnings: list[str] = []

    def sentences(self) -> list[str]:
        """Return all that a person should know of the tape before trusting what is played."""
        told = list(self.warnings)
        if self.skipped:
            some = [f"{wire} ({count:,})" for wire, count in list(self.skipped.items())[:_NAMED]]
            more = [f"{len(self.skipped) - _NAMED:,} more"] if len(self.skipped) > _NAMED else []
            why = "; ".join(self.reasons) or "contracts, or pairs whose quote currency is unknown"
            told.append(f"left out: trade frames of {', '.join([*some, *more])}: {why}")
        if self.damaged:
            told.append(f"left out: lines or frames that cannot be read: {self.damaged:,}")
        return told


def inner_object(frame: bytes) -> bytes:
    """Return the bytes of `data` of a combined Binance frame; a raw frame is returned as it is."""
    try:
        return bytes(_inner(frame).data)
    except BAD_JSON:
        return frame


class _Inner(msgspec.Struct):
    stream: str
    data: msgspec.Raw


_inner = msgspec.json.Decoder(_Inner).decode


def read_pushes(paths: Iterable[Path], report: TapeReport, wanted: str | None = None) -> tuple[str, list[Push]]:
    """Return the venue and the trade frames of some files as one tape, in the order of receipt and without duplicates.

    Args:
        paths: The files.
        report: What is found is told here.
        wanted: The venue that is played where the files hold several; None to leave it to the files.

    Raises:
        TapeError: If a file is no tape, or the files hold no spot trades of one venue.
    """
    marked = sorted(_read_marked(paths, report), key=lambda each: each[1].ts_ns)
    venue = _venue_of(Counter(mark.venue for mark, _ in marked), wanted, report)
    marked = [each for each in marked if each[0].venue == venue]
    codec = VENUES[venue](dict.fromkeys(f"{venue}:{mark.pair}" for mark, _ in marked))
    pushes: list[Push] = []
    seen: dict[tuple[str, str], set[int]] = {}
    marked.reverse()
    while marked:  # each is let go as it is read: tapes are long
        mark, received = marked.pop()
        trades = _parse(codec, mark, received, report)
        known = seen.setdefault((mark.wire, mark.channel), set())
        if trades and all(trade.trade_id in known for trade in trades):
            report.duplicates += 1
            continue
        known.update(trade.trade_id for trade in trades)
        if trades:
            pushes.append(
                Push(
                    mark.channel, trades, received.frame, len(pushes), mark.number, received.conn, received.ts_ns // 1000, mark.past
                )
            )
    report.frames, report.trades = len(pushes), sum(trade.count for push in pushes for trade in push.trades)
    if not pushes:
        raise TapeError(f"the tape holds no {venue} trade that can be read; {report.damaged} frames are damaged")
    return venue, pushes


def _read_marked(paths: Iterable[Path], report: TapeReport) -> Iterator[tuple[Mark, Received]]:
    for number, path in enumerate(paths):
        damage = Damage()
        for received in _one_symbol_each(read_frames(path, damage)):
            if b"rade" not in received.frame:
                continue
            try:
                mark = mark_of(received.frame)
            except BAD_JSON:
                report.damaged += 1
                continue
            if mark is not None and (mark.pair is None or not _is_symbol(mark.venue, mark.pair)):
                report.skipped[mark.wire] = report.skipped.get(mark.wire, 0) + 1
                report.reasons += [mark.why] if mark.why and mark.why not in report.reasons else []
            elif mark is not None:
                received.conn = f"{number}:{received.conn}"
                yield mark, received
        report.damaged += damage.lines
        report.warnings += damage.warnings


@lru_cache(4096)
def _is_symbol(venue: str, pair: str) -> bool:
    try:
        VENUES[venue]([f"{venue}:{pair}"])
    except InputError:
        return False
    return True


def _one_symbol_each(frames: Iterable[Received]) -> Iterator[Received]:
    for received in frames:
        yield from (Received(received.ts_ns, received.conn, part) for part in parts_of(received.frame))


def _parse(codec: DataProvider, mark: Mark, received: Received, report: TapeReport) -> list[Trade]:
    try:
        found = codec.parse(received.frame, received.ts_ns // 1000)
    except WireError:
        report.damaged += 1
        return []
    trades = _by_fills(found, mark) if isinstance(found, list) else []
    if any(trade.id_span > _MOST_FILLS for trade in trades):
        report.damaged += 1
        return []
    return trades


def _by_fills(trades: list[Trade], mark: Mark) -> list[Trade]:
    """Return an aggregate under the ids of its fills, as every source has them; its own number is in the mark."""
    if mark.fills is None:
        return trades
    first, last = mark.fills
    return [msgspec.structs.replace(trade, trade_id=last, id_span=last - first + 1) for trade in trades]


def _venue_of(frames: Mapping[str, int], wanted: str | None, report: TapeReport) -> str:
    """Return which venue is played, from the trade frames of each.

    A file that holds the markets of one company, as spot and perpetuals of Bybit, is played as the one with most frames.
    """
    if wanted is not None and frames:
        if wanted not in frames:
            raise TapeError(f"the files hold trades of {' and '.join(sorted(frames))}, none of {wanted}")
        return wanted
    if len({VENUES[name].home for name in frames}) != 1:
        raise TapeError(_not_one_venue(set(frames), report))
    venue = max(frames, key=lambda name: frames[name])
    report.warnings += [
        f"the files hold several venues: {frames[venue]} frames of {venue} are played and {frames[other]} of {other} left out; "
        f"--exchange {other.lower()} plays those"
        for other in frames
        if other != venue
    ]
    return venue


def _not_one_venue(venues: set[str], report: TapeReport) -> str:
    if venues:
        return f"the files hold trades of {' and '.join(sorted(venues))}; a tape has one venue, choose it with --exchange"
    if report.skipped:
        some = ", ".join(list(report.skipped)[:3])
        if report.reasons:
            return f"the tape holds no trades that can be played ({some}): {'; '.join(report.reasons)}"
        return f"the tape holds trades of contracts or unknown pairs only ({some}); trades of {', '.join(_PLAYED)} can be played"
    known = ", ".join(f"{name} ({', '.join(venue.channels)})" for name, venue in _PLAYED.items())
    return f"the tape holds no trades of {known}; record one of these"
