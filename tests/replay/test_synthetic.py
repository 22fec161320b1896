"""The generated market: the same whatever is asked first, and without holes."""

from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from market.clock import parse_time
from market.errors import InputError
from market.timeframe import MINUTE_US
from replay.bars import HOUR_US, Interval, bar_of_bars, bars_of_trades, parse_interval
from replay.fills import merged
from replay.source import Market
from replay.synthetic import CHARACTERS, OPENED_US, SyntheticMarket
from replay.views import shifted

SYMBOL = "SYNTHETIC:BTC-USDT"
HOUR = parse_time("2025-06-15T04:00")


@pytest.fixture(scope="module")
def market() -> SyntheticMarket:
    return SyntheticMarket()


def hour_of(market: SyntheticMarket, symbol: str = SYMBOL, start_us: int = HOUR):
    fills = market.fills(symbol)
    return fills.slice(fills.at(start_us), fills.at(start_us + HOUR_US))


def test_the_same_seed_is_the_same_market(market):
    assert hour_of(SyntheticMarket(seed=1)) == hour_of(market)


def test_another_seed_is_another_market(market):
    assert hour_of(SyntheticMarket(seed=2)) != hour_of(market)


def test_the_market_of_a_seed_never_changes(market):
    first = hour_of(market)[0]

    assert (first.trade_id, first.price, first.size, first.side.value, first.timestamp_us - HOUR) == (
        516369601, 56626.9, 0.01643, "sell", 25_000,
    )  # fmt: skip


@pytest.mark.parametrize("character", CHARACTERS, ids=lambda character: character.pair)
def test_ids_have_no_gap_from_one_hour_to_the_next(market, character):
    symbol = f"SYNTHETIC:{character.pair}"
    fills = hour_of(market, symbol, HOUR) + hour_of(market, symbol, HOUR + HOUR_US)

    assert [fill.trade_id for fill in fills] == list(range(fills[0].trade_id, fills[0].trade_id + 2 * character.fills))


@pytest.mark.parametrize("character", CHARACTERS, ids=lambda character: character.pair)
def test_trades_rise_in_time_and_stand_on_their_grids(market, character):
    fills = hour_of(market, f"SYNTHETIC:{character.pair}")
    times = [fill.timestamp_us for fill in fills]

    assert times == sorted(times)
    assert all(time % 1000 == 0 and HOUR <= time < HOUR + HOUR_US for time in times)
    assert all(fill.price == round(fill.price, character.price_digits) > 0 for fill in fills)
    assert all(fill.size == round(fill.size, character.size_digits) > 0 for fill in fills)


def test_every_hour_has_minutes_without_a_trade_and_busy_ones(market):
    for hour in range(24):
        counts = [bar.trades for bar in market.minutes(SYMBOL, HOUR + hour * HOUR_US, HOUR + (hour + 1) * HOUR_US)]

        assert 3 <= 60 - len(counts) <= 15
        assert max(counts) > 3 * sum(counts) / 60


def test_the_price_has_trends_and_stays_near_its_level(market):
    days = market.bars(SYMBOL, parse_interval("1d"), HOUR - 10 * 24 * HOUR_US, HOUR, HOUR)

    assert all(0.002 < bar.high / bar.low - 1 < 0.2 for bar in days)
    assert all(60_000 / 2.5 < bar.close < 60_000 * 2.5 for bar in days)


@settings(max_examples=40, deadline=None)
@given(start=st.integers(0, 3 * 10_800), length=st.integers(0, 12_000))
def test_any_range_of_ids_is_a_piece_of_the_same_market(start, length):
    market = SyntheticMarket()
    position = market.fills(SYMBOL).at(HOUR)
    whole = market.fills(SYMBOL).slice(position, position + 4 * 10_800)

    assert SyntheticMarket().fills(SYMBOL).slice(position + start, position + start + length) == whole[start : start + length]


def test_a_position_in_time_is_the_first_trade_at_or_after_it(market):
    fills = market.fills(SYMBOL)
    trades = hour_of(market)

    for trade in trades[::997]:
        position = fills.at(trade.timestamp_us)

        assert fills.slice(position, position + 1)[0].timestamp_us == trade.timestamp_us
        assert fills.slice(position - 1, position)[0].timestamp_us < trade.timestamp_us


def test_a_number_is_found(market):
    fills, aggregates = market.fills(SYMBOL), market.aggregates(SYMBOL)

    assert fills.slice(fills.find(516369700), fills.find(516369701))[0].trade_id == 516369700
    assert list(aggregates.numbers(aggregates.find(77), aggregates.find(79))) == [77, 78]


def test_aggregates_are_the_fills_merged(market):
    series = market.aggregates(SYMBOL)
    aggregates = series.slice(series.at(HOUR), series.at(HOUR + 2 * HOUR_US))

    assert aggregates == list(merged(hour_of(market) + hour_of(market, start_us=HOUR + HOUR_US)))
    assert sum(aggregate.count > 1 for aggregate in aggregates) > 1000


