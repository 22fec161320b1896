"""Our own history client against the local exchange: what it fetches is what the source holds, at every venue."""

import pytest

from exchanges import VENUES, DataProvider, Kraken
from exchanges.rest import HistoryClient
from market.errors import VenueError
from market.timeframe import Timeframe
from market.window import Window
from replay import LocalExchange, SyntheticMarket
from tests.replay.played import NOW, SYMBOL, bare

CLOCK_STEPS_US = {"KRAKEN": 1_000_000}  # it shows whole seconds
WITHOUT_EMPTY_MINUTES = {"COINBASE"}

each_venue = pytest.mark.parametrize("venue", VENUES.values(), ids=VENUES)


def codec_of(venue: type[DataProvider], exchange: LocalExchange) -> DataProvider:
    return venue(["BTC-USDT"], endpoints=exchange.endpoints)


@each_venue
async def test_trades_are_fetched_by_id(venue):
    source = SyntheticMarket()
    merging = venue.channels[0] in venue.merging
    series = source.aggregates(SYMBOL) if merging else source.fills(SYMBOL)
    async with LocalExchange(source, start_us=NOW) as exchange, HistoryClient(codec_of(venue, exchange)) as client:
        exchange.pause()
        stop = series.at(exchange.now_us)
        wanted = list(zip(series.numbers(stop - 250, stop), series.slice(stop - 250, stop), strict=True))
        found = await client.trades(f"{venue.name}:BTC-USDT", wanted[0][0], wanted[-1][0], wanted[0][1].timestamp_us)

    kept = venue.page if venue.history_seconds == 0 else len(wanted)
    assert [(each.trade_id, each.price, each.size, each.side, each.timestamp_us) for each in found] == [
        (number, each.price, each.size, each.side, each.timestamp_us) for number, each in wanted[-kept:]
    ]


@each_venue
async def test_candles_are_fetched_without_a_hole(venue):
    source = SyntheticMarket()
    window = Window(NOW - 200 * 60_000_000, NOW)
    async with LocalExchange(source, start_us=NOW) as exchange, HistoryClient(codec_of(venue, exchange)) as client:
        found = await client.candles(f"{venue.name}:BTC-USDT", Timeframe.M1, window)
    bars = {bar.open_us: bar for bar in source.minutes(SYMBOL, window.start_us, window.end_us)}
    minutes = range(window.start_us + 30_000_000, NOW - 60_000_000, 60_000_000)

    assert any(minute not in bars for minute in minutes)
    assert [candle.open_us for candle in found] == [
        minute for minute in minutes if minute in bars or venue.name not in WITHOUT_EMPTY_MINUTES
    ]
    assert all(candle.volume == (bars[candle.open_us].volume if candle.open_us in bars else 0.0) for candle in found)


@each_venue
async def test_the_clock_is_fetched(venue):
    async with LocalExchange(SyntheticMarket(), start_us=NOW) as exchange, HistoryClient(codec_of(venue, exchange)) as client:
        exchange.pause()

        assert await client.server_time() == exchange.now_us - exchange.now_us % CLOCK_STEPS_US.get(venue.name, 1)


@each_venue
async def test_symbols_are_fetched(venue):
    async with LocalExchange(SyntheticMarket(), start_us=NOW) as exchange, HistoryClient(codec_of(venue, exchange)) as client:
        listed = await client.instruments()

    assert [each.symbol for each in listed] == [f"{venue.name}:{pair}" for pair in ("BTC-USDT", "ETH-USDT", "SOL-USDT")]


@each_venue
async def test_a_symbol_that_does_not_exist_is_refused_for_good(venue):
    async with LocalExchange(SyntheticMarket(), start_us=NOW) as exchange, HistoryClient(codec_of(venue, exchange)) as client:
        with pytest.raises(VenueError) as refused:
            await client.trades(f"{venue.name}:FOO-USDT", 1, 9)

    assert not refused.value.transient


async def test_trades_of_kraken_are_fetched_over_several_pages():
    source = SyntheticMarket()
    fills, last_id = source.fills(SYMBOL), source.fills(SYMBOL).at(NOW)
    wanted = fills.newest(last_id, 1200)
    async with LocalExchange(source, start_us=NOW) as exchange, HistoryClient(codec_of(Kraken, exchange)) as client:
        exchange.pause()
        found = await client.trades("KRAKEN:BTC-USDT", last_id - 1199, last_id, wanted[0].timestamp_us)

    assert [bare(each) for each in found] == [bare(each) for each in wanted]
