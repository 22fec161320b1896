"""Trades, backwards by id: what is stored is a tape without a hole at any moment, and its minutes are proven."""

import asyncio

import msgspec
import pytest
from msgspec.structs import replace

from db.claims import Claims, Purpose
from exchanges import OKX, Binance, BinanceUsdm, Bybit, Coinbase, DataProvider, Kraken
from history.backfill import NativeVenue, Order, Outcome, OutOfReach, Standing, run_backfill
from market.candle import Candle, Origin
from market.errors import InputError
from market.rollup import roll_up
from market.timeframe import MINUTE_US, Timeframe
from replay.answer import Question
from replay.tape import RecordedSeries
from tests.history.backfill.markets import Counting, Past, at, bars_of, exchange_of, past, trades_of

pytestmark = pytest.mark.postgres
M1 = Timeframe.M1


async def fill(database, provider: DataProvider, progress=None, **order) -> Outcome:
    wanted = {"symbols": provider.symbols, "start_us": at(0), "trades": True, **order}
    [outcome] = await run_backfill(database, NativeVenue(provider), Order(**wanted), progress)
    return outcome


def proven(database, market: Past, symbol: str, last: int) -> tuple[list[Candle], int]:
    """Return the stored minutes, held equal to the market, and the first of them."""
    found = list(database.market_data.get_series(symbol, M1).candles())
    first = (found[0].open_us - at(0)) // MINUTE_US
    bars = bars_of(market, symbol, first, last)
    assert [
        (c.open_us, c.open, c.high, c.low, c.close, c.volume, c.quote_volume, c.trades, c.taker_buy_volume, c.complete)
        for c in found
    ] == [
        (b.open_us, b.open, b.high, b.low, b.close, b.volume, b.quote_volume, b.trades, b.taker_volume, True) for b in bars
    ]  # fmt: skip
    return found, first


# So many trades a second that the wanted time is more than one page.
VENUES = [(OKX, "BTC-USDT", 0.3), (Binance, "BTC-USDT", 1.2), (Coinbase, "BTC-USD", 1.2), (Kraken, "BTC-USD", 2.5)]


@pytest.mark.parametrize(("venue", "pair", "rate"), VENUES, ids=[venue.name for venue, *_ in VENUES])
async def test_from_nothing_the_newest_trades_begin_a_tape_that_reaches_back(database, venue, pair, rate):
    market, symbol = past(venue.name, minutes=90, rate=rate, symbols=(pair,)), f"{venue.name}:{pair}"
    async with exchange_of(market, 80) as exchange:
        outcome = await fill(database, venue([pair], endpoints=exchange.endpoints), start_us=at(50))
    trades = [trade for trade in trades_of(market, symbol) if trade.timestamp_us < at(80)]
    stored = database.raw_trades.get_trades(symbol, at(-1), at(99))
    newest = minute_of(trades[-1].timestamp_us)

    found, first = proven(database, market, symbol, newest)
    assert outcome.state == "done"
    assert first <= 50
    assert {candle.origin for candle in found} == {Origin.HEALED}
    assert [(each.trade_id, each.price, each.size, each.timestamp_us) for each in stored] == [
        (each.trade_id, each.price, each.size, each.timestamp_us) for each in trades[-len(stored) :]
    ]
    assert database.raw_trades.contiguity(symbol).missing == 0
    mark = database.watermarks.get(symbol)
    assert (mark.trade_id, mark.since_us) == (trades[-1].trade_id, stored[0].timestamp_us + 1)
    assert outcome.standing.fetched == outcome.standing.wanted == newest - 50


def minute_of(moment_us: int) -> int:
    """Return the number of the minute of the market in which a moment lies."""
    return (moment_us - at(0)) // MINUTE_US


async def test_aggregates_are_numbered_by_their_own_ids(database, monkeypatch):
    monkeypatch.setattr("history.backfill.trades._CONFIRM_SECONDS", 0.0)
    market = past("BINANCEUSDM", minutes=60)
    async with exchange_of(market, 50) as exchange:
        outcome = await fill(database, BinanceUsdm(["BTC-USDT"], endpoints=exchange.endpoints), start_us=at(10))

    proven(database, market, "BINANCEUSDM:BTC-USDT", minute_of(database.watermarks.get("BINANCEUSDM:BTC-USDT").timestamp_us))
    assert outcome.state == "done"


