"""Our own history client against the local exchange: what it fetches is what the source holds."""

import pytest

from exchanges import OKX, Binance, DataProvider, Synthetic
from exchanges.rest import HistoryClient
from market.clock import parse_time
from market.errors import VenueError
from market.timeframe import Timeframe
from market.window import Window
from replay import LocalExchange, SyntheticMarket

NOW = parse_time("2025-06-15T04:10:30")
VENUES = [OKX, Binance, Synthetic]


def codec_of(venue: type[DataProvider], exchange: LocalExchange) -> DataProvider:
    return venue(["BTC-USDT"], endpoints=exchange.endpoints)


@pytest.mark.parametrize("venue", VENUES)
async def test_trades_are_fetched_by_id(venue):
    source = SyntheticMarket()
    fills = source.fills("SYNTHETIC:BTC-USDT")
    last_id = fills.at(NOW)
    async with LocalExchange(source, start_us=NOW) as exchange, HistoryClient(codec_of(venue, exchange)) as client:
        found = await client.trades(f"{venue.name}:BTC-USDT", last_id - 249, last_id)

    assert [(each.trade_id, each.price, each.size, each.side, each.timestamp_us) for each in found] == [
        (each.trade_id, each.price, each.size, each.side, each.timestamp_us) for each in fills.newest(last_id, 250)
    ]


@pytest.mark.parametrize("venue", VENUES)
async def test_candles_are_fetched_without_a_hole(venue):
    source = SyntheticMarket()
    window = Window(NOW - 200 * 60_000_000, NOW)
    async with LocalExchange(source, start_us=NOW) as exchange, HistoryClient(codec_of(venue, exchange)) as client:
        found = await client.candles(f"{venue.name}:BTC-USDT", Timeframe.M1, window)
    bars = {bar.open_us: bar for bar in source.minutes("SYNTHETIC:BTC-USDT", window.start_us, window.end_us)}

    assert [candle.open_us for candle in found] == list(range(window.start_us + 30_000_000, NOW - 60_000_000, 60_000_000))
    assert all(candle.volume == (bars[candle.open_us].volume if candle.open_us in bars else 0.0) for candle in found)


@pytest.mark.parametrize("venue", VENUES)
async def test_clock_and_symbols_are_fetched(venue):
    async with LocalExchange(SyntheticMarket(), start_us=NOW) as exchange, HistoryClient(codec_of(venue, exchange)) as client:
        exchange.pause()
        time, listed = await client.server_time(), await client.instruments()

        assert time == exchange.now_us
        assert [each.symbol for each in listed] == [f"{venue.name}:{pair}" for pair in ("BTC-USDT", "ETH-USDT", "SOL-USDT")]


@pytest.mark.parametrize("venue", VENUES)
async def test_a_symbol_that_does_not_exist_is_refused_for_good(venue):
    async with LocalExchange(SyntheticMarket(), start_us=NOW) as exchange, HistoryClient(codec_of(venue, exchange)) as client:
        with pytest.raises(VenueError) as refused:
            await client.trades(f"{venue.name}:FOO-BAR", 1, 9)

    assert not refused.value.transient
