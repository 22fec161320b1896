"""Faults of frames with trades, for every venue and channel: what its own codec makes of them."""

from collections import Counter
from collections.abc import Iterator
from itertools import pairwise

import pytest

from exchanges import VENUES
from market.errors import VenueError
from tests.replay.faults.listener import CHANNELS, Floor
from tests.replay.hands import Hands, hands

every_channel = pytest.mark.parametrize(("venue", "channel"), CHANNELS)
PROVABLE = [(venue, channel) for venue, channel in CHANNELS if channel not in VENUES[venue].unproven]


@pytest.fixture
def time() -> Iterator[Hands]:
    with hands() as source:
        yield source


@every_channel
def test_without_faults_a_client_hears_every_trade_once(time, venue, channel):
    floor = Floor(time, venue, channel=channel)
    client = floor.open()
    floor.play()

    assert client.ids == floor.true_ids
    assert client.parsed.refused == []


@every_channel
def test_a_duplicate_comes_right_behind_its_frame(time, venue, channel):
    floor = Floor(time, venue, ["duplicate:p=0.2"], channel=channel, seed=3)
    client = floor.open()
    floor.play()
    seen = Counter(client.ids)

    assert list(dict.fromkeys(client.ids)) == floor.true_ids
    assert sum(count - 1 for count in seen.values()) >= floor.script.strikes["duplicate"] > 5


@every_channel
def test_neighbours_are_swapped_and_nothing_is_lost(time, venue, channel):
    floor = Floor(time, venue, ["reorder:every=10"], channel=channel)
    client = floor.open()
    floor.play()
    swapped = sum(before > after for before, after in pairwise(client.ids))

    assert sorted(client.ids) == sorted(floor.true_ids)
    assert client.ids != floor.true_ids
    if venue not in {"BYBIT", "BYBITLINEAR"}:  # their ids do not tell the order
        assert swapped >= floor.script.strikes["reorder"] - 1 > 4


def test_a_held_frame_is_sent_when_no_neighbour_comes(time):
    floor = Floor(time, "OKX", ["reorder:at=295"], rate=0.5)
    client = floor.open()
    floor.play()

    assert client.ids == floor.true_ids


@pytest.mark.parametrize(("venue", "channel"), PROVABLE)
def test_a_hole_is_seen_in_the_ids_and_rest_has_it(time, venue, channel):
    floor = Floor(time, venue, ["hole:at=20,frames=4"], channel=channel)
    client = floor.open()
    floor.play()
    lost = [number for number in floor.true_ids if number not in set(client.ids)]

    assert floor.script.strikes["hole"] == 1
    assert lost
    place = floor.true_ids.index(lost[0])
    assert lost == floor.true_ids[place : place + len(lost)]
    assert set(lost) <= set(floor.fetch(lost[0], lost[-1]))


def test_a_hole_has_as_many_frames_as_it_is_told(time):
    floor = Floor(time, "OKX", ["hole:at=20,frames=4", "hole:at=60"])
    client = floor.open()
    floor.play()

    assert len(floor.true_ids) - len(client.ids) == 5
    assert floor.script.strikes == {"hole": 2}


@pytest.mark.parametrize(("venue", "channel"), PROVABLE)
@pytest.mark.parametrize("times", [1, 3])
def test_a_late_hole_is_lacking_in_the_first_answers(time, venue, channel, times):
    floor = Floor(time, venue, [f"hole-late:at=150,frames=4,times={times}"], channel=channel)
    client = floor.open()
    floor.play()
    lost = [number for number in floor.true_ids if number not in set(client.ids)]

    answers = [set(floor.fetch(lost[0], lost[-1])) & set(lost) for _ in range(times + 1)]

    assert lost
    assert answers[0] == set()
    assert answers[-1] == set(lost)


def test_a_late_hole_that_two_lines_lose_is_lacking_as_often_as_one(time):
    floor = Floor(time, "BINANCE", ["hole-late:p=0.5,times=2"], channel="trade")
    clients = [floor.open(), floor.open()]
    floor.play()
    lost = [set(floor.true_ids) - set(client.ids) for client in clients]
    first, last = min(lost[0] & lost[1]), max(lost[0] & lost[1])

    answers = [set(floor.fetch(first, last)) for _ in range(3)]

    assert answers[0] & lost[0] == answers[1] & lost[1] == set()
    assert answers[2] == {number for number in floor.true_ids if first <= number <= last}


def test_what_is_around_a_late_hole_is_answered(time):
    floor = Floor(time, "BINANCE", ["hole-late:at=20,frames=3,times=9"], channel="trade")
    client = floor.open()
    floor.play()
    lost = set(floor.true_ids) - set(client.ids)
    first, last = min(lost) - 5, max(lost) + 5

    assert floor.fetch(first, last) == [number for number in range(first, last + 1) if number not in lost]
    assert floor.fetch(first, min(lost) - 1) == list(range(first, min(lost)))
    assert floor.fetch(max(lost) + 1, last) == list(range(max(lost) + 1, last + 1))


def test_the_newest_trades_lack_a_late_hole_at_their_end(time):
    floor = Floor(time, "OKX", ["hole-late:at=20,frames=1000000,times=2"])
    client = floor.open()
    floor.play()

    newest = [[trade.trade_id for trade in floor.run(floor.provider.newest_trades(floor.symbol, 0))] for _ in range(3)]

    assert newest[0] == newest[1] == client.ids[-len(newest[0]) :]
    assert newest[2][-1] == floor.true_ids[-1]


