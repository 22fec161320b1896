"""Recording: of every venue and channel, a tape holds what was traded; a refusal is told."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from cli.recorder import Recorder
from exchanges import OKX, VENUES, Bybit, BybitLinear, Coinbase, DataProvider, Kraken, Synthetic
from market.trade import Trade
from replay import LocalExchange, SmallMarket, read_tape

PAIRS = ["BTC-USDT", "ETH-USDT"]
RECORDED = [venue for venue in VENUES.values() if venue is not Synthetic]
CHANNELS = [(venue, channel) for venue in RECORDED for channel in venue.channels]
NAMES = [f"{venue.name}-{channel}" for venue, channel in CHANNELS]


@asynccontextmanager
async def recording(provider: DataProvider, out: Path) -> AsyncIterator[Recorder]:
    recorder = Recorder(provider, out)
    with recorder.tape:
        work = asyncio.create_task(recorder.run())
        async with asyncio.timeout(30):
            yield recorder
        work.cancel()
        await asyncio.gather(work, return_exceptions=True)


async def record_all(exchange: LocalExchange, provider: DataProvider, out: Path) -> Recorder:
    """Record a market from its begin to its end."""
    async with recording(provider, out) as recorder:
        await exchange.ended.wait()
        while recorder.frames < exchange.sent:
            await asyncio.sleep(0.01)
    return recorder


def bare(trades: list[Trade]) -> list[tuple]:
    return [(trade.price, trade.size, trade.side, trade.timestamp_us, trade.count) for trade in trades]


@pytest.mark.parametrize(("venue", "channel"), CHANNELS, ids=NAMES)
async def test_a_tape_holds_what_was_traded(tmp_path: Path, venue: type[DataProvider], channel: str):
    market = SmallMarket(venue.name, PAIRS, seconds=60, rate=3)

    async with LocalExchange(market, speed=100) as exchange:
        provider = venue(PAIRS, channel=channel, endpoints=exchange.endpoints)
        recorder = await record_all(exchange, provider, tmp_path / "tape.jsonl.gz")

    tape = read_tape(tmp_path / "tape.jsonl.gz")
    assert (tape.venue, tape.channel, sorted(tape.symbols)) == (venue.name, channel, list(market.symbols))
    assert tape.report.sentences() == []
    assert recorder.trades == sum(len(market.trades(symbol)) for symbol in market.symbols)
    for symbol in market.symbols:
        series = "aggregates" if channel in venue.merging else "fills"
        recorded, traded = (getattr(source, series)(symbol).slice(0, 10_000) for source in (tape, market))
        assert bare(recorded) == bare(traded)


@pytest.mark.parametrize("venue", [OKX, Bybit, BybitLinear, Coinbase, Kraken])  # Binance acknowledges whatever is asked for
async def test_a_refusal_is_told(tmp_path: Path, venue: type[DataProvider], capsys: pytest.CaptureFixture[str]):
    said, tape = "", tmp_path / "tape.jsonl"
    async with (
        LocalExchange(SmallMarket(venue.name, seconds=600)) as exchange,
        recording(venue(["NONE-USDT"], endpoints=exchange.endpoints), tape),
    ):
        while "refused" not in said:
            said += capsys.readouterr().err
            await asyncio.sleep(0.01)

    assert f"{exchange.ws_url}/" in said
    assert "a local exchange and plays synthetic data; do not take this tape for the venue's" in said
    assert f"{venue.name} refused " in said
