"""The exchange without its sockets, on a clock moved by hand: what comes out is a function of what goes in."""

import json
from collections.abc import Iterator

import pytest

from market.clock import monotonic
from replay import ExchangeCore, Faults, SmallMarket, SyntheticMarket
from replay import core as cores
from replay.answer import Answer, json_answer, read_question
from replay.deeds import Close, Cut, Deed, Freeze, Ping, Reply, Send
from replay.faults.seam import Moment, Piece
from replay.line import Line
from replay.okx import OkxSession
from tests.replay.hands import WALL_US, Hands, hands

BTC = "BINANCE:BTC-USDT"
STREAM = read_question("/ws/btcusdt@trade")
OKX = read_question("/ws/v5/business")
SUBSCRIBE_OKX = '{"op":"subscribe","args":[{"channel":"trades-all","instId":"BTC-USDT"}]}'


@pytest.fixture
def time() -> Iterator[Hands]:
    with hands() as source:
        yield source


@pytest.fixture
def market() -> SmallMarket:
    return SmallMarket("BINANCE", seconds=120, rate=2)


def play(core: ExchangeCore, time: Hands, seconds: float, step: float = 0.25) -> list[Deed]:
    """Let time pass in steps, and clients answer pings; return what came out."""
    deeds: list[Deed] = []
    for _ in range(round(seconds / step)):
        time.seconds += step
        new = core.play()
        deeds += [deed for deed in new if not isinstance(deed, Ping)]
        for deed in new:
            core.ponged(deed.client)
    return deeds


def frames_of(deeds: list[Deed], number: int = 1) -> list[bytes]:
    return [frame for deed in deeds if isinstance(deed, Send) and deed.client == number for frame in deed.frames]


def ids_of(deeds: list[Deed], number: int = 1) -> list[int]:
    return [json.loads(frame)["t"] for frame in frames_of(deeds, number)]


def ask(core: ExchangeCore, target: str) -> object:
    return json.loads(core.answer(read_question(target)).answer.body)


@pytest.mark.parametrize("step", [0.001, 0.25, 7.0, 130.0])
def test_the_whole_market_is_told_however_time_passes(time, market, step):
    core = ExchangeCore(market)
    core.open(STREAM)

    deeds = play(core, time, 140, step)

    assert ids_of(deeds) == [trade.trade_id for trade in market.trades(BTC)]
    assert core.is_ended


def test_nothing_happens_before_the_first_subscription(time, market):
    core = ExchangeCore(market)
    number = core.open(read_question("/ws"))

    assert play(core, time, 10) == [] == ask(core, "/api/v3/trades?symbol=BTCUSDT")
    assert core.now_us == market.first_us
    assert frames_of(core.receive(number, '{"method":"SUBSCRIBE","params":["btcusdt@trade"],"id":1}')) == [
        b'{"result":null,"id":1}'
    ]
    assert frames_of(play(core, time, 60))


def test_clients_are_told_the_same_in_their_own_protocols(time, market):
    core = ExchangeCore(market)
    first, second = core.open(STREAM), core.open(OKX)
    acknowledged = core.receive(second, SUBSCRIBE_OKX)

    deeds = []
    for _ in range(13):
        core.receive(second, "ping")
        deeds += play(core, time, 10)

    assert (first, second, len(frames_of(acknowledged, 2))) == (1, 2, 1)
    assert [int(json.loads(frame)["data"][0]["tradeId"]) for frame in frames_of(deeds, 2)] == ids_of(deeds)


def test_a_path_without_a_websocket_is_refused(time, market):
    refused = ExchangeCore(market).open(read_question("/moods"))

    assert isinstance(refused, Reply)
    assert refused.answer.status == 404


