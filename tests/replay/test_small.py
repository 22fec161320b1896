"""The small generated market: the same for the same seed, and full of what is hard."""

from collections import Counter
from itertools import pairwise

import pytest

from exchanges import VENUES
from market.errors import InputError
from market.timeframe import MINUTE_US
from replay import SmallMarket
from replay.small import START_US


def test_the_same_seed_gives_the_same_market_and_another_one_another():
    first, again, other = (SmallMarket("OKX", seed=seed).trades("OKX:BTC-USDT") for seed in (7, 7, 8))

    assert first == again
    assert first != other


def test_a_symbol_does_not_depend_on_the_others():
    alone, both = SmallMarket("OKX", ["ETH-USDT"]), SmallMarket("OKX", ["BTC-USDT", "OKX:ETH-USDT"])

    assert alone.trades("OKX:ETH-USDT") == both.trades("OKX:ETH-USDT")
    assert both.symbols == ("OKX:BTC-USDT", "OKX:ETH-USDT")


@pytest.mark.parametrize("seed", range(20))
def test_ids_are_consecutive_and_times_are_rising_milliseconds_inside_the_market(seed):
    market = SmallMarket("KRAKEN", ["BTC-USD"], seed=seed, seconds=200, rate=2)
    trades = market.trades("KRAKEN:BTC-USD")

    assert len(trades) == 400
    assert all(after.trade_id == before.trade_id + 1 for before, after in pairwise(trades))
    assert all(after.timestamp_us >= before.timestamp_us for before, after in pairwise(trades))
    assert all(trade.timestamp_us % 1000 == 0 for trade in trades)
    assert market.first_us <= trades[0].timestamp_us
    assert trades[-1].timestamp_us < market.last_us == START_US + 200_000_000
    assert all(trade.price > 0 and trade.size > 0 for trade in trades)


def test_it_has_bursts_silent_minutes_trades_at_once_and_trades_at_the_full_minute():
    trades = SmallMarket("OKX", seconds=6000, seed=1).trades("OKX:BTC-USDT")
    per_minute = Counter(trade.timestamp_us // MINUTE_US for trade in trades)
    seconds = {minute: set() for minute in per_minute}
    for trade in trades:
        seconds[trade.timestamp_us // MINUTE_US].add(trade.timestamp_us // 1_000_000)
    inside = range(min(per_minute), max(per_minute) + 1)
    times = [trade.timestamp_us for trade in trades]

    assert 5 < sum(minute not in per_minute for minute in inside) < 30
    assert sum(count > 100 and len(seconds[minute]) <= 6 for minute, count in per_minute.items()) > 5
    assert sum(after == before for before, after in pairwise(times)) > 1000
    assert sum(time % MINUTE_US == 0 for time in times) > 20
    assert sum(time % MINUTE_US == MINUTE_US - 1000 for time in times) > 20


def test_aggregates_stand_for_all_fills():
    market = SmallMarket("BINANCE", rate=5)
    fills, aggregates = market.trades("BINANCE:BTC-USDT"), market.aggregates("BINANCE:BTC-USDT")
    merged = aggregates.slice(0, len(fills))

    assert len(merged) < len(fills)
    assert sum(trade.id_span for trade in merged) == len(fills)
    assert list(aggregates.numbers(0, len(fills))) == list(range(1, len(merged) + 1))


@pytest.mark.parametrize("venue", VENUES)
def test_it_trades_under_the_name_of_any_venue(venue):
    market = SmallMarket(venue, seconds=1, rate=0.1)

    assert market.venue == venue
    assert len(market.trades(f"{venue}:BTC-USDT")) == 1


@pytest.mark.parametrize("wrong", [{"seconds": 0}, {"rate": -1}, {"start_us": 1}, {"seconds": float("nan")}])
def test_a_market_without_length_is_refused(wrong):
    with pytest.raises(InputError, match="above zero"):
        SmallMarket("OKX", **wrong)
