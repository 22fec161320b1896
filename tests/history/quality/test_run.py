"""A check from the order to the ledger, the event, the backfill and the check after it."""

import json
from dataclasses import replace

import msgspec
import pytest
import sqlalchemy as sa

from app.reports.quality import quality_report
from db.bus import SYSTEM_EVENTS_CHANNEL, Bus
from db.repositories.feeds import Feed
from exchanges import OKX
from exchanges.base import Endpoints
from history.backfill import NativeVenue, run_backfill
from history.backfill import Order as Wanted
from history.quality import NothingToCheck, Order, Suite, recheck, run_quality
from market.clock import isoformat
from market.errors import InputError
from market.timeframe import MINUTE_US, Timeframe
from market.window import Window
from tests.history.backfill.markets import at, exchange_of, past
from tests.history.quality.damage import END_US, LOOSE, MINUTES, NOW_US, START_US, SYMBOL, apply, fill, minute, trades

pytestmark = pytest.mark.postgres
CANDLES = Order(symbols=(SYMBOL,), suite=Suite.CANDLES)
TRADES = Order(symbols=(SYMBOL,), suite=Suite.TRADES)


def span(first: int, last: int) -> Window:
    """Return the window of some minutes."""
    return Window(START_US + first * MINUTE_US, START_US + last * MINUTE_US)


def without_minutes(database, first: int, last: int) -> None:
    gone = f"timestamp > {minute(first)} and timestamp <= {minute(last)}"
    apply(database, f"delete from rollup_marks; delete from rollup_changes; delete from market_data where {gone}")


def result(run, rule: str):
    [found] = [each for each in run.results if each.rule == rule]
    return found


async def test_missing_minutes_become_holes_with_the_ids_that_are_known(whole):
    without_minutes(whole, 1000, 1005)
    [run] = await run_quality(whole, CANDLES, at_us=NOW_US)
    [gap] = whole.gaps.list(SYMBOL)

    assert run.missing == (span(1000, 1005),)
    assert (gap.cause, gap.state, gap.start_us, gap.end_us) == ("quality", "open", run.missing[0].start_us, run.missing[0].end_us)
    assert gap.evidence == {"timeframe": "1m", "run": run.id}
    with whole.engine.connect() as connection:
        last = connection.scalar(sa.text(f"select max(last_trade_id) from market_data where timestamp <= {minute(1000)}"))
        first = connection.scalar(sa.text(f"select min(first_trade_id) from market_data where timestamp > {minute(1005)}"))
    assert (gap.first_id, gap.last_id) == (last + 1, first - 1)


async def test_a_hole_between_rows_of_the_venue_has_no_ids(whole):
    apply(whole, "update market_data set origin = 'exchange'")
    without_minutes(whole, 1000, 1005)
    await run_quality(whole, CANDLES, at_us=NOW_US)
    [gap] = whole.gaps.list(SYMBOL)

    assert (gap.first_id, gap.last_id) == (None, None)


async def test_a_hole_that_is_still_there_is_missing_again_and_noted_once(whole):
    without_minutes(whole, 1000, 1001)
    [first] = await run_quality(whole, CANDLES, at_us=NOW_US)
    again = await recheck(whole, first, at_us=NOW_US)

    assert (again.success, again.missing, again.id > first.id) == (False, first.missing, True)
    assert len(whole.gaps.list(SYMBOL)) == 1


async def test_a_hole_that_was_filled_by_its_trades_ends_as_filled(whole):
    apply(whole, f"create table kept as select * from market_data where timestamp = {minute(1000)}")
    without_minutes(whole, 999, 1000)
    [first] = await run_quality(whole, CANDLES, at_us=NOW_US)
    apply(whole, "insert into market_data select * from kept")
    again = await recheck(whole, first, at_us=NOW_US)
    [gap] = whole.gaps.list(SYMBOL)

    assert (again.success, again.missing) == (True, ())
    assert (gap.state, gap.missing) == ("filled", ())


async def test_a_hole_with_ids_stays_open_while_only_the_venues_candle_is_there(whole):
    apply(whole, f"create table kept as select * from market_data where timestamp = {minute(1000)}")
    without_minutes(whole, 999, 1000)
    [first] = await run_quality(whole, CANDLES, at_us=NOW_US)
    apply(whole, "insert into market_data select * from kept; update market_data set origin = 'exchange' where timestamp = "
                 f"{minute(1000)}")  # fmt: skip
    again = await recheck(whole, first, at_us=NOW_US)

    assert (again.success, again.missing, whole.gaps.list(SYMBOL)[0].state) == (True, (), "open")


