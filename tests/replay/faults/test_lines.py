"""Faults of connections, on an exchange without sockets."""

import json
from collections.abc import Iterator

import pytest

from exchanges import VENUES, Binance
from exchanges.base import ControlKind
from replay.deeds import Close, Cut, HangUp
from tests.replay.faults.listener import CHANNELS, Floor
from tests.replay.hands import Hands, hands


@pytest.fixture
def time() -> Iterator[Hands]:
    with hands() as source:
        yield source


def test_a_drop_cuts_everyone_and_hangs_up_on_the_next_ones(time):
    floor = Floor(time, "OKX", ["drop:at=20,for=5"])
    first, second = floor.open(), floor.open()
    floor.play(22)
    refused = floor.open()
    floor.play(4)
    again = floor.open()
    floor.play(60)

    assert (first.end, second.end) == (Cut(1), Cut(2))
    assert refused.refusal is not None
    assert refused.refusal.answer is None
    assert (again.refusal, again.end) == (None, None)
    assert floor.script.strikes == {"drop": 3}


def test_a_connection_may_end_without_a_closing_frame(time):
    floor = Floor(time, "OKX", ["close-without-frame:at=20"])
    client = floor.open()
    floor.play(30)

    assert client.end == HangUp(1)
    assert floor.script.strikes == {"close-without-frame": 1}


def test_new_connections_are_accepted_and_cut_until_it_is_over(time):
    floor = Floor(time, "BINANCE", ["accept-then-drop:at=20,for=10,after=0.5"])
    floor.open()
    lives = []
    for _ in range(160):
        floor.play(0.25)
        if floor.clients[-1].end is not None:
            lives.append(time.seconds)
            floor.open()

    assert lives == [20.0 + 0.5 * number for number in range(20)]
    assert floor.script.strikes["accept-then-drop"] == 20
    assert floor.clients[-1].end is None


@pytest.mark.parametrize(("venue", "channel"), CHANNELS)
def test_a_dead_subscription_is_acknowledged_and_then_silent(time, venue, channel):
    floor = Floor(time, venue, ["ack-without-data:at=0"], channel=channel)
    dead = floor.open()
    live = floor.open()
    acknowledged, greeting = len(dead.frames), dead.parsed
    floor.play(50)
    told = dead.provider.parse_all(dead.frames[acknowledged:], 0)
    floor.play()

    assert ControlKind.SUBSCRIBED in {control.kind for control in greeting.controls}
    assert told.trades == []
    assert {control.kind for control in told.controls} <= {ControlKind.PONG, ControlKind.OTHER}
    assert live.ids == floor.true_ids
    assert floor.script.strikes == {"ack-without-data": 1}


@pytest.mark.parametrize(("venue", "channel"), CHANNELS)
def test_a_stall_loses_what_happens_while_heartbeats_go_on(time, venue, channel):
    floor = Floor(time, venue, ["stall:at=100,for=100"], channel=channel)
    client = floor.open()
    floor.play(100)
    before = len(client.frames)
    floor.play(99.5)
    told = client.provider.parse_all(client.frames[before:], 0)
    floor.play()
    lost = set(floor.true_ids) - set(client.ids)
    place = min(floor.true_ids.index(number) for number in lost)

    assert told.trades == []
    assert floor.true_ids[place : place + len(lost)] == sorted(lost, key=floor.true_ids.index)
    assert floor.script.strikes == {"stall": 1}
    if VENUES[venue].keep_alive.ping or venue in {"KRAKEN", "COINBASE"}:
        assert {control.kind for control in told.controls} & {ControlKind.PONG, ControlKind.HEARTBEAT}


def test_a_stalled_venue_still_says_how_far_the_market_went(time):
    floor = Floor(time, "COINBASE", ["stall:at=100,for=60"], channel="matches")
    client = floor.open()
    floor.play(155)
    newest = [control.newest_id for control in client.parsed.controls if control.newest_id is not None]

    assert newest[-1] > client.ids[-1]


def test_a_frozen_line_is_deaf_and_mute_and_cut_in_the_end(time):
    floor = Floor(time, "OKX", ["freeze:at=20,for=90"])
    client = floor.open()
    floor.play(20)
    before = len(client.frames)
    floor.say(client, "ping")
    floor.play(80)
    after, other = len(client.frames), floor.open()
    floor.play(30)

    assert client.frozen
    assert before == after
    assert client.end == Cut(1)
    assert other.end is None
    assert other.ids
    assert floor.script.strikes == {"freeze": 1}


def test_what_was_late_when_a_line_froze_is_never_said(time):
    floor = Floor(time, "OKX", ["slow:seconds=30", "freeze:at=100"])
    client = floor.open()
    floor.play(100)
    before = len(client.frames)
    floor.play(50)

    assert 0 < len(client.frames) == before