def test_minutes_are_what_the_trades_say(market):
    assert market.minutes(SYMBOL, HOUR, HOUR + HOUR_US) == bars_of_trades(hour_of(market), MINUTE_US)


@pytest.mark.parametrize("text", ["1s", "1m", "5m", "1h"])
@pytest.mark.parametrize("now_us", [HOUR + HOUR_US, HOUR + 1_234_567_000], ids=["on the hour", "amid a minute"])
def test_bars_are_complete_and_made_of_the_trades_until_now(market, text, now_us):
    interval = parse_interval(text)
    start_us = HOUR if text != "1s" else HOUR + 1_100_000_000
    end_us = min(now_us + 1, start_us + 300_000_000) if text == "1s" else now_us + 1
    bars = market.bars(SYMBOL, interval, start_us, end_us, now_us)
    fills = market.fills(SYMBOL)
    traded = bars_of_trades(fills.slice(fills.at(start_us), fills.at(min(now_us, end_us - 1))), interval.width_us)

    assert [bar.open_us for bar in bars] == list(range(start_us, end_us, interval.width_us))
    assert [bar for bar in bars if bar.trades] == traded
    assert all(bar.open == previous.close for previous, bar in pairwise(bars) if not bar.trades)


def test_nothing_happened_before_the_market_opened(market):
    assert market.fills(SYMBOL).at(OPENED_US - 1) == 0
    assert market.bars(SYMBOL, Interval(MINUTE_US), 0, OPENED_US, OPENED_US) == []


def test_the_future_is_known_already(market):
    fills = market.fills(SYMBOL)
    position = fills.at(parse_time("2031-01-01"))

    assert fills.slice(position, position + 1)[0].trade_id == position + 1


def test_a_moment_beyond_all_calendars_has_a_position(market):
    assert market.fills(SYMBOL).at(10**23) > market.fills(SYMBOL).at(parse_time("2200-01-01"))


def test_an_unknown_pair_is_refused_with_the_known_ones():
    with pytest.raises(InputError, match="no 'DOGE-USDT'; it trades BTC-USDT, ETH-USDT, SOL-USDT"):
        SyntheticMarket(pairs=["BTC-USDT", "DOGE-USDT"])


def test_pairs_can_be_chosen():
    assert SyntheticMarket(pairs=["SOL-USDT"]).symbols == ("SYNTHETIC:SOL-USDT",)


def test_an_hour_made_at_once_is_what_its_minutes_say(market):
    for symbol in market.symbols:
        hours = market.bars(symbol, Interval(HOUR_US), HOUR, HOUR + 3 * HOUR_US, HOUR + 3 * HOUR_US)

        assert [bar_of_bars(bar.open_us, market.minutes(symbol, bar.open_us, bar.open_us + HOUR_US)) for bar in hours] == hours


@pytest.mark.parametrize("text", ["1m", "30m", "1h"])
def test_bars_up_to_an_hour_reach_back_to_the_opening(market, text):
    assert market.first_open(SYMBOL, parse_interval(text), HOUR) == OPENED_US


@pytest.mark.parametrize("text", ["2h", "1d", "1w", "1M"])
def test_wider_bars_reach_back_as_far_as_hourly_ones_on_the_largest_page(market, text):
    interval = parse_interval(text)
    first_us = market.first_open(SYMBOL, interval, HOUR)

    assert HOUR - 1500 * HOUR_US <= first_us < HOUR - 1500 * HOUR_US + interval.longest_us
    assert interval.open_of(first_us) == first_us


@pytest.mark.parametrize("text", ["3d", "1M", "3M"])
@pytest.mark.parametrize("moment", ["2025-03-31T23:59", "2025-04-01T00:00:30"])
def test_the_forming_bar_and_the_one_before_are_told_however_wide(market, text, moment):
    interval, now_us = parse_interval(text), parse_time(moment)

    assert market.first_open(SYMBOL, interval, now_us) <= interval.open_of(interval.open_of(now_us) - 1)


def test_wide_bars_asked_from_the_opening_on_begin_where_they_are_kept_from(market):
    day = parse_interval("1d")
    first_us = market.first_open(SYMBOL, day, HOUR)
    found = Market(market, HOUR).oldest_bars(SYMBOL, day, OPENED_US, HOUR, 2)

    assert [bar.open_us for bar in found] == [first_us, first_us + 24 * HOUR_US]


def test_wide_bars_of_a_market_at_other_times_reach_back_no_further(market):
    day = parse_interval("1d")

    assert shifted(market, 24 * HOUR_US).first_open(SYMBOL, day, HOUR) == market.first_open(SYMBOL, day, HOUR)