def begin_live(database, market: Past, symbol: str, first: int, last: int) -> None:
    """Store what a worker does that listened from the middle of a minute on; the minute is not complete."""
    trades = [trade for trade in trades_of(market, symbol) if at(first) + 30_000_000 <= trade.timestamp_us < at(last)]
    since_us = trades[0].timestamp_us + 1
    database.raw_trades.insert_trades(trades)
    bars = bars_of(market, symbol, first, last)
    partial = [trade for trade in trades if trade.timestamp_us < at(first + 1)]
    assert partial
    prices = [trade.price for trade in partial]
    candles = [
        Candle(
            symbol, M1, at(first + 1), prices[0], max(prices), min(prices), prices[-1], volume=1.0, trades=len(partial),
            first_trade_id=partial[0].trade_id, last_trade_id=partial[-1].trade_id, complete=False,
        ),
        *(
            Candle(
                symbol, M1, bar.open_us + MINUTE_US, bar.open, bar.high, bar.low, bar.close, bar.volume, bar.quote_volume,
                bar.trades, bar.taker_volume, bar.first_id if bar.trades else None, bar.last_id if bar.trades else None,
            )
            for bar in bars[1:]
        ),
    ]  # fmt: skip
    database.market_data.upsert_candles(candles)
    database.watermarks.set(symbol, trades[-1].trade_id, trades[-1].timestamp_us, since_us)


async def test_a_tape_is_continued_at_its_begin_and_its_first_minute_becomes_whole(database):
    market = past("OKX", minutes=120, rate=0.5, seed=3)
    begin_live(database, market, "OKX:BTC-USDT", 60, 100)
    async with exchange_of(market, 110) as exchange:
        outcome = await fill(database, OKX(["BTC-USDT"], endpoints=exchange.endpoints), start_us=at(30))
    found, first = proven(database, market, "OKX:BTC-USDT", 100)

    assert first <= 30
    assert [(each.open_us, each.revision) for each in found if each.revision] == [(at(60), 1)]
    assert {each.origin for each in found if each.open_us > at(60)} == {Origin.LIVE}
    assert outcome.standing.wanted == 30
    assert database.watermarks.get("OKX:BTC-USDT").since_us <= at(30)


async def test_where_trades_are_not_kept_any_more_their_candles_tell_where_the_tape_begins(database, engine):
    market = past("OKX", minutes=120, rate=0.5, seed=3)
    begin_live(database, market, "OKX:BTC-USDT", 60, 100)
    with engine.begin() as connection:
        connection.exec_driver_sql("delete from raw_trades")
    async with exchange_of(market, 110) as exchange:
        await fill(database, OKX(["BTC-USDT"], endpoints=exchange.endpoints), start_us=at(30))
    found = list(database.market_data.get_series("OKX:BTC-USDT", M1, at(31), at(60)).candles())

    assert [each.complete for each in found] == [True] * 30
    assert database.raw_trades.contiguity("OKX:BTC-USDT").missing == 0


async def test_of_a_symbol_that_a_worker_just_began_to_follow_no_tape_is_begun(database, engine):
    worker = Claims(engine, Purpose.FOLLOW)
    assert worker.claim(["OKX:BTC-USDT"]) == []
    async with exchange_of(past("OKX", minutes=60), 50) as exchange:
        provider = OKX(["BTC-USDT"], endpoints=exchange.endpoints)
        try:
            refused = await fill(database, provider, start_us=at(20))
            mark = database.watermarks.get("OKX:BTC-USDT")
        finally:
            worker.close()
        after = await fill(database, provider, start_us=at(20))

    assert "a worker follows OKX:BTC-USDT and has stored no trade of it so far" in str(refused.error)
    assert (refused.state, mark) == ("failed", None)
    assert after.state == "done"


