"""Subscriptions that a venue refuses or does not acknowledge: when they are asked for again, and what is said of them."""

import asyncio
from collections import defaultdict
from itertools import pairwise
from typing import Any

import msgspec
import pytest

from exchanges import OKX, Bybit, Coinbase
from exchanges.base import Control, ControlKind
from market.clock import monotonic, now_us
from market.trade import Side, Trade
from streaming.subscriptions import Subscriptions
from tests.streaming.scripted import Stage, okx_ack, okx_push, okx_rest, wires_of

MANY = [f"OKX:C{number}-USDT" for number in range(300)]
FOUR = [f"OKX:C{number}-USDT" for number in range(4)]


def refuse_by_name(message: dict[str, Any]) -> list[str]:
    return [
        f'{{"event":"error","code":"60018","msg":"channel:trades-all,instId:{wire} doesn\'t exist","connId":"a"}}'
        for wire in wires_of(message)
    ]


def refuse_without_a_name(_: dict[str, Any]) -> list[str]:
    return ['{"event":"error","code":"60014","msg":"Requests too frequent","connId":"a"}']


class Asked:
    """What `Subscriptions` asked for."""

    def __init__(self, symbols: list[str] = FOUR, venue: type = OKX) -> None:
        self.symbols: list[str] = []
        self.subscriptions = Subscriptions(venue(symbols), self.symbols.extend)
        self.subscriptions.connected(0.0)

    def tick(self, *moments: float) -> list[str]:
        before = len(self.symbols)
        for moment in moments:
            self.subscriptions.tick(moment)
        return self.symbols[before:]

    def acknowledge(self, *symbols: str | None) -> None:
        for symbol in symbols:
            self.subscriptions.acknowledged(Control(ControlKind.SUBSCRIBED, symbol))

    def refuse(self, symbol: str | None, now: float) -> None:
        self.subscriptions.refused(Control(ControlKind.REFUSED, symbol, "60018", "no such thing"), now)


# -- a storm ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("refuse", [refuse_by_name, refuse_without_a_name])
def test_a_venue_that_refuses_every_request_is_asked_for_each_symbol_once_a_minute_at_most(refuse):
    stage = Stage(OKX, MANY, refuse, okx_rest())

    async def wait() -> None:
        await asyncio.sleep(600.0)

    stage.run(wait)

    requests = [(at, msgspec.json.decode(message)) for at, message in stage.venue.said if message != "ping"]
    assert [len(message["args"]) for _, message in requests[:3]] == [100, 100, 100]
    moments = defaultdict(list)
    for at, message in requests[3:]:
        [wire] = wires_of(message)
        moments[wire].append(at)
    assert len(moments) == 300
    pauses = [b - a for times in moments.values() for a, b in pairwise(times)]
    assert min(pauses) >= 59.9
    assert max(pauses) <= 90.0  # 300 requests at four a second take longer than a minute: nothing piles up


def test_requests_leave_one_by_one_at_the_venues_pace():
    stage = Stage(OKX, MANY, lambda _: [], okx_rest())

    async def ask_for_all_at_once() -> None:
        await asyncio.sleep(5.0)
        for symbol in MANY:
            stage.worker._connection.subscribe([symbol])
        await asyncio.sleep(100.0)

    stage.run(ask_for_all_at_once)

    sent = [(at, wires_of(msgspec.json.decode(message))) for at, message in stage.venue.said[3:] if message != "ping"]
    assert [f"OKX:{wire}" for _, [wire] in sent] == MANY
    assert min(b - a for (a, _), (b, _) in pairwise(sent)) >= OKX.keep_alive.pause
    assert sent[-1][0] - sent[0][0] <= 300 * OKX.keep_alive.pause + 15.0


def test_a_symbol_waits_once_however_often_it_is_refused():
    asked = Asked()
    asked.acknowledge(*FOUR[1:])
    for moment in (1.0, 2.0, 3.0):
        asked.refuse(FOUR[0], moment)

    assert asked.tick(60.9) == []
    assert asked.tick(61.0, 61.5, 62.0, 90.0, 120.9) == [FOUR[0]]
    asked.refuse(FOUR[0], 61.2)
    assert asked.tick(121.0, 121.5, 122.0) == [FOUR[0]]


def test_the_longest_overdue_comes_first_and_few_at_a_time():
    asked = Asked(MANY)
    for number, symbol in enumerate(reversed(MANY)):
        asked.refuse(symbol, number / 1000)

    assert asked.tick(100.0) == MANY[:-3:-1]
    assert asked.tick(100.5) == MANY[-3:-5:-1]


def test_a_refusal_that_names_no_symbol_may_be_about_any():
    asked = Asked()
    asked.refuse(None, 1.0)

    assert asked.subscriptions.unserved == {}
    assert sorted(asked.tick(61.0, 61.5, 62.0, 62.5)) == FOUR


def test_what_was_refused_is_not_asked_for_once_more_on_a_new_line_that_asked_for_all():
    asked = Asked()
    asked.refuse(FOUR[0], 1.0)
    asked.subscriptions.disconnected()
    assert asked.tick(61.0) == []

    asked.subscriptions.connected(62.0)

    assert asked.tick(63.0) == []
    assert asked.subscriptions.unserved == {}


