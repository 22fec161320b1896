"""`python -m simulation.disconnects TAPE…`: a recorded Binance tape under forced disconnects, held against the tape afterwards."""

import asyncio
import csv
import logging
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path
from random import Random
from time import perf_counter
from typing import Annotated

import msgspec
import typer

from db.bus import Bus
from db.engine import create_engine
from db.operations import DatabaseOperations
from db.repositories.gaps import Gap
from exchanges import find_venue
from market.candle import Candle
from market.clock import isoformat, now_us
from market.errors import InputError
from market.timeframe import BASE, MINUTE_US, SECOND_US
from market.trade import Trade
from market.window import Window
from replay.answer import Question
from replay.deeds import Cut, Deed, Reply
from replay.exchange import LocalExchange
from replay.faults import Faults
from replay.faults.seam import Moment
from replay.line import Line
from replay.source import Source
from replay.tape import read_tape
from simulation.process import Process
from simulation.servers import Servers, rows_of, servers
from streaming.backoff import Backoff

_SHORTEST, _LONGEST = 1.0, 30.0
_AT_THE_ENDS = 3.0
_BETWEEN = 1.5
_PATIENCE = 120.0
_LOOK = 0.2
_NUMBERS = ("open", "high", "low", "close", "volume")
_KLINES = "pairs/binance_spot_BTCUSDT_20240808_klines_1m.csv"


def draw_cuts(first_us: int, last_us: int, count: int, seed: int) -> list[Window]:
    """Return disconnects of 1 to 30 s, most of them short, spread over a tape; at least 1.5 s lie between any two.

    Raises:
        InputError: If the tape is too short for so many.
    """
    chance = Random(f"disconnects {seed}")
    whole = (last_us - first_us) / SECOND_US - 2 * _AT_THE_ENDS - _BETWEEN * count
    for _ in range(100):
        lengths = [_SHORTEST + (_LONGEST - _SHORTEST) * chance.random() ** 8 for _ in range(count)]
        if (free := whole - sum(lengths)) >= 0:
            break
    else:
        raise InputError(f"{count} disconnects do not fit in {(last_us - first_us) / SECOND_US:.0f} s; take fewer")
    places = sorted(chance.uniform(0.0, free) for _ in range(count))
    cuts, passed = [], _AT_THE_ENDS
    for place, length in zip(places, lengths, strict=True):
        begin_us = first_us + int((passed + place) * SECOND_US)
        cuts.append(Window(begin_us, begin_us + int(length * SECOND_US)))
        passed += length + _BETWEEN
    return cuts


class Cuts(Faults):
    """Cuts all connections at moments of the market, and hangs up on new ones until each cut is over.

    Args:
        cuts: When, on the exchange's clock; none overlaps another one.
        rest: Whether it hangs up on questions over REST, too.

    Attributes:
        cuts: The cuts.
        cut: How many connections each cut ended; 0 where the client had not come back yet.
        back_us: When the first connection was accepted after each cut, by number; UTC epoch microseconds of the local clock.
    """

    def __init__(self, cuts: Sequence[Window], *, rest: bool = False) -> None:
        super().__init__()
        self.cuts, self._rest = cuts, rest
        self.cut: list[int] = []
        self.back_us: dict[int, int] = {}

    def move(self, moment: Moment) -> list[Deed]:
        """Take note of the time; return what is done to open connections now."""
        super().move(moment)
        while len(self.cut) < len(self.cuts) and self.cuts[len(self.cut)].start_us <= moment.market_us:
            self.cut.append(len(self.lines))
        return [Cut(number) for number in self.lines] if self._is_on else []

    def refusal(self, question: Question) -> Reply | None:  # noqa: ARG002
        """Hang up while a cut lasts."""
        return Reply(None) if self._is_on else None

    def reply(self, question: Question) -> Reply | None:  # noqa: ARG002
        """Hang up on questions while a cut lasts, if they are concerned."""
        return Reply(None) if self._rest and self._is_on else None

    def opened(self, line: Line) -> None:  # noqa: ARG002
        """Take note of a new connection."""
        if self.cut and not self._is_on:
            self.back_us.setdefault(len(self.cut) - 1, now_us())

    @property
    def _is_on(self) -> bool:
        return bool(self.cut) and self.moment.market_us < self.cuts[len(self.cut) - 1].end_us


