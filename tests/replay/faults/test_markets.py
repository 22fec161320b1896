"""Faults of the market and of REST, on an exchange without sockets."""

import json
from collections.abc import Iterator
from itertools import pairwise

import pytest

from exchanges import VENUES
from exchanges.base import ControlKind
from market.clock import now_us
from market.errors import VenueError
from market.timeframe import MINUTE_US, parse_timeframe
from market.window import Window
from replay import ExchangeCore, FaultScript, SyntheticMarket
from replay.answer import read_question
from replay.deeds import Reply
from replay.faults.markets import _Jumps
from tests.replay.faults.listener import CHANNELS, Floor
from tests.replay.hands import Hands, hands

PROVABLE = [(venue, channel) for venue, channel in CHANNELS if channel not in VENUES[venue].unproven]
every_venue = pytest.mark.parametrize("venue", VENUES)
every_channel = pytest.mark.parametrize(("venue", "channel"), CHANNELS)
TWO = ("BTC-USDT", "ETH-USDT")


@pytest.fixture
def time() -> Iterator[Hands]:
    with hands() as source:
        yield source


def jumps_of(*pairs: tuple[int, int]) -> _Jumps:
    jumps = _Jumps()
    for first, ids in pairs:
        jumps.skip(first, ids)
    return jumps


def test_skipped_numbers_are_nobodys_and_the_rest_has_its_own():
    jumps = jumps_of((10, 5), (12, 3), (12, 2))
    outer = [jumps.outer(number) for number in range(8, 15)]

    assert outer == [8, 9, 15, 16, 22, 23, 24]
    assert [jumps.inner(number) for number in outer] == list(range(8, 15))
    assert [jumps.inner(number) for number in (10, 14, 17, 21)] == [10, 10, 12, 12]


@pytest.mark.parametrize(("venue", "channel"), PROVABLE)
def test_ids_that_never_existed_are_nowhere(time, venue, channel):
    floor = Floor(time, venue, ["never-existed:every=100,ids=7"], channel=channel)
    client = floor.open()
    floor.play()
    spans = {trade.trade_id: trade.id_span for trade in client.trades}
    jumps = [(before, after) for before, after in pairwise(client.ids) if after - spans[after] != before]

    assert len(jumps) == floor.script.strikes["never-existed"] > 1
    assert len(client.ids) == len(floor.true_ids)
    assert {after - spans[after] - before for before, after in jumps} == {7}
    answered = floor.fetch(client.ids[0], client.ids[-1])
    assert [number for number in answered if number in spans] == client.ids
    for before, after in jumps:
        assert [number for number in floor.fetch(before + 1, after - spans[after]) if before < number <= after - spans[after]] == []


def test_candles_name_the_ids_after_a_jump(time):
    floor = Floor(time, "BINANCE", ["never-existed:at=100,ids=1000"])
    client = floor.open()
    floor.play()
    rows = json.loads(floor.ask("/api/v3/klines", symbol="BTCUSDT", interval="1m").answer.body)

    assert sum(row[8] for row in rows) == len(client.ids)
    assert client.ids[-1] - client.ids[0] == len(client.ids) - 1 + 1000


@pytest.mark.parametrize("venue", ["BYBIT", "BYBITLINEAR"])
def test_where_ids_prove_nothing_none_are_skipped(time, venue):
    floor = Floor(time, venue, ["never-existed:at=100"])
    client = floor.open()
    floor.play()

    assert client.ids == floor.true_ids
    assert floor.script.strikes == {}


@every_channel
def test_a_delisted_symbol_is_silent_unknown_and_refused(time, venue, channel):
    floor = Floor(time, venue, ["delist:at=220"], channel=channel, symbols=TWO)
    client = floor.open()
    floor.play()
    gone, left = f"{venue}:ETH-USDT", f"{venue}:BTC-USDT"
    late = floor.open(floor.provider.following([gone]))
    floor.play(5)
    listed = [each.symbol for each in floor.provider.parse_instruments(_instruments(floor))]
    heard = [trade for trade in client.trades if trade.symbol == gone]

    assert heard
    assert max(trade.timestamp_us for trade in heard) < floor.market.first_us + 220_000_000
    assert len({trade.trade_id for trade in client.trades if trade.symbol == left}) == len(floor.true_ids)
    assert (left in listed, gone in listed) == (True, False)
    assert late.trades == []
    if "BINANCE" not in venue:  # it acknowledges whatever it is asked for
        assert ControlKind.REFUSED in {control.kind for control in late.parsed.controls}
    assert floor.script.strikes == {"delist": 1}


@every_venue
def test_rest_does_not_know_a_delisted_symbol(time, venue):
    floor = Floor(time, venue, ["delist:at=100,symbol=BTC-USDT"], symbols=TWO)
    floor.open()
    floor.play(150)

    with pytest.raises(VenueError) as refused:
        floor.run(floor.provider.newest_trades(floor.symbol, 0))
    assert not refused.value.transient


def _instruments(floor: Floor) -> bytes:
    request = floor.provider.instruments()
    return floor.good(floor.ask(request.path, **dict(request.params)).answer)