async def test_a_hole_of_which_the_venue_has_nothing_ends_as_unrecoverable(whole):
    apply(whole, "update market_data set origin = 'exchange'")
    without_minutes(whole, 999, 1000)
    [first] = await run_quality(whole, CANDLES, at_us=NOW_US)
    whole.backfills.answered(SYMBOL, Timeframe.M1, span(999, 1000))
    again = await recheck(whole, first, at_us=NOW_US)

    assert (again.success, again.missing, whole.gaps.list(SYMBOL)[0].state) == (True, (), "unrecoverable")
    assert result(again, "spacing").observed["venue_has_none"] == 1


async def test_missing_ids_become_a_hole_and_the_minutes_to_fetch(whole):
    gone = trades()[1000:1010]
    ids = tuple(trade.trade_id for trade in gone)
    apply(whole, f"delete from raw_trades where trade_id between {ids[0]} and {ids[-1]}")
    [run] = await run_quality(whole, TRADES, at_us=NOW_US)
    [gap] = whole.gaps.list(SYMBOL)

    assert (gap.first_id, gap.last_id, gap.cause) == (gone[0].trade_id - gone[0].id_span + 1, ids[-1], "quality")
    assert (gap.start_us, gap.end_us) == (trades()[999].timestamp_us, trades()[1010].timestamp_us)
    [window] = run.missing
    assert window.start_us <= gap.start_us < gap.end_us < window.end_us

    whole.raw_trades.append(gone)
    again = await recheck(whole, run, at_us=NOW_US)

    assert (again.success, whole.gaps.list(SYMBOL)[0].state) == (True, "filled")


async def test_holes_are_found_over_the_border_of_two_pieces(database, monkeypatch):
    monkeypatch.setattr("history.quality.candles.PIECE_ROWS", 1)  # a week at least
    monkeypatch.setattr("history.quality.trades._PIECE_US", 600 * 1_000_000)
    fill(database)
    gone = trades()[25:40]
    apply(database, f"delete from raw_trades where trade_id between {gone[0].trade_id} and {gone[-1].trade_id}")
    [run] = await run_quality(database, TRADES, at_us=NOW_US)
    [gap] = database.gaps.list(SYMBOL)

    assert (gap.first_id, gap.last_id) == (gone[0].first_id, gone[-1].trade_id)
    assert {each.rule for each in run.failed} == {"contiguous"}


async def test_ids_of_a_venue_that_prove_nothing_are_not_held_to_be_contiguous(database):
    database.raw_trades.append(trades(LOOSE))
    [run] = await run_quality(database, Order(symbols=(LOOSE,), suite=Suite.ALL), at_us=NOW_US)

    assert (result(run, "contiguous").success, result(run, "contiguous").details) == (
        None, "Not checked: the ids of this venue prove nothing."
    )  # fmt: skip
    assert run.success is True


async def test_nor_are_those_of_a_channel_whose_ids_skip(whole):
    gone = trades()[1000:1010]
    apply(whole, f"delete from raw_trades where trade_id between {gone[0].trade_id} and {gone[-1].trade_id}")
    [run] = await run_quality(whole, replace(TRADES, unproven=frozenset({"OKX"})), at_us=NOW_US)

    assert (result(run, "contiguous").success, run.missing, whole.gaps.list(SYMBOL)) == (None, (), [])


async def test_ids_that_started_over_are_followed_from_there(whole):
    later = [replace_trade(trade, number) for number, trade in enumerate(trades(), 1)]
    whole.raw_trades.append(later)
    border = later[0].timestamp_us - 1
    apply(whole, f"""insert into gaps (symbol, start, "end", cause) values ('{SYMBOL}', to_timestamp({border / 1e6 - 1}),
        to_timestamp({border / 1e6}), 'reset')""")  # fmt: skip
    [run] = await run_quality(whole, TRADES, at_us=NOW_US + 10**12)

    assert run.failed == ()


def replace_trade(trade, number):
    return msgspec.structs.replace(trade, trade_id=number, id_span=1, timestamp_us=trade.timestamp_us + 10**12)


