"""The main job: a tape through the local exchange, the worker and real servers, against the truth."""

import asyncio
from pathlib import Path

import msgspec
import pandas as pd
import pytest

from db.operations import DatabaseOperations
from exchanges import VENUES, Binance, DataProvider, Synthetic
from market.rollup import roll_up
from market.timeframe import Timeframe
from replay import LocalExchange, SmallMarket, Source, SyntheticMarket, read_tape
from replay.source import Series
from streaming import DataCollector
from tests.system.generated import START_US, SYMBOL, generated_trades, true_minutes, write_tape

pytestmark = [pytest.mark.postgres, pytest.mark.redis]

SHARED = Path(__file__).parents[3] / "shared" / "data"
NUMBERS = ["open", "high", "low", "close", "volume"]


async def collect(source: Source, provider, symbols: list[str], database: DatabaseOperations, redis_url: str, **options) -> None:
    """Play a whole tape into the store, as fast as is asked for."""
    async with LocalExchange(source, **options) as exchange:
        collector = DataCollector(database, redis_url)
        collector.register_provider(provider.name, provider(endpoints=exchange.endpoints))
        collecting = asyncio.create_task(collector.start_collection(symbols, ["1m", "5m"]))
        await asyncio.wait(
            {collecting, asyncio.create_task(exchange.ended.wait())}, return_when=asyncio.FIRST_COMPLETED, timeout=120
        )
        assert exchange.ended.is_set()
        await _until_stored(database, symbols[0], streamed(provider, source), source.last_us)
        collector.stop()
        await asyncio.wait_for(collecting, 30)


def streamed(provider: type[DataProvider], source: Source) -> Series:
    """Return what a venue's default channel sends of a source's first symbol."""
    merging = provider.channels[0] in provider.merging
    return source.aggregates(source.symbols[0]) if merging else source.fills(source.symbols[0])


async def _until_stored(database: DatabaseOperations, symbol: str, series: Series, end_us: int) -> None:
    stop = series.at(end_us)
    [last] = series.numbers(stop - 1, stop)
    async with asyncio.timeout(60):
        while (mark := await asyncio.to_thread(database.watermarks.get, symbol)) is None or mark.trade_id < last:
            await asyncio.sleep(0.05)


async def test_a_generated_tape_is_stored_whole_and_its_candles_are_the_truth(tmp_path: Path, database, redis_url: str):
    trades = generated_trades(12)
    source = read_tape(write_tape(tmp_path / "tape.jsonl.gz", trades))

    await collect(source, Binance, [SYMBOL], database, redis_url, speed=150)

    stored = database.market_data.get_candles(SYMBOL, "1m").set_index("timestamp")
    truth = true_minutes(trades).iloc[:-1]
    assert list(stored.index) == list(truth.index)
    for name in [*NUMBERS, "quote_volume", "trades", "taker_buy_volume"]:
        assert stored[name].tolist() == truth[name].tolist(), name
    assert stored["complete"].tolist() == [False] + [True] * (len(truth) - 1)
    whole = database.raw_trades.contiguity(SYMBOL)
    assert (whole.rows, whole.missing, whole.first_id) == (len(trades), 0, trades[0].trade_id)
    assert database.raw_trades.get_trades(SYMBOL, START_US, trades[-1].timestamp_us + 1)[7].price == trades[7].price
    assert database.gaps.list() == []


