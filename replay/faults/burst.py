"""Bursts: trade frames that are held back and then come at once, in one frame where the venue sends lists of trades."""

import re
from collections.abc import Sequence

import msgspec

from replay.faults.seam import Piece
from replay.faults.trouble import Trouble
from replay.line import Line
from replay.source import Slice

_MOST_TRADES = 1000
_sequence = re.compile(rb'("sequence_num"\s*:\s*)(\d+)')


class _Rows(msgspec.Struct):
    data: list[msgspec.Raw]


class _Event(msgspec.Struct):
    trades: list[msgspec.Raw]


class _Events(msgspec.Struct):
    events: list[_Event]


_rows = msgspec.json.Decoder(_Rows).decode
_events = msgspec.json.Decoder(_Events).decode
_fields = msgspec.json.Decoder(dict[str, msgspec.Raw]).decode


class _Flow:
    """What one connection is not told yet, and how many frames it lacks so that those behind them have other numbers."""

    def __init__(self) -> None:
        self.held: list[Piece] = []
        self.since = 0.0
        self.lacking, self.newest = 0, -1

    def passing(self, frame: bytes) -> bytes:
        """Return a frame with the number that it has on this connection, where frames are counted."""
        found = _sequence.search(frame)
        if found is None:
            return frame
        self.newest = int(found[2])
        return self._numbered(frame) if self.lacking else frame

    def hold(self, piece: Piece, now: float) -> None:
        """Keep a frame for later."""
        self.since = self.since if self.held else now
        self.held.append(piece)
        found = _sequence.search(piece.frame)
        if found is not None:
            self.newest, self.lacking = int(found[2]), self.lacking + 1

    def release(self) -> list[Piece]:
        """Return what was held, merged."""
        pieces, self.held = _merged(self.held), []
        return [self._back(piece) for piece in pieces]

    def _back(self, piece: Piece) -> Piece:
        if _sequence.search(piece.frame) is None:
            return piece
        self.lacking -= 1
        return Piece(_sequence.sub(rb"\g<1>%d" % (self.newest - self.lacking), piece.frame, count=1))

    def _numbered(self, frame: bytes) -> bytes:
        return _sequence.sub(rb"\g<1>%d" % (self.newest - self.lacking), frame, count=1)


class Burst(Trouble):
    """Holds back so many trade frames of a connection, or what comes in so many seconds, and sends them together."""

    def data(self, line: Line, pieces: Sequence[Piece], span: Slice | None) -> Sequence[Piece]:  # noqa: ARG002
        """Return the frames that are not held, and what was held when it is enough."""
        flow: _Flow = line.troubles.setdefault(self, _Flow())
        found: list[Piece] = []
        for piece in pieces:
            if self.concerns(piece) and (flow.held or self.wants_frame(line, piece)):
                flow.hold(piece, self.moment.now)
                if len(flow.held) >= self.fault.number("frames"):
                    found += self._release(flow)
            else:
                found.append(Piece(flow.passing(piece.frame), binary=piece.binary))
        if flow.held and self.moment.now - flow.since >= self.fault.number("seconds"):
            found += self._release(flow)
        return found

    def control(self, line: Line, frames: Sequence[bytes]) -> Sequence[bytes]:
        """Return other frames with the numbers that they have on this connection."""
        flow = line.troubles.get(self)
        return frames if flow is None else [flow.passing(frame) for frame in frames]

    def _release(self, flow: _Flow) -> list[Piece]:
        self.struck()
        return flow.release()


def _merged(pieces: Sequence[Piece]) -> list[Piece]:
    """Return frames of one channel and symbol as one each, of at most 1,000 trades; as they are where a frame has one trade."""
    groups: dict[tuple[str, str, str], list[bytes]] = {}
    for piece in pieces:
        assert piece.mark is not None, "only frames with trades are held"
        groups.setdefault((piece.mark.venue, piece.mark.channel, piece.mark.wire), []).append(piece.frame)
    return [Piece(frame) for frames in groups.values() for frame in _joined(frames)] if _lists(pieces) else list(pieces)


def _lists(pieces: Sequence[Piece]) -> bool:
    return all(b'"data":[' in piece.frame or b'"events":[' in piece.frame for piece in pieces)


def _joined(frames: Sequence[bytes]) -> list[bytes]:
    """Return frames with lists of trades as one; the envelope is that of the last."""
    envelope = _fields(frames[-1])
    if "events" in envelope:  # newest first
        trades = [trade for frame in reversed(frames) for event in _events(frame).events for trade in event.trades]
        return [_encoded(envelope, "events", [{"type": "update", "trades": piece}]) for piece in _pieces_from_the_end(trades)]
    rows = [row for frame in frames for row in _rows(frame).data]
    return [_encoded(envelope, "data", rows[start : start + _MOST_TRADES]) for start in range(0, len(rows), _MOST_TRADES)]


def _pieces_from_the_end(trades: list[msgspec.Raw]) -> list[list[msgspec.Raw]]:
    return [trades[max(0, stop - _MOST_TRADES) : stop] for stop in range(len(trades), 0, -_MOST_TRADES)]


def _encoded(envelope: dict[str, msgspec.Raw], name: str, value: object) -> bytes:
    return msgspec.json.encode({**envelope, name: value})