class Report(msgspec.Struct):
    """What came of a run.

    Attributes:
        wrong: What is not as it should be, in words.
        disconnects: Cuts that ended a connection.
        gaps: The ledger.
        trades: Trades on the tape.
        heal_seconds: Of each cut that lost something: from the first connection after it until all its holes were closed.
        again_seconds: The same of those whose hole goes on behind the next cut: no trade came between the two.
        seconds: How long it took.
    """

    wrong: list[str]
    disconnects: int
    gaps: list[Gap]
    trades: int
    heal_seconds: list[float]
    again_seconds: list[float]
    seconds: float

    @property
    def lost(self) -> int:
        """Trades that did not come over the websocket."""
        return sum(gap.ids or 0 for gap in self.gaps)

    @property
    def recovered(self) -> int:
        """Trades that were fetched back."""
        return sum(gap.recovered for gap in self.gaps)

    def heal(self, share: float) -> float:
        """Return the time in which so large a share of all cuts was healed, in seconds."""
        ordered = sorted(self.heal_seconds + self.again_seconds)
        return ordered[min(len(ordered) - 1, int(share * len(ordered)))] if ordered else 0.0


async def run(source: Source, cuts: Cuts, running: Servers, *, speed: float, wait: float, klines: Path | None = None) -> Report:
    """Play a tape of one symbol through the worker into a database of its own.

    Args:
        source: The tape.
        cuts: When connections are cut.
        running: The servers.
        speed: Seconds of the tape in a second.
        wait: The longest wait of the worker before it connects again, in seconds.
        klines: The venue's own minutes as CSV, with the open time in milliseconds.
    """
    begun, [symbol] = perf_counter(), source.symbols
    name = await asyncio.to_thread(running.new_database)
    database = DatabaseOperations(create_engine(running.url(name)))
    try:
        async with LocalExchange(source, speed=speed, faults=cuts) as exchange:
            provider = find_venue(source.venue)([symbol], endpoints=exchange.endpoints)
            process = Process(provider, running.url(name), running.redis_url, backoff=Backoff(first=wait / 2, cap=wait))
            living, ended = process.start(), asyncio.create_task(exchange.ended.wait())
            await asyncio.wait([living, ended], return_when=asyncio.FIRST_COMPLETED)
            ended.cancel()
            if not living.done():
                await _until_quiet(database, symbol, _trades_of(source)[-1].trade_id)
            await process.stop()
        rows = (await asyncio.to_thread(rows_of, database, (symbol,))).rows
        candles = sorted(rows["candles"].values(), key=lambda candle: candle.timestamp_us)
        gaps = sorted(rows["gaps"].values(), key=lambda gap: gap.start_us)
        wrong = [*process.wrong, *_wrong_trades(_trades_of(source), list(rows["trades"].values()))]
        wrong += [*_wrong_candles(source, candles, klines), *(f"not filled: {gap}" for gap in gaps if gap.state != "filled")]
        wrong += _wrong_latest(running.redis_url, symbol, candles)
        healed, again = _heal_seconds(cuts, gaps)
        return Report(wrong, sum(map(bool, cuts.cut)), gaps, len(_trades_of(source)), healed, again, perf_counter() - begun)
    finally:
        database.close()
        await asyncio.to_thread(running.drop, name)


def _trades_of(source: Source) -> list[Trade]:
    return source.fills(source.symbols[0]).slice(0, 1 << 40)


async def _until_quiet(database: DatabaseOperations, symbol: str, last_id: int) -> None:
    def is_quiet() -> bool:
        with database.transaction() as store:
            mark = store.watermarks.get(symbol)
            return mark is not None and mark.trade_id >= last_id and not store.gaps.list(state="open")

    until = perf_counter() + _PATIENCE
    while perf_counter() < until:
        if await asyncio.to_thread(is_quiet):
            return
        await asyncio.sleep(_LOOK)


def _wrong_trades(tape: list[Trade], stored: list[Trade]) -> Iterator[str]:
    ours = {trade.trade_id: trade for trade in stored}
    missing = [trade.trade_id for trade in tape if trade.trade_id not in ours]
    if missing:
        yield f"{len(missing)} trades are missing: {missing[:8]}"
    if len(stored) != len(tape):
        yield f"{len(stored)} trades are stored, {len(tape)} are on the tape"
    other = [trade for trade in tape if trade.trade_id in ours and not trade.agrees(ours[trade.trade_id])]
    yield from (f"stored with another payload: {trade}" for trade in other[:8])
    ids = sorted(ours)
    if ids and ids[-1] - ids[0] + 1 != len(ids):
        yield f"the ids {ids[0]} to {ids[-1]} are not contiguous: {len(ids)} are there"


