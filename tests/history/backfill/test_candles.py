"""Candles of the local exchange end up in the store: all of them, once, within the venue's limits."""

import asyncio

import pytest

from exchanges import OKX, Binance, BinanceUsdm, Bybit, Coinbase, Kraken
from history.backfill import NativeVenue, Order, Standing, run_backfill
from market.candle import Candle, Origin
from market.timeframe import MINUTE_US, Timeframe
from tests.history.backfill.markets import START_US, Counting, at, bars_of, exchange_of, expected, fill, numbers, past, stored

pytestmark = pytest.mark.postgres
M1 = Timeframe.M1

VENUES = [
    (OKX, "BTC-USDT"), (Binance, "BTC-USDT"), (BinanceUsdm, "BTC-USDT"), (Bybit, "BTC-USDT"), (Coinbase, "BTC-USD"),
    (Kraken, "BTC-USD"),
]  # fmt: skip


@pytest.mark.parametrize(("venue", "pair"), VENUES, ids=[venue.name for venue, _ in VENUES])
async def test_every_minute_is_stored_as_the_venue_has_it(database, venue, pair):
    market = past(venue.name, minutes=420, symbols=(pair,))
    symbol = f"{venue.name}:{pair}"
    async with exchange_of(market, 410) as exchange:
        outcome = await fill(database, venue([pair], endpoints=exchange.endpoints), start_us=at(5), end_us=at(395))
    found = [(each.timestamp_us, numbers(each)) for each in stored(database, symbol)]
    bars = expected(market, symbol, 5, 395)
    if venue is Bybit:  # its candles open at the close before them, and high and low reach that
        found, bars = ([(label, candle[3:]) for label, candle in each] for each in (found, bars))

    assert outcome.state == "done"
    assert found == bars
    assert {(each.origin, each.complete) for each in stored(database, symbol)} == {(Origin.EXCHANGE, True)}
    assert (outcome.standing.wanted, outcome.standing.fetched, outcome.missing) == (390, 390, 0)


async def test_a_second_time_nothing_is_asked(database):
    market, counting = past("OKX", minutes=900), Counting()
    async with exchange_of(market, 850, counting) as exchange:
        provider = OKX(["BTC-USDT"], endpoints=exchange.endpoints)
        await fill(database, provider, end_us=at(840))
        asked = len(counting.of("candles"))
        again = await fill(database, provider, end_us=at(840))

    assert asked == 3
    assert len(counting.of("candles")) == asked
    assert (again.standing.wanted, again.standing.requests, again.state) == (0, 0, "done")


async def test_only_what_is_missing_is_asked_for_newest_first(database):
    market, counting = past("OKX", minutes=1000), Counting()
    async with exchange_of(market, 990, counting) as exchange:
        provider = OKX(["BTC-USDT"], endpoints=exchange.endpoints)
        for first, last in ((100, 400), (500, 900)):
            await fill(database, provider, start_us=at(first), end_us=at(last))
        counting.noted.clear()
        outcome = await fill(database, provider, end_us=at(950), parallel=1)

    assert [int(each["after"]) * 1000 for each in counting.of("candles")] == [at(950), at(500), at(100)]
    assert (outcome.standing.wanted, outcome.standing.stored, outcome.missing) == (250, 250, 0)


async def test_without_an_end_all_that_is_over_is_stored(database):
    market = past("OKX", minutes=60)
    async with exchange_of(market, 50) as exchange:
        outcome = await fill(database, OKX(["BTC-USDT"], endpoints=exchange.endpoints))

    # A minute that has just ended may still change: it is left to the next time.
    assert outcome.end_us == at(49)
    assert stored(database, "OKX:BTC-USDT")[-1].timestamp_us == at(49)


async def test_silent_minutes_at_the_border_of_two_pages_become_flat(database):
    market = past("COINBASE", minutes=2000, rate=0.004, symbols=("BTC-USD",))
    async with exchange_of(market, 2000) as exchange:
        outcome = await fill(database, Coinbase(["BTC-USD"], endpoints=exchange.endpoints), end_us=at(1900))
    found = stored(database, "COINBASE:BTC-USD")
    bars = expected(market, "COINBASE:BTC-USD", 0, 1900)
    traded = [bar for bar in bars if bar[1][4]]

    # Before the first trade and behind the last one of the wanted time nobody says what the price was.
    whole = [bar for bar in bars if traded[0][0] <= bar[0] <= traded[-1][0]]
    assert [(each.timestamp_us, numbers(each)) for each in found] == whole
    assert outcome.missing == 1900 - len(whole)
    assert {each.trades for each in found if not each.volume} == {0}