async def test_an_event_is_told_when_something_fails_and_only_then(whole, redis_url):
    bus = Bus(redis_url)
    messages = bus.subscribe(SYSTEM_EVENTS_CHANNEL)
    assert next(messages) is None
    await run_quality(whole, CANDLES, bus=bus, at_us=NOW_US)
    without_minutes(whole, 1000, 1001)
    [run] = await run_quality(whole, CANDLES, bus=bus, at_us=NOW_US)
    event = json.loads(next(message for message in messages if message is not None).data)
    bus.close()

    assert event == {
        "event": "quality", "run": run.id, "symbol": SYMBOL, "timeframe": "1m", "suite": "candles", "success": False, "missing": 1,
        "failed": [{"rule": "spacing", "severity": "critical", "count": 1}], "at_us": NOW_US,
    }  # fmt: skip


async def test_a_bus_that_is_away_costs_no_result(whole, caplog):
    without_minutes(whole, 1000, 1001)
    bus = Bus("redis://127.0.0.1:1/0")
    [run] = await run_quality(whole, CANDLES, bus=bus, at_us=NOW_US)
    bus.close()

    assert (run.state, run.success) == ("done", False)
    assert "nobody could be told" in caplog.text


async def test_only_what_was_asked_for_is_checked(whole):
    without_minutes(whole, 1000, 1001)
    order = replace(CANDLES, start_us=START_US + 1500 * MINUTE_US, end_us=START_US + 2000 * MINUTE_US)
    [run] = await run_quality(whole, order, at_us=NOW_US)

    assert (run.success, run.rows, result(run, "fresh").success) == (True, 500, None)


async def test_candles_of_every_width_that_is_stored_are_checked_where_wanted(whole):
    apply(whole, "insert into market_data (symbol, timeframe, timestamp, open, high, low, close, volume, origin, revision) "
                 "select symbol, '30m', timestamp, open, high, -low, close, volume, 'exchange', 0 from candles_15m")  # fmt: skip
    minutes, half_hours, of_trades = await run_quality(whole, Order(symbols=(SYMBOL,), every_width=True), at_us=NOW_US)

    assert (minutes.timeframe, minutes.success, of_trades.suite) == ("1m", True, "trades")
    assert (half_hours.timeframe, result(half_hours, "positive").unexpected_count) == ("30m", 3 * 24 * 4)


async def test_a_candle_of_the_far_future_is_no_hole_up_to_it(whole):
    last = whole.market_data.get_latest_candle(SYMBOL, Timeframe.M1)
    whole.market_data.upsert_candle(msgspec.structs.replace(last, timestamp_us=at(0) + 10**15 - (at(0) + 10**15) % MINUTE_US))
    [run] = await run_quality(whole, CANDLES, at_us=NOW_US)

    assert ({each.rule for each in run.failed}, run.missing, whole.gaps.list(SYMBOL)) == ({"fresh"}, (), [])


async def test_a_clock_that_is_a_little_behind_is_no_future(whole):
    [run] = await run_quality(whole, CANDLES, at_us=END_US - 2_000_000)

    assert run.failed == ()


async def test_symbols_that_nobody_follows_need_not_be_fresh(whole):
    whole.feeds.set(Feed(SYMBOL, "down", "the worker stopped", NOW_US))
    [run] = await run_quality(whole, CANDLES, at_us=NOW_US + 10**12)

    assert result(run, "fresh").success is None
    assert isoformat(END_US) in result(run, "fresh").details


async def test_a_run_that_breaks_off_says_so(whole, monkeypatch):
    def broken(*_):
        raise RuntimeError("no more memory")

    monkeypatch.setattr("history.quality.candles.table_of", broken)
    with pytest.raises(RuntimeError):
        await run_quality(whole, CANDLES, at_us=NOW_US)
    [run] = whole.quality.list(SYMBOL)

    assert (run.state, run.error, run.success) == ("failed", "no more memory", None)


async def test_what_is_stored_while_others_are_checked_is_no_future(whole, monkeypatch):
    moments = iter([END_US - 3_600_000_000])
    monkeypatch.setattr("history.quality.run.now_us", lambda: next(moments, NOW_US))
    runs = await run_quality(whole, Order(symbols=(SYMBOL,)))

    assert [run.failed for run in runs] == [(), ()]