@pytest.mark.parametrize(
    ("venue", "found"),
    [
        ("OKX", {"event": "notice", "code": "64008"}), ("BINANCE", {"stream": "!serverShutdown"}),
        ("KRAKEN", {"channel": "status", "type": "update"}),
    ],
)  # fmt: skip
def test_the_end_is_announced_in_the_venues_words_and_comes(time, venue, found):
    floor = Floor(time, venue, ["notice:at=20,after=30,close=1"])
    client = floor.open()
    floor.play(19.75)
    before = len(client.frames)
    floor.play(29.5)
    announced = [json.loads(frame) for frame in client.frames[before:] if frame != b"pong"]
    alive = client.end is None
    floor.play(2)

    assert any(found.items() <= frame.items() for frame in announced)
    assert any(control.kind in {ControlKind.NOTICE, ControlKind.CLOSING} for control in client.parsed.controls)
    assert client.parsed.refused == []
    assert alive
    assert client.end == Close(1, 1001, "service upgrade")
    assert floor.script.strikes == {"notice": 1}


class _RawBinance(Binance):
    """Names its stream in the address."""

    def stream_path(self) -> str:
        return "/ws/btcusdt@trade"

    def subscribe(self, symbols: object = None) -> list[str]:
        return []


def test_a_raw_stream_is_told_of_a_shutdown_without_an_envelope(time):
    floor = Floor(time, "BINANCE", ["notice:at=1"])
    client = floor.open()
    other = floor.open(_RawBinance(floor.market.symbols))
    floor.play(60)

    assert b'{"e":"serverShutdown","E":' in b"".join(other.frames)
    assert b'"stream"' not in b"".join(other.frames)
    assert client.end is None


@pytest.mark.parametrize("venue", ["COINBASE", "BYBIT", "BYBITLINEAR"])
def test_where_there_are_no_words_for_the_end_nothing_happens(time, venue):
    floor = Floor(time, venue, ["notice:at=20,close=1"])
    client = floor.open()
    floor.play(60)

    assert client.end is None
    assert floor.script.strikes == {}


def test_old_connections_are_closed(time):
    floor = Floor(time, "OKX", ["rotation:life=45"])
    first = floor.open()
    floor.play(20)
    second = floor.open()
    floor.play(30)

    assert first.end == Close(1, 1001, "the connection is too old")
    assert second.end is None
    floor.play(20)
    assert second.end is not None
    assert floor.script.strikes == {"rotation": 2}


@pytest.mark.parametrize(("venue", "channel"), CHANNELS)
def test_slow_is_late_and_in_order(time, venue, channel):
    floor = Floor(time, venue, ["slow:at=60,for=120,seconds=20"], channel=channel)
    client = floor.open()
    floor.play(70)
    heard = len(client.trades)
    floor.play()
    numbers = client.parsed.numbers

    assert client.ids == floor.true_ids
    assert client.ids[:heard] == [
        number for number, trade in zip(floor.true_ids, client.trades, strict=True)
        if trade.timestamp_us < floor.market.first_us + 59_550_000
    ]  # fmt: skip
    assert numbers == sorted(numbers)
    assert floor.script.strikes == {"slow": 1}


def test_a_slow_consumer_is_closed_in_the_venues_words(time):
    floor = Floor(time, "OKX", ["slow-consumer:bytes=1000"])
    floor.open()

    assert floor.core.unread(1, 1000) == []
    assert floor.core.unread(1, 1001) == [Close(1, 4005, "The client's buffer is full")]
    assert floor.script.strikes == {"slow-consumer": 1}


EVERYTHING = [
    "drop:at=70,for=3", "duplicate:p=0.05", "reorder:p=0.05", "hole-late:p=0.02,times=2", "never-existed:every=50",
    "conflict:p=0.05", "zero-price:p=0.05", "garbage:p=0.1", "burst:every=40,frames=30", "hole:p=0.02", "stall:at=150,for=20",
    "rotation:life=90", "slow:at=200,for=20", "clock:seconds=3", "notice:every=80", "rest-lag:p=0.1", "freeze:at=260,for=10",
]  # fmt: skip


@pytest.mark.parametrize(("venue", "channel"), CHANNELS)
@pytest.mark.parametrize("order", [1, -1])
def test_all_faults_are_at_work_together_and_no_trade_is_invented(time, venue, channel, order):
    floor = Floor(time, venue, EVERYTHING[::order], channel=channel, seed=5)
    for _ in range(310):
        if not floor.clients or floor.clients[-1].refusal or floor.clients[-1].end:
            floor.open()
        floor.play(1)
    heard = [trade for client in floor.clients if client.refusal is None for trade in client.trades]
    sizes = {(trade.timestamp_us + 3_000_000, trade.size) for trade in floor.market.trades(floor.symbol)}

    assert len(floor.clients) > 4
    assert {"drop", "duplicate", "garbage", "burst", "stall", "rotation", "clock", "freeze"} <= set(floor.script.strikes)
    assert len(heard) > 50
    if channel not in floor.provider.merging:
        assert {(trade.timestamp_us, trade.size) for trade in heard} <= sizes