def test_rest_knows_what_was_played_and_nothing_later(time, market):
    core = ExchangeCore(market)
    core.open(STREAM)
    deeds = play(core, time, 30)

    rows = ask(core, "/api/v3/trades?symbol=BTCUSDT&limit=1000")

    assert [row["id"] for row in rows] == ids_of(deeds)
    assert ask(core, "/api/v3/time") == {"serverTime": (core.now_us // 1000)}


def test_a_client_that_is_gone_is_told_nothing(time, market):
    core = ExchangeCore(market)
    number = core.open(STREAM)
    play(core, time, 10)
    core.gone(number)

    assert play(core, time, 60) == []
    assert core.receive(number, "{}") == []


def test_a_shifted_market_happens_now(time, market):
    core = ExchangeCore(market, shift_to_now=True)
    before = ask(core, "/api/v3/trades?symbol=BTCUSDT")
    core.open(STREAM)

    rows = [json.loads(frame) for frame in frames_of(play(core, time, 125))]

    assert before == []
    assert [row["t"] for row in rows] == [trade.trade_id for trade in market.trades(BTC)]
    assert [row["T"] - rows[0]["T"] for row in rows] == [
        (trade.timestamp_us - market.trades(BTC)[0].timestamp_us) // 1000 for trade in market.trades(BTC)
    ]
    assert 0 <= rows[0]["T"] * 1000 - WALL_US < 60_000_000
    assert core.source.label == "shifted"


def test_a_silent_okx_client_is_closed_after_thirty_seconds_and_one_that_pings_is_not(time):
    core = ExchangeCore(SyntheticMarket())
    silent, pinging = core.open(OKX), core.open(OKX)
    deeds = []
    for _ in range(4):
        deeds += core.receive(pinging, "ping") + play(core, time, 10)

    assert [deed for deed in deeds if isinstance(deed, Close)] == [Close(silent, *OkxSession.idle_close)]


def test_binance_pings_every_twenty_seconds_and_closes_who_does_not_answer(time, market):
    core = ExchangeCore(market)
    core.open(read_question("/ws"))
    number = core.open(read_question("/ws"))
    deeds = []
    for _ in range(90):
        time.seconds += 1
        deeds += core.play()
        core.ponged(number)

    assert deeds.count(Ping(number)) == 4
    assert [deed for deed in deeds if isinstance(deed, Close)] == [Close(1, 1008, "Pong timeout")]


def test_a_client_that_does_not_read_is_closed_in_the_venues_words(time, market):
    core = ExchangeCore(market)
    number = core.open(OKX)

    assert core.unread(number, cores.MOST_UNREAD) == []
    assert core.unread(number, cores.MOST_UNREAD + 1) == [Close(number, *OkxSession.slow_close)]
    assert core.unread(number, cores.MOST_UNREAD + 1) == []


def test_no_time_passes_in_a_pause(time, market):
    core = ExchangeCore(market)
    core.open(STREAM)
    deeds = play(core, time, 30) + core.pause()
    before = core.now_us
    paused, after = play(core, time, 1000), core.now_us
    core.resume()
    deeds += play(core, time, 100)

    assert (paused, after) == ([], before)
    assert ids_of(deeds) == [trade.trade_id for trade in market.trades(BTC)]


class Late(Faults):
    """Says everything two seconds late for five seconds, and then in time."""

    def delay(self, line: Line) -> float:
        return 2.0 if self.moment.seconds is not None and self.moment.seconds < 5 else 0.0


def test_what_is_delayed_comes_out_in_order(time, market):
    core = ExchangeCore(market, faults=Late())
    core.open(STREAM)
    acknowledged = core.receive(1, '{"method":"LIST_SUBSCRIPTIONS","id":1}')
    due = core.due_at - monotonic()

    deeds = play(core, time, 130)

    assert (acknowledged, due) == ([], 2.0)
    assert frames_of(deeds)[0] == b'{"result":["btcusdt@trade"],"id":1}'
    assert [json.loads(frame)["t"] for frame in frames_of(deeds)[1:]] == [trade.trade_id for trade in market.trades(BTC)]
    assert core.due_at is None


class Wreck(Faults):
    """Does one thing to the first client after ten seconds."""

    def __init__(self, deed: Deed) -> None:
        super().__init__()
        self.deed, self.said = deed, []

    def move(self, moment: Moment) -> list[Deed]:
        super().move(moment)
        return [self.deed] if (moment.seconds or 0) >= 10 else []

    def ended(self, line: Line) -> None:
        self.said.append(line.number)


@pytest.mark.parametrize("deed", [Cut(1), Close(1, 1001, "gone")])
def test_a_connection_that_was_ended_is_told_nothing_more(time, market, deed):
    core = ExchangeCore(market, faults=Wreck(deed))
    core.open(STREAM)

    deeds = play(core, time, 60)

    assert deeds.count(deed) == 1
    assert deeds[-1] == deed


def test_a_frozen_connection_is_neither_heard_nor_told_anything(time, market):
    core = ExchangeCore(market, faults=Wreck(Freeze(1)))
    core.open(STREAM)
    play(core, time, 10)

    assert core.receive(1, '{"method":"LIST_SUBSCRIPTIONS","id":1}') == []
    assert frames_of(play(core, time, 60)) == []


class Curtain(Faults):
    """Answers REST itself, sends binary frames, and leaves connections alone."""

    def reply(self, question):
        return Reply(None, 3.0) if question.path.endswith("time") else None

    def answer(self, question, market, answer) -> Answer:
        return json_answer({"was": answer.status})

    def data(self, line, pieces, span):
        return [each for piece in pieces for each in (piece, Piece(b"\x00", binary=True))]


def test_faults_speak_for_rest_and_send_binary_frames_in_their_places(time, market):
    core = ExchangeCore(market, faults=Curtain())
    core.open(STREAM)
    sent = [deed for deed in play(core, time, 125) if isinstance(deed, Send)]

    assert core.answer(read_question("/api/v3/time")) == Reply(None, 3.0)
    assert ask(core, "/api/v3/ping") == {"was": 200}
    assert [deed.binary for deed in sent] == [False, True] * len(market.trades(BTC))
