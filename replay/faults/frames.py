"""Faults of single frames with trades: twice, swapped, altered, in bad company."""

import re
from collections.abc import Mapping, Sequence
from decimal import Decimal

from replay.faults.burst import Burst
from replay.faults.holes import Hole, LateHole
from replay.faults.seam import Piece
from replay.faults.trouble import Trouble
from replay.line import Line
from replay.source import Slice

_PATIENCE_SECONDS = 5.0
_DEPTH = 50_000
_FORMS = ("text", "truncated", "binary", "nested")
_price = re.compile(rb'("(?:px|p|price)"\s*:\s*)("?)([0-9.eE+-]+)')


class _Duplicate(Trouble):
    def data(self, line: Line, pieces: Sequence[Piece], span: Slice | None) -> Sequence[Piece]:  # noqa: ARG002
        found: list[Piece] = []
        for piece in pieces:
            found.append(piece)
            if self.wants_frame(line, piece):
                found.append(piece)
                self.struck()
        return found


class _Reorder(Trouble):
    """Holds a frame until the next one of its symbol was sent, or for five seconds."""

    def data(self, line: Line, pieces: Sequence[Piece], span: Slice | None) -> Sequence[Piece]:  # noqa: ARG002
        held: dict[tuple[str, str], tuple[Piece, float]] = line.troubles.setdefault(self, {})
        found: list[Piece] = []
        for piece in pieces:
            key = (piece.mark.channel, piece.mark.wire) if piece.mark is not None else ("", "")
            if key in held:
                found += [piece, held.pop(key)[0]]
                self.struck()
            elif self.wants_frame(line, piece):
                held[key] = piece, self.moment.now
            else:
                found.append(piece)
        for key in [key for key, (_, since) in held.items() if self.moment.now - since > _PATIENCE_SECONDS]:
            found.append(held.pop(key)[0])
        return found


class _Conflict(Trouble):
    def data(self, line: Line, pieces: Sequence[Piece], span: Slice | None) -> Sequence[Piece]:  # noqa: ARG002
        found: list[Piece] = []
        for piece in pieces:
            found.append(piece)
            if self.wants_frame(line, piece):
                found.append(Piece(_price.sub(_another_price, piece.frame, count=1)))
                self.struck()
        return found


class _ZeroPrice(Trouble):
    def data(self, line: Line, pieces: Sequence[Piece], span: Slice | None) -> Sequence[Piece]:  # noqa: ARG002
        found: list[Piece] = []
        for piece in pieces:
            wanted = self.wants_frame(line, piece)
            found.append(Piece(_price.sub(self._no_price, piece.frame, count=1)) if wanted else piece)
            self.struck(wanted)
        return found

    def _no_price(self, match: re.Match[bytes]) -> bytes:
        # A number without quotes cannot be NaN in JSON.
        text = b"NaN" if self.fault.text("price") == "nan" and match[2] else b"0"
        return match[1] + match[2] + text


class _Garbage(Trouble):
    """Sends garbage behind a frame; the frame itself is sent, so nothing is lost."""

    def data(self, line: Line, pieces: Sequence[Piece], span: Slice | None) -> Sequence[Piece]:  # noqa: ARG002
        found: list[Piece] = []
        for piece in pieces:
            found.append(piece)
            if self.wants_frame(line, piece):
                found.append(self._garbage(line, piece))
                self.struck()
        return found

    def _garbage(self, line: Line, piece: Piece) -> Piece:
        form = self.fault.text("form")
        if form == "any":
            form = _FORMS[int(self.dice.draw("form", line.number, piece.frame) * len(_FORMS))]
        match form:
            case "text":
                return Piece(b"<html><body>502 Bad Gateway</body></html>")
            case "truncated":
                return Piece(piece.frame[: len(piece.frame) * 2 // 3])
            case "binary":
                return Piece(b"\x00\xff\xfe" + piece.frame[::-1], binary=True)
            case _:
                return Piece(b'{"data":' + b"[" * _DEPTH)


def _another_price(match: re.Match[bytes]) -> bytes:
    """Return another price of as many digits: a percent higher, or at least one in the last digit."""
    price = Decimal(match[3].decode())
    step = Decimal(1).scaleb(int(price.as_tuple().exponent))
    return match[1] + match[2] + format(price + max(step, (price / 100).quantize(step)), "f").encode()


TROUBLES: Mapping[str, type[Trouble]] = {
    "duplicate": _Duplicate,
    "reorder": _Reorder,
    "hole": Hole,
    "hole-late": LateHole,
    "conflict": _Conflict,
    "zero-price": _ZeroPrice,
    "garbage": _Garbage,
    "burst": Burst,
}