async def test_a_worker_may_follow_a_symbol_while_its_past_is_filled(database, engine):
    worker, claimed = Claims(engine, Purpose.FOLLOW), list[list[str]]()

    def notice(standing: Standing) -> None:
        if standing.fetched and not claimed:
            claimed.append(worker.claim(["OKX:BTC-USDT"]))

    async with exchange_of(past("OKX", minutes=60, rate=1.0), 50) as exchange:
        await fill(database, OKX(["BTC-USDT"], endpoints=exchange.endpoints), notice, start_us=at(20))
    worker.close()

    assert claimed == [[]]


async def test_a_second_time_nothing_is_asked(database):
    market, counting = past("OKX", minutes=60), Counting()
    async with exchange_of(market, 50, counting) as exchange:
        provider = OKX(["BTC-USDT"], endpoints=exchange.endpoints)
        await fill(database, provider, start_us=at(20))
        asked = len(counting.noted)
        again = await fill(database, provider, start_us=at(20))

    assert asked > 3
    assert [question.path for _, question in counting.noted[asked:]] == ["/api/v5/public/time", "/api/v5/public/instruments"]
    assert (again.standing.wanted, again.state) == (0, "done")


async def test_what_came_behind_the_tape_is_said_where_no_worker_goes_on_with_it(database):
    market = past("OKX", minutes=120, rate=0.5)
    async with exchange_of(market, 50) as exchange:
        first = await fill(database, OKX(["BTC-USDT"], endpoints=exchange.endpoints), start_us=at(30))
    async with exchange_of(market, 110) as exchange:
        second = await fill(database, OKX(["BTC-USDT"], endpoints=exchange.endpoints), start_us=at(30))

    assert first.notes == ()
    assert second.notes[0].startswith("the tape ends at 2024-07-01T00:49:")
    assert "`tcpdash stream --exchange okx --symbols BTC-USDT`" in second.notes[0]
    assert second.missing >= 59


async def test_the_venues_own_candles_give_way_and_where_they_differ_is_noted(database):
    market = past("OKX", minutes=60)
    async with exchange_of(market, 50) as exchange:
        provider = OKX(["BTC-USDT"], endpoints=exchange.endpoints)
        await fill(database, provider, trades=False, start_us=at(10), end_us=at(40))
        wrong = next(database.market_data.get_series("OKX:BTC-USDT", M1, at(25), at(25)).candles())
        database.market_data.upsert_candles([replace(wrong, close=wrong.close + 1, high=wrong.high + 1)], True)
        outcome = await fill(database, provider, start_us=at(10))
    [conflict] = database.backfills.conflicts("OKX:BTC-USDT")

    proven(database, market, "OKX:BTC-USDT", minute_of(database.watermarks.get("OKX:BTC-USDT").timestamp_us))
    assert outcome.standing.conflicts == 1
    assert (conflict.timestamp_us, conflict.ours["close"] + 1) == (at(25), conflict.theirs["close"])


async def test_the_first_trade_ever_ends_it(database, monkeypatch):
    monkeypatch.setattr("history.backfill.trades._CONFIRM_SECONDS", 0.0)
    market = past("OKX", minutes=60)
    async with exchange_of(market, 50) as exchange:
        outcome = await fill(database, OKX(["BTC-USDT"], endpoints=exchange.endpoints), start_us=at(-500))
    first = trades_of(market, "OKX:BTC-USDT")[0]

    assert outcome.state == "done"
    assert database.raw_trades.contiguity("OKX:BTC-USDT").first_id == first.trade_id
    assert outcome.notes[0].startswith("OKX has no trade of OKX:BTC-USDT before 2024-07-01T00:0")