@every_channel
def test_a_conflict_is_the_same_id_at_another_price(time, venue, channel):
    floor = Floor(time, venue, ["conflict:every=20"], channel=channel)
    client = floor.open()
    floor.play()
    prices: dict[int, list[float]] = {}
    for trade in client.trades:
        prices.setdefault(trade.trade_id, []).append(trade.price)
    conflicts = [found for found in prices.values() if len(set(found)) > 1]

    assert set(prices) == set(floor.true_ids)
    assert len(conflicts) == floor.script.strikes["conflict"] > 3
    assert all(second > first for first, second in conflicts)


@every_channel
@pytest.mark.parametrize("price", ["0", "nan"])
def test_a_trade_without_a_price_is_refused_by_the_codec(time, venue, channel, price):
    floor = Floor(time, venue, [f"zero-price:every=20,price={price}"], channel=channel)
    client = floor.open()
    floor.play()

    assert len(client.parsed.refused) == floor.script.strikes["zero-price"] > 3
    assert set(client.ids) < set(floor.true_ids)


@every_channel
@pytest.mark.parametrize("form", ["text", "truncated", "nested"])
def test_garbage_is_refused_by_the_codec_and_costs_no_trade(time, venue, channel, form):
    floor = Floor(time, venue, [f"garbage:every=20,form={form}"], channel=channel)
    client = floor.open()
    floor.play()

    assert len(client.parsed.refused) == floor.script.strikes["garbage"] > 3
    assert client.ids == floor.true_ids


def test_garbage_comes_in_all_forms(time):
    floor = Floor(time, "OKX", ["garbage:p=0.3"])
    client = floor.open()
    floor.play()
    refused = [error.frame for error in client.parsed.refused]

    assert client.binary
    assert len(client.binary) + len(refused) == floor.script.strikes["garbage"]
    assert {bytes(frame[:5]) for frame in refused} >= {b"<html", b'{"dat', b'{"arg'}


BATCHED = {
    ("OKX", "trades-all"), ("OKX", "trades"), ("BYBIT", "publicTrade"), ("KRAKEN", "trade"), ("COINBASE", "market_trades"),
} & set(CHANNELS)  # fmt: skip


@every_channel
def test_a_burst_loses_nothing_and_keeps_the_order(time, venue, channel):
    floor = Floor(time, venue, ["burst:every=10,frames=12"], channel=channel, rate=5)
    client = floor.open()
    floor.play()

    assert client.ids == floor.true_ids
    assert floor.script.strikes["burst"] > 6
    numbers = client.parsed.numbers
    assert numbers == sorted(numbers)
    assert len(numbers) in {0, numbers[-1] - numbers[0] + 1 if numbers else 0}


@pytest.mark.parametrize(("venue", "channel"), sorted(BATCHED))
def test_a_burst_is_one_frame_where_the_venue_sends_lists(time, venue, channel):
    floor = Floor(time, venue, ["burst:at=20,frames=12,seconds=60"], channel=channel, rate=5)
    client = floor.open()
    before = len(client.frames)
    floor.play()
    sizes = [len(floor.provider.parse_all([frame], 0).trades) for frame in client.frames[before:]]

    assert client.ids == floor.true_ids
    assert max(sizes) >= 12


def test_a_burst_has_at_most_a_thousand_trades_in_a_frame(time):
    floor = Floor(time, "OKX", ["burst:frames=1500,seconds=1000"], rate=6)
    client = floor.open()
    floor.play()
    sizes = [len(floor.provider.parse_all([frame], 0).trades) for frame in client.frames]

    assert client.ids == floor.true_ids[:1500]
    assert [size for size in sizes if size] == [1000, 500]


def test_what_is_held_for_a_burst_comes_when_time_is_up(time):
    floor = Floor(time, "OKX", ["burst:frames=1000000,seconds=3"])
    client = floor.open()
    floor.play()

    assert client.ids == floor.true_ids


def test_a_fault_may_be_for_one_symbol_only(time):
    floor = Floor(time, "OKX", ["hole:symbol=ETH-USDT"], symbols=("BTC-USDT", "ETH-USDT"))
    client = floor.open()
    floor.play()

    assert client.ids == floor.true_ids
    assert {trade.symbol for trade in client.trades} == {"OKX:BTC-USDT"}


@pytest.mark.parametrize("step", [0.05, 1.0, 200.0])
def test_the_same_seed_strikes_the_same_trades_however_time_passes(time, step):
    lost = []
    for seed in (7, 7, 8):
        floor = Floor(time, "BINANCE", ["hole:p=0.1"], seed=seed)
        client = floor.open()
        floor.play(400, 0.25 if len(lost) == 1 else step)
        lost.append(set(floor.true_ids) - set(client.ids))

    assert lost[0] == lost[1] != lost[2]


def test_chance_differs_between_connections_and_between_faults(time):
    floor = Floor(time, "OKX", ["hole:p=0.1"])
    first, second = floor.open(), floor.open()
    floor.play()
    twice = Floor(time, "OKX", ["hole:p=0.1", "hole:p=0.1"])
    client = twice.open()
    twice.play()

    assert first.ids != second.ids
    assert set(client.ids) < set(first.ids) | set(second.ids)


def test_rest_refusals_are_errors_of_the_codec(time):
    with pytest.raises(VenueError):
        Floor(time, "OKX", ["rest-429"]).fetch(1, 2)