@pytest.mark.parametrize("channel", ["trades-all", "trades"])
async def test_okx_frames_of_both_channels_make_the_same_candles(channel: str, database, redis_url: str):
    source = SyntheticMarket()
    start_us = 1_767_225_600_000_000 - 90_000_000
    async with LocalExchange(source, speed=100, start_us=start_us) as exchange:
        collector = DataCollector(database, redis_url)
        collector.register_provider("synthetic", Synthetic(channel=channel, endpoints=exchange.endpoints))
        collecting = asyncio.create_task(collector.start_collection(["BTC-USDT", "SOL-USDT"]))
        async with asyncio.timeout(60):
            while len(await asyncio.to_thread(database.market_data.get_series, "SYNTHETIC:SOL-USDT", "1m")) < 5:
                await asyncio.sleep(0.05)
        collector.stop()
        await asyncio.wait_for(collecting, 30)

    for symbol in ("SYNTHETIC:BTC-USDT", "SYNTHETIC:SOL-USDT"):
        stored = database.market_data.get_candles(symbol, "1m").iloc[1:]
        fills = source.fills(symbol)
        first_us, last_us = (moment.value // 1000 for moment in (stored["timestamp"].iloc[0], stored["timestamp"].iloc[-1]))
        truth = true_minutes(fills.slice(fills.at(first_us - 60_000_000), fills.at(last_us)))
        truth = truth.reindex(stored["timestamp"])
        traded = truth["volume"].notna() & (truth["volume"] > 0)
        assert traded.any()
        for name in [*NUMBERS, "trades"]:
            assert stored.loc[traded.to_numpy(), name].tolist() == truth.loc[traded, name].tolist(), (symbol, name)
        assert stored.loc[~traded.to_numpy(), "volume"].eq(0).all()
        assert stored["complete"].all()


async def test_wider_candles_from_sql_equal_those_rolled_up(tmp_path: Path, database, redis_url: str):
    source = read_tape(write_tape(tmp_path / "tape.jsonl.gz", generated_trades(17)))
    await collect(source, Binance, [SYMBOL], database, redis_url, speed=400)

    minutes = list(database.market_data.get_series(SYMBOL, "1m").candles())
    for timeframe in (Timeframe.M5, Timeframe.M15):
        rolled = [candle for candle in roll_up(minutes, timeframe) if candle.final]
        assert list(database.market_data.get_series(SYMBOL, timeframe).candles()) == rolled


async def test_the_recorded_binance_tape_equals_the_venues_own_candles(database, redis_url: str):
    tapes = [SHARED / "ws" / "binance" / name for name in ("hft_spot_btcusdt_20240808.gz", "hft_spot_btcusdt_20240809.gz")]
    klines = SHARED / "pairs" / "binance_spot_BTCUSDT_20240808_klines_1m.csv"
    if not all(path.exists() for path in (*tapes, klines)):
        pytest.skip(f"the recorded data is not at {SHARED}")

    await collect(read_tape(*tapes), Binance, [SYMBOL], database, redis_url, speed=50)

    theirs = pd.read_csv(klines)
    theirs["timestamp"] = pd.to_datetime(theirs["open_time"] + 60_000, unit="ms", utc=True)
    ours = database.market_data.get_candles(SYMBOL, "1m")
    both = theirs.merge(ours, on="timestamp", suffixes=("_theirs", ""))
    both = both[(both["timestamp"] >= "2024-08-08T23:56Z") & (both["timestamp"] <= "2024-08-09T00:05Z")]
    assert len(both) == 10
    for name in NUMBERS:
        assert both[name].tolist() == both[f"{name}_theirs"].tolist(), name
    assert both["complete"].all()
    whole = database.raw_trades.contiguity(SYMBOL)
    assert (whole.rows, whole.missing) == (19_904, 0)


async def test_what_dropped_connections_lost_is_fetched_back(tmp_path: Path, database, redis_url: str):
    trades = generated_trades(8)
    source = read_tape(write_tape(tmp_path / "tape.jsonl.gz", trades))
    async with LocalExchange(source, speed=40) as exchange:
        collector = DataCollector(database, redis_url)
        collector.register_provider("binance", Binance(endpoints=exchange.endpoints))
        collecting = asyncio.create_task(collector.start_collection([SYMBOL]))
        for share in (0.25, 0.5, 0.75):
            async with asyncio.timeout(60):
                while exchange.now_us < START_US + share * 8 * 60_000_000 or not exchange.connections:
                    await asyncio.sleep(0.01)
            exchange.drop_connections()
        await asyncio.wait_for(exchange.ended.wait(), 60)
        await _until_stored(database, SYMBOL, streamed(Binance, source), source.last_us)
        await _until_healed(database)
        collector.stop()
        await asyncio.wait_for(collecting, 30)

    truth = true_minutes(trades).iloc[:-1]
    stored = database.market_data.get_candles(SYMBOL, "1m").set_index("timestamp")
    assert stored[[*NUMBERS, "trades"]].to_numpy().tolist() == truth[[*NUMBERS, "trades"]].to_numpy().tolist()
    assert stored["complete"].tolist() == [False] + [True] * (len(truth) - 1)
    kept = [trade.trade_id for trade in database.raw_trades.get_trades(SYMBOL, START_US - 1, START_US + 10**9)]
    assert kept == [trade.trade_id for trade in trades]
    gaps = database.gaps.list(SYMBOL)
    assert gaps
    assert {(gap.cause, gap.state, gap.missing) for gap in gaps} == {("disconnect", "filled", ())}
    assert all(gap.recovered == gap.last_id - gap.first_id + 1 for gap in gaps)


async def test_the_minutes_of_a_quiet_symbol_are_closed_while_nobody_trades(tmp_path: Path, database, redis_url: str):
    trades = [trade for trade in generated_trades(12) if not 2 <= (trade.timestamp_us - START_US) / 60_000_000 < 10]
    renumbered = [msgspec.structs.replace(trade, trade_id=number) for number, trade in enumerate(trades, 1)]
    source = read_tape(write_tape(tmp_path / "tape.jsonl.gz", renumbered))
    async with LocalExchange(source, speed=40) as exchange:
        collector = DataCollector(database, redis_url)
        collector.register_provider("binance", Binance(endpoints=exchange.endpoints))
        collecting = asyncio.create_task(collector.start_collection([SYMBOL]))
        async with asyncio.timeout(60):
            while exchange.now_us < START_US + 9 * 60_000_000:
                await asyncio.sleep(0.02)
        stored = await asyncio.to_thread(database.market_data.get_candles, SYMBOL, "1m")
        collector.stop()
        await asyncio.wait_for(collecting, 30)

    quiet = stored[stored["trades"] == 0]
    assert len(quiet) >= 2
    assert quiet["complete"].all()
    assert (quiet["close"] == stored["close"].iloc[2]).all()


async def test_a_worker_that_is_stopped_goes_on_as_if_it_never_was(tmp_path: Path, database, redis_url: str):
    trades = generated_trades(6)
    source = read_tape(write_tape(tmp_path / "tape.jsonl.gz", trades))
    async with LocalExchange(source, speed=30) as exchange:
        for stop_at in (2, 3, None):
            collector = DataCollector(database, redis_url)
            collector.register_provider("binance", Binance(endpoints=exchange.endpoints))
            collecting = asyncio.create_task(collector.start_collection([SYMBOL]))
            async with asyncio.timeout(60):
                while not exchange.connections:
                    await asyncio.sleep(0.01)
                exchange.resume()
                while not exchange.ended.is_set() if stop_at is None else exchange.now_us < START_US + stop_at * 60_000_000:
                    await asyncio.sleep(0.01)
            exchange.pause()
            if stop_at is None:
                await _until_stored(database, SYMBOL, streamed(Binance, source), source.last_us)
            else:
                await asyncio.sleep(0.3)  # what was sent before the pause is on its way to us
            collector.stop()
            await asyncio.wait_for(collecting, 30)

    stored = database.market_data.get_candles(SYMBOL, "1m").set_index("timestamp")
    truth = true_minutes(trades).iloc[:-1]
    assert stored[[*NUMBERS, "trades"]].to_numpy().tolist() == truth[[*NUMBERS, "trades"]].to_numpy().tolist()
    assert stored["complete"].tolist() == [False] + [True] * (len(truth) - 1)
    assert database.raw_trades.contiguity(SYMBOL).rows == len(trades)
    assert database.gaps.list() == []


@pytest.mark.parametrize("name", VENUES)
async def test_the_candles_of_every_venue_are_the_truth(database, redis_url: str, name: str):
    source, symbol = SmallMarket(name, seconds=280, rate=5), f"{name}:BTC-USDT"
    await collect(source, VENUES[name], [symbol], database, redis_url, speed=60)

    truth = true_minutes(streamed(VENUES[name], source).slice(0, len(source.trades(symbol))))
    stored = database.market_data.get_candles(symbol, "1m").set_index("timestamp").loc[: truth.index[-2]]
    assert list(stored.index) == list(truth.index[:-1])
    for column in [*NUMBERS, "trades"]:
        assert stored[column].tolist() == truth[column].iloc[:-1].tolist(), column
    assert database.gaps.list() == []


def test_every_venue_is_registered_under_its_name(database, redis_url: str):
    collector = DataCollector(database, redis_url)
    for venue in VENUES.values():
        collector.register_provider(venue.name, venue())

    assert {name: provider.name for name, provider in collector.providers.items()} == {name.lower(): name for name in VENUES}


async def _until_healed(database) -> None:
    async with asyncio.timeout(60):
        while await asyncio.to_thread(database.gaps.list, state="open"):
            await asyncio.sleep(0.05)