@pytest.mark.parametrize("how", ["acknowledgement", "trade"])
def test_a_refused_symbol_that_is_served_after_all_is_left_alone(how: str):
    asked = Asked()
    asked.acknowledge(*FOUR[1:])
    asked.refuse(FOUR[0], 1.0)

    if how == "trade":
        asked.subscriptions.heard([Trade(FOUR[0], 1, 1.0, 1.0, Side.BUY, 1, 1)])
    else:
        asked.acknowledge(FOUR[0])

    assert asked.subscriptions.unserved == {}
    assert asked.tick(61.0, 122.0) == []


# -- acknowledgements ------------------------------------------------------------------------------------------------


def test_a_symbol_that_is_not_acknowledged_while_others_are_is_asked_for_again_each_minute():
    asked = Asked()
    asked.acknowledge(*FOUR[1:])

    assert asked.tick(10.2) == []
    assert asked.tick(10.3, 11.0, 70.2) == [FOUR[0]]
    assert asked.subscriptions.unserved == {FOUR[0]: "not acknowledged by the venue"}
    assert asked.tick(70.5, 71.0) == [FOUR[0]]
    asked.acknowledge(FOUR[0])
    assert asked.subscriptions.unserved == {}
    assert asked.tick(200.0) == []


def test_a_symbol_that_delivers_need_not_be_acknowledged():
    asked = Asked()
    asked.acknowledge(*FOUR[1:])
    asked.subscriptions.heard([Trade(FOUR[0], 1, 1.0, 1.0, Side.BUY, 1, 1)])

    assert asked.tick(20.0) == []
    assert asked.subscriptions.unserved == {}


@pytest.mark.parametrize("named", [(), (None,), (None, FOUR[1])], ids=["none", "no names", "not all with names"])
def test_acknowledgements_that_may_be_about_any_symbol_accuse_none(named: tuple[str | None, ...]):
    asked = Asked()
    asked.acknowledge(*named)

    assert asked.tick(20.0) == []
    assert asked.subscriptions.unserved == {}


def test_a_refused_symbol_keeps_the_venues_words():
    asked = Asked()
    asked.acknowledge(*FOUR[1:])
    asked.refuse(FOUR[0], 1.0)

    assert asked.tick(20.0) == []
    assert asked.subscriptions.unserved == {FOUR[0]: "the venue refused it: no such thing"}


def test_requests_that_take_long_to_leave_have_longer_for_their_acknowledgement():
    symbols = [f"BYBIT:C{number}-USDT" for number in range(200)]
    asked = Asked(symbols, Bybit)
    asked.acknowledge(symbols[0])

    assert asked.tick(14.9) == []
    assert asked.tick(15.0) != []


def test_an_unacknowledged_symbol_is_down_for_that_reason_until_it_is_acknowledged():
    deaf = FOUR[2]
    forgotten = {deaf.partition(":")[2]}

    def forget_once(message: dict[str, Any]) -> list[str]:
        wires = wires_of(message)
        answers = [okx_ack(wire) for wire in wires if wire not in forgotten]
        forgotten.difference_update(wires if len(wires) == 1 and monotonic() > 60.0 else ())
        return answers

    stage = Stage(OKX, FOUR, forget_once, okx_rest())
    seen = {}

    async def watch() -> None:
        await asyncio.sleep(12.0)
        seen["early"] = {symbol: dict(feed) for symbol, feed in stage.told.feeds.items()}
        await asyncio.sleep(180.0)
        seen["late"] = dict(stage.told.feeds[deaf])

    stage.run(watch)

    early = seen["early"]
    assert (early[deaf]["state"], early[deaf]["reason"]) == ("down", "not acknowledged by the venue")
    assert {early[symbol]["state"] for symbol in FOUR if symbol != deaf} == {"quiet"}
    assert seen["late"]["state"] == "quiet"
    again = [(at, wires_of(msgspec.json.decode(message))) for at, message in stage.venue.said[1:] if message != "ping"]
    assert [wires for _, wires in again] == [["C2-USDT"]] * 3
    assert 10.0 < again[0][0] < 11.5
    assert all(59.9 < b - a < 61.5 for (a, _), (b, _) in pairwise(again))
    assert len(stage.venue.lines) == 1


def test_a_symbol_that_trades_is_live_without_an_acknowledgement():
    stage = Stage(OKX, FOUR, lambda message: [okx_ack(wire) for wire in wires_of(message) if wire != "C2-USDT"], okx_rest())

    async def trade() -> None:
        await asyncio.sleep(1.0)
        for number in range(30):
            stage.venue.lines[0].push(okx_push("C2-USDT", 100 + number, now_us()))
            await asyncio.sleep(1.0)

    stage.run(trade)

    assert stage.told.states(FOUR[2])[:-1] == ["quiet", "live"]
    assert len(stage.venue.said) == 1


def test_a_bad_symbol_that_cost_a_whole_request_does_not_cost_the_others_their_subscription():
    asked = Asked(["COINBASE:AAA-USD", "COINBASE:BBB-USD", "COINBASE:CCC-USD"], Coinbase)
    asked.refuse("COINBASE:BBB-USD", 1.0)

    early = asked.tick(2.0, 3.0)
    later = asked.tick(4.0, 4.5, 5.0)

    assert (early, later) == ([], ["COINBASE:AAA-USD", "COINBASE:CCC-USD"])
    assert asked.tick(30.0, 60.0, 61.0) == ["COINBASE:BBB-USD"]


def test_those_that_the_venue_serves_are_not_asked_for_because_another_one_was_refused():
    asked = Asked()
    asked.refuse(FOUR[1], 1.0)
    asked.acknowledge(FOUR[0], FOUR[2])

    assert asked.tick(4.0, 4.5, 5.0) == [FOUR[3]]
