"""Records what a venue sends, byte for byte."""

import asyncio
import signal
import time
from pathlib import Path

import click
from websockets.exceptions import ConnectionClosed, WebSocketException

from exchanges.base import ControlKind, DataProvider
from market.clock import monotonic
from market.errors import VenueUnreachable
from replay import TapeWriter
from streaming.backoff import Backoff
from streaming.line import Socket, dial


async def record_frames(provider: DataProvider, out: Path, seconds: float | None) -> None:
    """Write every frame of a venue to a tape until SIGINT, SIGTERM, or for so many seconds; reconnect when it breaks off.

    Raises:
        VenueUnreachable: If the first connection fails.
    """
    stop = asyncio.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        asyncio.get_running_loop().add_signal_handler(number, stop.set)
    recorder = Recorder(provider, out)
    with recorder.tape:
        work = asyncio.create_task(recorder.run())
        waiting = asyncio.create_task(stop.wait())
        await asyncio.wait({work, waiting}, timeout=seconds, return_when=asyncio.FIRST_COMPLETED)
        for task in (work, waiting):
            task.cancel()
        results = await asyncio.gather(work, waiting, return_exceptions=True)
        click.echo(f"{recorder.frames:,} frames with {recorder.trades:,} trades recorded to {out}", err=True)
    if isinstance(results[0], Exception):
        raise results[0]


class Recorder:
    """Copies one venue's frames to a tape.

    Attributes:
        frames: Frames received so far.
        trades: Trades in them, those that a venue repeats to a new subscriber included.
    """

    def __init__(self, provider: DataProvider, out: Path) -> None:
        self._provider = provider
        self._url = provider.endpoints.stream.rstrip("/") + provider.stream_path()
        self._backoff = Backoff()
        self.tape = TapeWriter(out)
        self.frames = self.trades = 0

    async def run(self) -> None:
        """Record for ever.

        Raises:
            VenueUnreachable: If the venue cannot be reached before the first frame.
        """
        while True:
            try:
                await self._record()
            except ConnectionClosed as error:
                click.echo(f"{self._provider.name} closed the connection ({error}); trying again", err=True)
            except (OSError, WebSocketException, ValueError) as error:
                if not self.frames:
                    raise VenueUnreachable(self._provider.name, self._url, str(error) or type(error).__name__) from error
                click.echo(f"{self._provider.name} cannot be reached ({error}); trying again", err=True)
            await asyncio.sleep(self._backoff.next())

    async def _record(self) -> None:
        socket, label = await dial(self._url)
        try:
            self.tape.write("connect", self._url, "", time.time_ns())
            if label:
                click.echo(
                    f"{self._url} is a local exchange and plays {label} data; do not take this tape for the venue's", err=True
                )
            reading = asyncio.create_task(self._copy(socket))  # from the first frame on: some venues greet, or answer at once
            try:
                await self._subscribe(socket)
                await reading
            finally:
                reading.cancel()
                await asyncio.gather(reading, return_exceptions=True)
        finally:
            await socket.close()

    async def _subscribe(self, socket: Socket) -> None:
        for number, frame in enumerate(self._provider.subscribe()):
            await asyncio.sleep(self._provider.keep_alive.pause if number else 0.0)
            await socket.send(frame)
            self.tape.write("send", self._url, frame, time.time_ns())

    async def _copy(self, socket: Socket) -> None:
        rules = self._provider.keep_alive
        while True:
            try:
                async with asyncio.timeout(rules.ping_after if rules.ping else None):
                    received = await socket.recv(decode=False)
            except TimeoutError:
                await socket.send(rules.ping or "")
            else:
                self.tape.write("recv", self._url, received, time.time_ns())
                self.frames += 1
                self._backoff.good(monotonic())
                self._look_at(received)

    def _look_at(self, frame: bytes) -> None:
        parsed = self._provider.parse_all([frame], 0)
        self.trades += sum(trade.count for trade in parsed.trades)
        for control in parsed.controls:
            if control.kind is ControlKind.REFUSED:
                what = control.symbol or "the subscription"
                click.echo(f"{self._provider.name} refused {what}: {control.message or control.code}", err=True)