async def test_runs_of_long_ago_are_forgotten(whole):
    await run_quality(whole, CANDLES, at_us=NOW_US)
    apply(whole, f"update quality_runs set started_at = {minute(0)} - interval '181 days'")
    [run] = await run_quality(whole, CANDLES, at_us=NOW_US)

    assert [each.id for each in whole.quality.list()] == [run.id]


async def test_nothing_stored_is_said(database):
    with pytest.raises(NothingToCheck, match="nothing is stored of OKX:BTC-USDT that could be checked: 1m candles; see"):
        await run_quality(database, CANDLES)
    with pytest.raises(NothingToCheck, match="nothing is stored that could be checked: 1m candles or trades"):
        await run_quality(database, Order())
    with pytest.raises(InputError, match="is not before"):
        await run_quality(database, replace(CANDLES, start_us=END_US, end_us=START_US))


async def test_a_real_backfill_heals_what_was_missing_and_the_venue_agrees(database):
    async with exchange_of(past("OKX", minutes=400), 390) as exchange:

        def venue(*_):
            return NativeVenue(OKX((SYMBOL,), endpoints=Endpoints(exchange.ws_url, exchange.rest_url)))

        await run_backfill(database, venue(), Wanted(symbols=(SYMBOL,), start_us=at(10), end_us=at(370)))
        gone = ", ".join(f"to_timestamp({at(number) // 10**6})" for number in (100, 201))
        apply(database, f"delete from market_data where timestamp in ({gone}); delete from backfill_spans")
        [first] = await run_quality(database, CANDLES, venue_of=venue, at_us=at(390))
        for window in first.missing:
            await run_backfill(database, venue(), Wanted(symbols=(SYMBOL,), start_us=window.start_us, end_us=window.end_us))
        again = await recheck(database, first, venue_of=venue, at_us=at(390))
        apply(
            database, f"update market_data set low = low - 0.1, close = low - 0.1 where timestamp < to_timestamp({at(60) // 10**6})"
        )
        spoilt = await recheck(database, first, venue_of=venue, at_us=at(390))

    assert first.missing == (Window(at(99), at(100)), Window(at(200), at(201)))
    assert (again.failed, again.missing) == ((), ())
    assert result(again, "venue").observed == {"compared": 360, "differing": 0, "match_rate": 1.0}
    assert {gap.state for gap in database.gaps.list(SYMBOL)} == {"filled"}
    assert (result(spoilt, "venue").success, result(spoilt, "venue").observed["differing"]) == (False, 49)


async def test_a_venue_that_does_not_answer_is_a_check_that_was_not_done(whole):
    def venue(*_):
        return NativeVenue(OKX((SYMBOL,), endpoints=Endpoints("ws://127.0.0.1:1", "http://127.0.0.1:1")))

    [run] = await run_quality(whole, CANDLES, venue_of=venue, at_us=NOW_US)

    assert (run.success, result(run, "venue").success) == (True, None)
    assert result(run, "venue").details.startswith("Not checked: OKX cannot be reached at http://127.0.0.1:1")


async def test_a_report_holds_what_was_found_and_loads_nothing(whole):
    without_minutes(whole, 1000, 1001)
    [run] = await run_quality(whole, CANDLES, at_us=NOW_US)
    page = quality_report([replace(run, symbol="<script>alert(1)</script>")])

    assert "spacing" in page
    assert "&lt;script&gt;" in page
    assert not any(word in page for word in ("<script", "http:", "https:", "src=", "@import", "url("))
    assert "prefers-color-scheme: dark" in page
    assert run.rows + 1 == MINUTES


async def test_trades_that_retention_left_as_islands_are_not_a_hole(whole):
    all_of_them, day_us = trades(), 1440 * MINUTE_US
    apply(whole, f"delete from raw_trades where trade_id between {all_of_them[10].trade_id} and {all_of_them[500].trade_id}")
    later_us = all_of_them[400].timestamp_us + 2 * day_us  # two days are kept, the island is older

    [run] = await run_quality(whole, replace(TRADES, kept_days=2), at_us=later_us)
    [blind] = await run_quality(whole, TRADES, at_us=later_us)

    assert (result(run, "contiguous").success, run.missing) == (True, ())
    assert not result(blind, "contiguous").success