@every_channel
@pytest.mark.parametrize("seconds", [5, -5])
def test_a_wrong_clock_is_wrong_everywhere(time, venue, channel, seconds):
    floor = Floor(time, venue, [f"clock:seconds={seconds}"], channel=channel)
    client = floor.open()
    floor.play()
    request = floor.provider.server_time()
    told_us = floor.provider.parse_server_time(floor.good(floor.ask(request.path, **dict(request.params)).answer))
    newest = floor.run(floor.provider.newest_trades(floor.symbol, 0))
    true_us = {trade.timestamp_us for trade in floor.market.trades(floor.symbol)}
    told = [trade.timestamp_us - seconds * 1_000_000 for trade in (*client.trades, *newest)]

    assert client.ids == floor.true_ids
    assert abs(told_us - floor.core.now_us - seconds * 1_000_000) <= 1_000_000  # Kraken tells whole seconds
    assert newest
    assert set(told) <= true_us
    assert min(true_us) in told
    assert floor.script.strikes == {"clock": 1}


def test_a_generated_market_may_be_ahead_of_the_local_clock(time):
    core = ExchangeCore(SyntheticMarket(), faults=FaultScript(["clock:seconds=5"]))
    body = json.loads(core.answer(read_question("/api/v5/public/time")).answer.body)

    assert int(body["data"][0]["ts"]) * 1000 - now_us() == 5_000_000


def test_candles_of_a_wrong_clock_are_made_of_other_trades(time):
    floor, right = (Floor(time, "OKX", faults) for faults in (["clock:seconds=5"], []))
    for each in (floor, right):
        each.open()
        each.play()
    window = Window(floor.market.first_us // MINUTE_US * MINUTE_US, floor.market.last_us + MINUTE_US)
    candles, rights = (
        each.run(each.provider.candles(each.symbol, parse_timeframe("1m"), window)) for each in (floor, right)
    )  # fmt: skip

    assert sum(candle.volume for candle in candles) == pytest.approx(sum(candle.volume for candle in rights), rel=0.3)
    assert [candle.volume for candle in candles] != [candle.volume for candle in rights]


# -- REST --------------------------------------------------------------------------------------------------------------


@every_venue
def test_a_lagging_rest_knows_what_was_then_and_the_time_that_is(time, venue):
    floor = Floor(time, venue, ["rest-lag:seconds=30"])
    floor.open()
    floor.play(290)
    request = floor.provider.server_time()
    told_us = floor.provider.parse_server_time(floor.good(floor.ask(request.path, **dict(request.params)).answer))
    newest = floor.run(floor.provider.newest_trades(floor.symbol, 0))
    known = [trade for trade in floor.market.trades(floor.symbol) if trade.timestamp_us < floor.core.now_us - 30_000_000]

    assert abs(told_us - floor.core.now_us) <= 1_000_000
    assert newest[-1].timestamp_us == known[-1].timestamp_us
    assert floor.script.strikes == {"rest-lag": 1}


@every_venue
@pytest.mark.parametrize(("kind", "status"), [("rest-429", 429), ("rest-418", 418)])
def test_too_many_questions_are_refused_and_the_time_to_wait_is_told(time, venue, kind, status):
    floor = Floor(time, venue, [f"{kind}:retry_after=17"])
    request = floor.provider.server_time()

    answer = floor.ask(request.path, **dict(request.params)).answer
    with pytest.raises(VenueError) as refused:
        floor.good(answer)

    assert answer.status == status
    assert refused.value.transient
    assert refused.value.retry_after_seconds == 17
    assert floor.script.strikes == {kind: 1}


@every_venue
def test_an_error_is_told_in_the_venues_way_and_may_be_tried_again(time, venue):
    floor = Floor(time, venue, ["rest-error:at=0,for=10"])
    floor.open()
    request = floor.provider.newest_trades(floor.symbol, 0).send(None)

    answer = floor.ask(request.path, **dict(request.params)).answer
    with pytest.raises(VenueError) as refused:
        floor.good(answer)
    floor.play(10)

    assert answer.status == (503 if VENUES[venue].name in {"BINANCE", "BINANCEUSDM", "COINBASE"} else 200)
    assert refused.value.transient
    assert isinstance(floor.good(floor.ask(request.path, **dict(request.params)).answer), bytes)


@pytest.mark.parametrize(
    ("venue", "code", "found"),
    [
        ("OKX", "50013", b'"50013"'), ("KRAKEN", "EService:Busy", b'"EService:Busy"'), ("BYBIT", "10016", b'"retCode":10016'),
        ("BINANCE", "-1007", b'"code":-1007'), ("COINBASE", "Sorry", b'"message":"Sorry"'),
    ],
)  # fmt: skip
def test_an_error_may_be_another_one(time, venue, code, found):
    floor = Floor(time, venue, [f"rest-error:code={code}"])
    request = floor.provider.server_time()

    assert found in floor.ask(request.path).answer.body


def test_no_answer_is_none_at_once_or_after_a_while(time):
    at_once, later = Floor(time, "OKX", ["rest-down"]), Floor(time, "OKX", ["rest-down:seconds=9"])

    assert at_once.ask("/api/v5/public/time") == Reply(None)
    assert later.ask("/api/v5/public/time") == Reply(None, 9.0)


def test_faults_of_questions_strike_by_chance_or_the_next_one(time):
    floor, once = Floor(time, "OKX", ["rest-429:p=0.3"]), Floor(time, "OKX", ["rest-429:at=0"])
    once.open()
    statuses = [floor.ask("/api/v5/public/time").answer.status for _ in range(200)]

    assert 40 < statuses.count(429) < 80
    assert floor.script.strikes["rest-429"] == statuses.count(429)
    assert [once.ask("/api/v5/public/time").answer.status for _ in range(3)] == [429, 200, 200]