def skipping(market: Past, symbol: str, every: int) -> Past:
    """Return a market whose ids leave out two after each so many."""
    skipped = [
        replace(trade, trade_id=trade.trade_id + 2 * (place // every)) for place, trade in enumerate(trades_of(market, symbol))
    ]
    market.inner._fills[symbol] = RecordedSeries(skipped, [trade.trade_id for trade in skipped])
    return market


async def test_ids_that_never_existed_are_noted_and_the_minutes_are_whole(database, monkeypatch):
    monkeypatch.setattr("history.backfill.trades._CONFIRM_SECONDS", 0.0)
    market = skipping(past("OKX", minutes=60, rate=1.0), "OKX:BTC-USDT", 280)
    async with exchange_of(market, 50) as exchange:
        outcome = await fill(database, OKX(["BTC-USDT"], endpoints=exchange.endpoints), start_us=at(20))
    gaps = database.gaps.list("OKX:BTC-USDT")

    assert outcome.state == "done"
    assert len(gaps) >= 4
    assert {(gap.state, gap.ids) for gap in gaps} == {("never_existed", 2)}
    assert sum(gap.ids for gap in gaps) == database.raw_trades.contiguity("OKX:BTC-USDT").missing
    proven(database, market, "OKX:BTC-USDT", minute_of(database.watermarks.get("OKX:BTC-USDT").timestamp_us))


async def test_an_answer_that_lacks_trades_is_asked_for_again(database, monkeypatch):
    monkeypatch.setattr("history.backfill.trades._CONFIRM_SECONDS", 0.0)
    market = past("OKX", minutes=60, rate=1.0)

    class Short(Counting):
        def answer(self, question: Question, market, answer):
            if "history-trades" not in question.path or len(self.of("history-trades")) != 2:
                return answer
            body = msgspec.json.decode(answer.body)
            del body["data"][40:45]
            return replace(answer, body=msgspec.json.encode(body))

    async with exchange_of(market, 50, Short()) as exchange:
        outcome = await fill(database, OKX(["BTC-USDT"], endpoints=exchange.endpoints), start_us=at(30), parallel=1)

    assert outcome.state == "done"
    assert database.gaps.list() == []
    assert database.raw_trades.contiguity("OKX:BTC-USDT").missing == 0


async def test_cancelled_the_tape_has_no_hole_and_the_next_one_goes_on(database):
    market, counting = past("OKX", minutes=400, rate=1.0), Counting()
    seen = asyncio.Event()

    def notice(standing: Standing) -> None:
        if standing.fetched >= 20:
            seen.set()

    async with exchange_of(market, 390, counting) as exchange:
        provider = OKX(["BTC-USDT"], endpoints=exchange.endpoints)
        task = asyncio.create_task(fill(database, provider, notice, start_us=at(300)))
        await seen.wait()
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        [row] = database.backfills.list()
        whole = database.raw_trades.contiguity("OKX:BTC-USDT")
        outcome = await fill(database, provider, start_us=at(300))

    assert (row.state, row.source) == ("cancelled", "trades")
    assert whole.missing == 0
    assert outcome.state == "done"
    proven(database, market, "OKX:BTC-USDT", minute_of(database.watermarks.get("OKX:BTC-USDT").timestamp_us))
    pages = [each["after"] for each in counting.of("history-trades")]
    assert len(pages) - len(set(pages)) <= 8


async def test_history_that_cannot_be_proven_is_refused_with_what_can_be_done(database):
    market = past("BYBIT", minutes=60)
    async with exchange_of(market, 50) as exchange:
        with pytest.raises(OutOfReach, match=r"trade ids of BYBIT \(channel publicTrade\) prove nothing.*leave --trades out"):
            await fill(database, Bybit(["BTC-USDT"], endpoints=exchange.endpoints))
        with pytest.raises(OutOfReach, match=r"OKX hands out trades since 2024-04-07T00:51:00Z only, not since 2024-03"):
            await fill(database, OKX(["BTC-USDT"], endpoints=exchange.endpoints), start_us=at(-120 * 1440))
        with pytest.raises(InputError, match=r"--trades makes 1m candles.*leave --timeframe 1h out"):
            await fill(database, OKX(["BTC-USDT"], endpoints=exchange.endpoints), timeframe=Timeframe.H1)

    assert database.backfills.list() == []


async def test_wider_candles_of_a_proven_tape_are_proven(database):
    market = past("OKX", minutes=200, rate=0.3)
    async with exchange_of(market, 190) as exchange:
        await fill(database, OKX(["BTC-USDT"], endpoints=exchange.endpoints), start_us=at(60))
    minutes = list(database.market_data.get_series("OKX:BTC-USDT", M1, at(61), at(180)).candles())
    hours = list(database.market_data.get_series("OKX:BTC-USDT", Timeframe.H1, at(120), at(180)).candles())

    assert hours == roll_up(minutes, Timeframe.H1)
    assert [each.complete for each in hours] == [True, True]
