"""A market of so many trades a second, made by arithmetic, played by the local exchange in a process of its own.

`python -m bench.dense RATE SYMBOLS SPEED SECONDS FILE` prints its port, and writes to FILE when the first frame of each minute of
each symbol was sent (nanoseconds of the machine's clock).
"""

import asyncio
import sys
import time
from collections.abc import Sequence
from pathlib import Path

from exchanges.base import Instrument
from market.trade import Side, Trade
from replay import Faults, LocalExchange, Source
from replay.faults.seam import Piece, Slice
from replay.line import Line
from replay.source import Frame, Series

START_US = 1_767_225_600_000_000  # 2026-01-01
_MINUTE_US = 60_000_000
_MARK = b'"T":'


class DenseSeries(Series):
    """Trade number n of one symbol happens at start + n / rate."""

    def __init__(self, symbol: str, rate: float) -> None:
        self.symbol, self.rate = symbol, rate

    def at(self, moment_us: int) -> int:
        return max(0, -int(-(moment_us - START_US) * self.rate // 1_000_000))

    def find(self, number: int) -> int:
        return max(0, number - 1)

    def moment(self, position: int) -> int:
        return START_US + int(position * 1_000_000 / self.rate)

    def slice(self, start: int, stop: int) -> list[Trade]:
        return [
            Trade(self.symbol, n + 1, 60_000 + n % 97 / 10, 0.001 + n % 7 / 1000, Side.BUY, self.moment(n), 0)
            for n in range(max(0, start), stop)
        ]

    def numbers(self, start: int, stop: int) -> Sequence[int]:
        return range(max(0, start) + 1, stop + 1)


class Dense(Source):
    """Several symbols of equal rate, on Binance's wire."""

    def __init__(self, rate: float, symbols: int) -> None:
        names = [f"BINANCE:B{number}-USDT" for number in range(symbols)]
        instruments = [Instrument(name, "0.01", "0.00001", "live") for name in names]
        super().__init__("BINANCE", "synthetic", instruments, START_US + 1, START_US + 86_400_000_000)
        self._series = {name: DenseSeries(name, rate / symbols) for name in names}

    def fills(self, symbol: str) -> Series:
        return self._series[symbol]

    def aggregates(self, symbol: str) -> Series:
        return self._series[symbol]

    def frames(self, symbol: str, channel: str, start_us: int, end_us: int) -> list[Frame] | None:
        series, wire = self._series[symbol], symbol.partition(":")[2].replace("-", "")
        assert channel == "trade"
        form = (
            b'{"stream":"%s@trade","data":{"e":"trade","E":%%d,"s":"%s","t":%%d,"p":"%%.8f","q":"%%.8f","T":%%d,"m":false,"M":true}}'
            % (wire.lower().encode(), wire.encode())
        )
        made = []
        for n in range(series.at(start_us), series.at(end_us)):
            moment = series.moment(n)
            ms = moment // 1000
            made.append((moment, n, form % (ms, n + 1, 60_000 + n % 97 / 10, 0.001 + n % 7 / 1000, ms)))
        return made


class Stamps(Faults):
    """Notes when the first frame of each minute of each symbol goes out."""

    def __init__(self, symbols: int) -> None:
        super().__init__()
        self.minutes = [0] * symbols
        self.sent: list[str] = []

    def data(self, line: Line, pieces: Sequence[Piece], span: Slice | None) -> Sequence[Piece]:
        for frame in (piece.frame for piece in pieces):
            place = frame.index(_MARK) + 4
            minute = int(frame[place : place + 13]) // 60_000
            number = int(frame[12 : frame.index(b"usdt")])
            if self.minutes[number] != minute:
                self.minutes[number] = minute
                self.sent.append(f"BINANCE:B{number}-USDT {minute * _MINUTE_US} {time.time_ns()}")
        return pieces


async def main() -> None:
    """Play for so many seconds after the first subscription, then wait to be stopped."""
    rate, symbols, speed, seconds = float(sys.argv[1]), int(sys.argv[2]), float(sys.argv[3]), float(sys.argv[4])
    stamps = Stamps(symbols) if len(sys.argv) > 5 else Faults()
    async with LocalExchange(Dense(rate / speed, symbols), speed=speed, faults=stamps) as exchange:
        print(exchange.port, flush=True)
        while exchange.now_us <= START_US + 1:
            await asyncio.sleep(0.05)
        await asyncio.sleep(seconds)
        exchange.pause()
        if isinstance(stamps, Stamps):
            Path(sys.argv[5]).write_text("\n".join(stamps.sent))
        print(exchange.sent, flush=True)
        await asyncio.Event().wait()


if __name__ == "__main__":
    asyncio.run(main())