def _wrong_candles(source: Source, candles: list[Candle], klines: Path | None) -> Iterator[str]:
    assert source.first_us is not None, "a tape has a beginning"
    assert source.last_us is not None, "and an end"
    first_us = BASE.close_of(source.first_us)
    labels = list(range(first_us, source.last_us + 1, MINUTE_US))
    if [candle.timestamp_us for candle in candles] != labels:
        yield f"minutes are stored from {candles[0].timestamp_us if candles else None}: {len(candles)}, expected {len(labels)}"
    if [candle.complete for candle in candles] != [False] + [True] * (len(labels) - 1):
        yield f"complete are {[candle.complete for candle in candles]}; expected all but the first"
    if klines is None:
        return
    with klines.open(encoding="utf-8") as file:
        theirs = {int(row["open_time"]) * 1000 + MINUTE_US: row for row in csv.DictReader(file)}
    for candle in candles:
        row = theirs.get(candle.timestamp_us)
        if candle.timestamp_us == first_us:
            continue
        if row is None or any(getattr(candle, name) != float(row[name]) for name in _NUMBERS):
            yield f"not the venue's own minute: {candle} is not {row}"


def _wrong_latest(redis_url: str, symbol: str, candles: list[Candle]) -> list[str]:
    bus = Bus(redis_url)
    latest = bus.latest(symbol, BASE)
    bus.close()
    if candles and (latest is None or latest.timestamp_us < candles[-1].timestamp_us):
        return [f"Redis has {latest} as the latest minute, stored is {candles[-1]}"]
    return []


def _heal_seconds(cuts: Cuts, gaps: list[Gap]) -> tuple[list[float], list[float]]:
    once: list[float] = []
    again: list[float] = []
    for number, cut in enumerate(cuts.cuts):
        own = [gap for gap in gaps if gap.start_us <= cut.end_us and gap.end_us >= cut.start_us]
        closed = [gap.closed_us for gap in own if gap.closed_us is not None]
        if own and len(closed) == len(own) and number in cuts.back_us:
            goes_on = any(gap.end_us > behind.end_us for gap in own for behind in cuts.cuts[number + 1 : number + 2])
            (again if goes_on else once).append((max(closed) - cuts.back_us[number]) / SECOND_US)
    return once, again


def main(
    tapes: Annotated[list[Path], typer.Argument(help="Recorded frames of one symbol, played as one tape.", exists=True)],
    *,
    speed: Annotated[float, typer.Option(help="Seconds of the tape in a second.")] = 1.0,
    disconnects: Annotated[int, typer.Option(min=1, help="How many.")] = 100,
    seed: Annotated[int, typer.Option(help="Another seed, other disconnects.")] = 1,
    wait: Annotated[float, typer.Option(help="The worker's longest wait before it connects again, seconds of the tape.")] = 1.0,
    rest: Annotated[bool, typer.Option("--rest", help="Cut off REST, too, while a disconnect lasts.")] = False,
    klines: Annotated[Path | None, typer.Option(help="The venue's own minutes (CSV); those of the recorded data if there.")] = None,
) -> None:
    """Play a tape under forced disconnects, and say what was lost, what came back and how fast."""
    logging.disable(logging.CRITICAL)
    beside = tapes[0].absolute().parents[2] / _KLINES
    klines = klines or (beside if beside.exists() else None)
    source = read_tape(*tapes)
    assert source.first_us is not None, "a tape has a beginning"
    assert source.last_us is not None, "and an end"
    cuts = Cuts(draw_cuts(source.first_us, source.last_us, disconnects, seed), rest=rest)
    with servers() as running:
        report = asyncio.run(run(source, cuts, running, speed=speed, wait=wait / speed, klines=klines))
    lengths = sorted((cut.end_us - cut.start_us) / SECOND_US for cut in cuts.cuts)
    print(f"{report.trades} trades from {isoformat(source.first_us)} to {isoformat(source.last_us)} at speed {speed:g}"
          f" in {report.seconds:.1f} s, {'websockets and REST' if rest else 'websockets'} cut")  # fmt: skip
    print(f"disconnects: {report.disconnects} of {len(lengths)}, {lengths[0]:.1f} to {lengths[-1]:.1f} s of the tape,"
          f" {sum(lengths):.0f} s together; longest wait to connect again {wait:g} s of the tape")  # fmt: skip
    print(f"holes: {len(report.gaps)}, {sum(gap.state == 'open' for gap in report.gaps)} of them open;"
          f" trades lost {report.lost}, recovered {report.recovered}")  # fmt: skip
    healed, again = report.heal_seconds, report.again_seconds
    print(f"from reconnect to healed, {len(healed) + len(again)} disconnects: median {report.heal(0.5):.3f} s,"
          f" p90 {report.heal(0.9):.3f} s, worst {report.heal(1.0):.3f} s")  # fmt: skip
    print(f"of these cut again before a trade came: {len(again)}; worst of the others {max(healed, default=0.0):.3f} s")
    print("the venue's own minutes: " + ("not at hand" if klines is None else "compared"))
    print("\n".join(report.wrong[:20]) or "every trade is there, every minute equal, none incomplete but the first")
    sys.exit(1 if report.wrong else 0)


if __name__ == "__main__":
    typer.run(main)