async def test_silent_minutes_between_two_backfills_become_flat(database):
    market = past("COINBASE", minutes=2000, rate=0.01, symbols=("BTC-USD",))
    bars = expected(market, "COINBASE:BTC-USD", 0, 1900)
    silent = next((label - START_US) // MINUTE_US for label, bar in bars if not bar[4] and label > at(1000))
    async with exchange_of(market, 2000) as exchange:
        provider = Coinbase(["BTC-USD"], endpoints=exchange.endpoints)
        first = await fill(database, provider, start_us=at(900), end_us=at(silent))
        second = await fill(database, provider, start_us=at(silent), end_us=at(1100))
    found = {each.timestamp_us: numbers(each) for each in stored(database, "COINBASE:BTC-USD")}

    assert first.missing == 1
    assert second.state == "done"
    assert found[at(silent)] == dict(bars)[at(silent)]


async def test_silent_minutes_become_flat_once_the_worker_has_stored_what_came_behind_them(database):
    market = past("COINBASE", minutes=2000, rate=0.01, symbols=("BTC-USD",))
    bars = dict(expected(market, "COINBASE:BTC-USD", 0, 1900))
    silent = next((label - START_US) // MINUTE_US for label, bar in bars.items() if not bar[4] and label > at(1000))
    async with exchange_of(market, 2000) as exchange:
        provider = Coinbase(["BTC-USD"], endpoints=exchange.endpoints)
        await fill(database, provider, start_us=at(900), end_us=at(silent))
        database.market_data.upsert_candle(Candle("COINBASE:BTC-USD", M1, at(silent + 1), 1.0, 1.0, 1.0, 1.0))
        second = await fill(database, provider, start_us=at(900), end_us=at(silent))
    found = {each.timestamp_us: numbers(each) for each in stored(database, "COINBASE:BTC-USD")}

    assert (second.standing.requests, second.standing.stored, second.missing) == (0, 1, 0)
    assert found[at(silent)] == bars[at(silent)]


class Crowded(NativeVenue):
    """Knows how many questions were under way at once."""

    now = most = 0

    async def candles(self, *asked):
        self.now += 1
        self.most = max(self.most, self.now)
        try:
            return await super().candles(*asked)
        finally:
            self.now -= 1


@pytest.mark.parametrize("parallel", [1, 3])
async def test_no_more_questions_are_under_way_than_are_allowed_of_all_symbols_together(database, parallel):
    market = past("BINANCE", minutes=9000, symbols=("BTC-USDT", "ETH-USDT", "SOL-USDT"), rate=0.05)
    async with exchange_of(market, 8990) as exchange:
        provider = Binance(["BTC-USDT", "ETH-USDT", "SOL-USDT"], endpoints=exchange.endpoints)
        venue = Crowded(provider)
        order = Order(symbols=provider.symbols, start_us=at(0), end_us=at(8000), parallel=parallel)
        outcomes = await run_backfill(database, venue, order)

    assert [each.state for each in outcomes] == ["done"] * 3
    assert venue.most == parallel


async def test_candles_made_of_trades_stay_and_where_the_venue_differs_is_noted(database):
    market = past("OKX", minutes=100)
    bars = {bar.open_us + MINUTE_US: bar for bar in bars_of(market, "OKX:BTC-USDT", 0, 60)}

    def ours(minute: int, **changed) -> Candle:
        bar = bars[at(minute)]
        values = {"open": bar.open, "high": bar.high, "low": bar.low, "close": bar.close, "volume": bar.volume} | changed
        return Candle("OKX:BTC-USDT", M1, at(minute), **values)

    database.market_data.upsert_candles([
        ours(10), ours(20, volume=bars[at(20)].volume + 0.00000001), ours(30, close=9.0), ours(40, close=9.0, complete=False),
    ])  # fmt: skip
    async with exchange_of(market, 90) as exchange:
        outcome = await fill(database, OKX(["BTC-USDT"], endpoints=exchange.endpoints), end_us=at(60))
    noted = database.backfills.conflicts("OKX:BTC-USDT")

    assert outcome.standing.conflicts == 2
    assert [each.timestamp_us for each in noted] == [at(20), at(30)]
    assert (noted[1].ours["close"], noted[1].theirs["close"]) == (9.0, bars[at(30)].close)
    assert [each.close for each in stored(database, "OKX:BTC-USDT") if each.origin is Origin.LIVE][2:] == [9.0, 9.0]


async def test_the_venues_own_wider_candles_can_be_had(database):
    market = past("OKX", minutes=600)
    async with exchange_of(market, 600) as exchange:
        outcome = await fill(database, OKX(["BTC-USDT"], endpoints=exchange.endpoints), timeframe=Timeframe.H1, end_us=at(590))

    assert (outcome.standing.wanted, outcome.missing) == (9, 0)
    assert database.market_data.stored_timeframes("OKX:BTC-USDT") == [Timeframe.H1]


async def test_several_symbols_share_the_limits_and_all_are_filled(database):
    market, counting = past("OKX", minutes=1900, symbols=("BTC-USDT", "ETH-USDT")), Counting()
    told: list[Standing] = []
    async with exchange_of(market, 1850, counting) as exchange:
        provider = OKX(["BTC-USDT", "ETH-USDT"], endpoints=exchange.endpoints)
        order = Order(symbols=provider.symbols, start_us=at(0), end_us=at(1800))
        outcomes = await run_backfill(database, NativeVenue(provider), order, told.append)

    assert [(each.standing.symbol, each.missing) for each in outcomes] == [("OKX:BTC-USDT", 0), ("OKX:ETH-USDT", 0)]
    assert sum(each.standing.requests for each in outcomes) == len(counting.of("candles")) == 12
    assert {each.symbol for each in told} == set(provider.symbols)
    assert told[-1].rate > 0
    assert within(counting, OKX.budgets["history"])


def within(counting: Counting, budget) -> bool:
    moments = [moment for moment, question in counting.noted if "history-candles" in question.path]
    return all(
        last - first + 1 <= budget.burst + (moments[last] - moments[first]) * budget.per_second + 0.5
        for first in range(len(moments)) for last in range(first, len(moments))
    )  # fmt: skip


async def test_cancelled_it_says_so_and_goes_on_the_next_time(database):
    market, counting = past("OKX", minutes=6000), Counting()
    async with exchange_of(market, 5990, counting) as exchange:
        provider = OKX(["BTC-USDT"], endpoints=exchange.endpoints)
        seen = asyncio.Event()

        def notice(standing: Standing) -> None:
            if standing.stored >= 300:
                seen.set()

        order = Order(symbols=provider.symbols, start_us=at(0), end_us=at(5700))
        task = asyncio.create_task(run_backfill(database, NativeVenue(provider), order, notice))
        await seen.wait()
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        [row] = database.backfills.list()
        outcome = await fill(database, provider, end_us=at(5700))

    assert (row.state, row.wanted) == ("cancelled", 5700)
    assert 300 <= row.stored < 5700
    assert outcome.missing == 0
    assert len(counting.of("candles")) <= 19 + 8


async def test_two_at_once_do_not_ask_twice(database, monkeypatch):
    monkeypatch.setattr("history.backfill.job._CLAIM_TRIES", 2)
    market, counting = past("OKX", minutes=1900), Counting()
    async with exchange_of(market, 1890, counting) as exchange:
        provider = OKX(["BTC-USDT"], endpoints=exchange.endpoints)
        first, second = await asyncio.gather(*(fill(database, provider, end_us=at(1800)) for _ in range(2)))

    assert {first.state, second.state} == {"done", "failed"}
    refused = first if first.state == "failed" else second
    assert "OKX:BTC-USDT 1m is being filled by another process; `tcpdash backfills` shows how far it is" in str(refused.error)
    assert len(counting.of("candles")) == 6


async def test_an_exchange_that_only_ccxt_knows_is_filled_too(database):
    pytest.importorskip("ccxt")
    from exchanges.generic import GenericVenue

    market, counting = past("COINBASE", minutes=900, symbols=("BTC-USD",), rate=0.05), Counting()
    order = Order(symbols=("COINBASEEXCHANGE:BTC-USD",), start_us=at(0), end_us=at(700))
    async with exchange_of(market, 890, counting) as exchange:
        for _ in range(2):
            venue = GenericVenue("coinbaseexchange", {"urls": {"api": {"public": exchange.rest_url}}, "rateLimit": 1})
            [outcome] = await run_backfill(database, venue, order)
    found = stored(database, "COINBASEEXCHANGE:BTC-USD")

    bars = expected(market, "COINBASE:BTC-USD", 0, 700)
    last = max(label for label, bar in bars if bar[4])
    assert [(each.timestamp_us, numbers(each)) for each in found] == [bar for bar in bars if bar[0] <= last]
    assert (outcome.standing.wanted, outcome.standing.requests) == (0, 0)
