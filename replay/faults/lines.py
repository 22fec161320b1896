"""Faults of connections: cut, frozen, silent, slow, announced, too old."""

from collections.abc import Mapping

import msgspec

from replay.answer import Question
from replay.deeds import Close, Cut, Deed, Freeze, HangUp, Reply, Send
from replay.faults.seam import Moment
from replay.faults.trouble import Trouble
from replay.line import Line

_GOING_AWAY = 1001


class _Drop(Trouble):
    def move(self, moment: Moment) -> list[Deed]:
        super().move(moment)
        cut = [Cut(number) for number in self.lines] if self.schedule.begun else []
        self.struck(len(cut))
        return list(cut)

    def refusal(self, question: Question) -> Reply | None:  # noqa: ARG002
        if not self.schedule.is_on:
            return None
        self.struck()
        return Reply(None)


class _CloseWithoutFrame(Trouble):
    def move(self, moment: Moment) -> list[Deed]:
        super().move(moment)
        ended = [HangUp(number) for number in self.lines] if self.schedule.begun else []
        self.struck(len(ended))
        return list(ended)


class _AcceptThenDrop(Trouble):
    def move(self, moment: Moment) -> list[Deed]:
        super().move(moment)
        if self.schedule.begun:
            due = list(self.lines)
        elif self.schedule.is_on:
            due = [line.number for line in self.lines.values() if moment.now - line.opened >= self.fault.number("after")]
        else:
            due = []
        self.struck(len(due))
        return [Cut(number) for number in due]


class _AckWithoutData(Trouble):
    """Marks connections when they subscribe; they are dead for as long as they live."""

    def subscribed(self, line: Line) -> None:
        if self.wants(line.number):
            line.troubles[self] = True
            self.struck()

    def withholds_data(self, line: Line) -> bool:
        return self in line.troubles

    def withholds_heartbeats(self, line: Line) -> bool:
        return self in line.troubles


class _Stall(Trouble):
    def withholds_data(self, line: Line) -> bool:
        if not self.schedule.is_on or line.subscribed is None:
            return False
        if line.troubles.get(self) != self.schedule.strike:
            line.troubles[self] = self.schedule.strike
            self.struck()
        return True


class _Freeze(Trouble):
    def move(self, moment: Moment) -> list[Deed]:
        super().move(moment)
        if self.schedule.begun:
            fresh = [line for line in self.lines.values() if not line.frozen]
            for line in fresh:
                line.troubles[self] = True
            self.struck(len(fresh))
            return [Freeze(line.number) for line in fresh]
        thawed = [] if self.schedule.is_on else [number for number, line in self.lines.items() if self in line.troubles]
        return [Cut(number) for number in thawed]


class _Notice(Trouble):
    """Announces the end; a venue that has no words for it says nothing, and its connections stay."""

    def move(self, moment: Moment) -> list[Deed]:
        super().move(moment)
        deeds: list[Deed] = []
        if self.schedule.begun:
            for line in self.lines.values():
                frame = _notice(line, moment)
                if frame is not None and not line.frozen:
                    line.troubles[self] = moment.now + self.fault.number("after")
                    deeds.append(Send(line.number, [frame]))
            self.struck(len(deeds))
        if self.fault.number("close"):
            due = [number for number, line in self.lines.items() if line.troubles.get(self, moment.now + 1) <= moment.now]
            deeds += [Close(number, _GOING_AWAY, "service upgrade") for number in due]
        return deeds


def _notice(line: Line, moment: Moment) -> bytes | None:
    if line.venue == "OKX":
        text = "The connection will soon be closed for a service upgrade. Please reconnect."
        return msgspec.json.encode({"event": "notice", "code": "64008", "msg": text, "connId": f"{line.number:08x}"})
    if line.venue == "BINANCE":
        event = {"e": "serverShutdown", "E": moment.market_us // 1000}
        return msgspec.json.encode({"stream": "!serverShutdown", "data": event} if line.path.endswith("/stream") else event)
    if line.venue == "KRAKEN":
        data = {"system": "maintenance", "api_version": "v2", "connection_id": line.number, "version": "2.0.10"}
        return msgspec.json.encode({"channel": "status", "type": "update", "data": [data]})
    return None


class _Rotation(Trouble):
    def move(self, moment: Moment) -> list[Deed]:
        super().move(moment)
        old = [line.number for line in self.lines.values() if moment.now - line.opened >= self.fault.number("life")]
        self.struck(len(old))
        return [Close(number, _GOING_AWAY, "the connection is too old") for number in old]


class _Slow(Trouble):
    def delay(self, line: Line) -> float:
        if not self.schedule.is_on:
            return 0.0
        if line.troubles.get(self) != self.schedule.strike:
            line.troubles[self] = self.schedule.strike
            self.struck()
        return self.fault.number("seconds")


class _SlowConsumer(Trouble):
    def unread_limit(self, limit: int) -> int:
        return min(limit, int(self.fault.number("bytes"))) if self.schedule.is_on else limit

    def slow_cut(self) -> None:
        if self.schedule.is_on:
            self.struck()


TROUBLES: Mapping[str, type[Trouble]] = {
    "drop": _Drop,
    "close-without-frame": _CloseWithoutFrame,
    "accept-then-drop": _AcceptThenDrop,
    "ack-without-data": _AckWithoutData,
    "stall": _Stall,
    "freeze": _Freeze,
    "notice": _Notice,
    "rotation": _Rotation,
    "slow": _Slow,
    "slow-consumer": _SlowConsumer,
}
