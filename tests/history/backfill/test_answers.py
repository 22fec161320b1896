"""What a venue answers: refusals, rubbish, nothing, and less than was asked for; what is not there is believed when it is sure."""

import msgspec
import pytest
from msgspec.structs import replace

from exchanges import OKX, Binance, Coinbase, Kraken
from history.backfill import NativeVenue, Order, Standing, run_backfill
from market.clock import isoformat
from market.errors import InputError, VenueError, VenueUnreachable, WireError
from market.timeframe import Timeframe
from market.window import Window
from replay import LocalExchange
from replay.answer import Answer, Question, json_answer
from replay.source import Market
from tests.history.backfill.markets import Counting, Refusing, at, exchange_of, expected, fill, numbers, past, stored

pytestmark = pytest.mark.postgres
M1 = Timeframe.M1


async def test_what_the_venue_does_not_have_is_asked_for_again_only_when_told(database):
    market, counting = past("BINANCE", minutes=300), Counting()
    async with exchange_of(market, 250, counting) as exchange:
        provider = Binance(["BTC-USDT"], endpoints=exchange.endpoints)
        for again, asked in ((False, 1), (False, 1), (True, 2)):
            outcome = await fill(database, provider, start_us=at(-100), end_us=at(200), again=again)

            assert (len(counting.of("klines")), outcome.missing) == (asked, 100)

    assert database.backfills.spans("BINANCE:BTC-USDT", M1) == [Window(at(-100), at(200))]


async def test_what_is_absent_of_the_last_minutes_is_asked_for_again(database):
    market, counting = past("BINANCE", minutes=100), Counting()
    late = Refusing(json_answer([]), path="klines")
    async with exchange_of(market, 100, late) as exchange:
        outcome = await fill(database, Binance(["BTC-USDT"], endpoints=exchange.endpoints), start_us=at(95))
    async with exchange_of(market, 100, counting) as exchange:
        second = await fill(database, Binance(["BTC-USDT"], endpoints=exchange.endpoints), start_us=at(95))

    assert (outcome.missing, second.missing) == (4, 0)
    assert database.backfills.spans("BINANCE:BTC-USDT", M1) == [Window(at(95), at(99))]


async def test_a_refusal_that_passes_is_waited_for(database):
    market = past("OKX", minutes=100)
    faults = Refusing(json_answer({"code": "50011", "msg": "Too Many Requests", "data": []}, 429), path="candles")
    told: list[Standing] = []
    async with exchange_of(market, 90, faults) as exchange:
        provider = OKX(["BTC-USDT"], endpoints=exchange.endpoints)
        [outcome] = await run_backfill(
            database, NativeVenue(provider), Order(symbols=provider.symbols, start_us=at(0), end_us=at(60)), told.append
        )

    assert (outcome.state, outcome.missing, outcome.standing.requests) == ("done", 0, 2)
    assert any("Too Many Requests" in each.waits for each in told)
    assert not told[-1].waits


async def test_a_refusal_for_good_fails_with_the_words_of_the_venue(database):
    market = past("OKX", minutes=400)
    faults = Refusing(Answer(b""), json_answer({"code": "51000", "msg": "Parameter bar error", "data": []}, 400), path="candles")
    faults.refusals.pop(0)
    async with exchange_of(market, 350, faults) as exchange:
        outcome = await fill(database, OKX(["BTC-USDT"], endpoints=exchange.endpoints), end_us=at(300), parallel=1)
        again = await fill(database, OKX(["BTC-USDT"], endpoints=exchange.endpoints), end_us=at(300))
    rows = database.backfills.list()

    assert isinstance(outcome.error, VenueError)
    assert "Parameter bar error" in str(outcome.error)
    assert [(row.state, row.error) for row in rows] == [("failed", str(outcome.error)), ("done", None)]
    assert (again.state, again.missing) == ("done", 0)


async def test_what_the_venue_lists_later_is_not_asked_for_minute_by_minute(database):
    market, counting = past("BINANCE", minutes=3000), Counting()
    async with exchange_of(market, 2900, counting) as exchange:
        outcome = await fill(database, Binance(["BTC-USDT"], endpoints=exchange.endpoints), start_us=at(-100_000), end_us=at(2880))

    assert len(counting.of("klines")) == 1 + 3
    assert outcome.missing == 100_000
    assert outcome.standing.fetched == outcome.standing.wanted == 102_880
    assert outcome.notes == (f"BINANCE has nothing of BINANCE:BTC-USDT before {isoformat(at(0))}",)


async def test_what_lies_in_the_day_of_the_first_wanted_minute_is_not_taken_for_absent(database):
    market = past("OKX", minutes=6 * 1440)
    async with exchange_of(market, 5 * 1440) as exchange:
        provider = OKX(["BTC-USDT"], endpoints=exchange.endpoints)
        outcome = await fill(database, provider, start_us=at(1000), end_us=at(5100), parallel=16)

    assert (outcome.standing.wanted, outcome.standing.stored, outcome.missing, outcome.notes) == (4100, 4100, 0, ())


async def test_kraken_has_only_its_newest_candles_and_trades_are_offered(database):
    market = past("KRAKEN", minutes=3000, symbols=("BTC-USD",))
    async with exchange_of(market, 2000) as exchange:
        provider = Kraken(["BTC-USD"], endpoints=exchange.endpoints)
        some = await fill(database, provider, end_us=at(1990))
        none = await fill(database, provider, end_us=at(500))

    [note] = some.notes
    offer = f"`tcpdash backfill KRAKEN:BTC-USD --from {isoformat(at(0))} --trades`"
    assert (some.state, some.standing.stored, some.missing) == ("done", 705, 1285)
    assert note.startswith(f"KRAKEN hands out only its newest 720 1m candles, from {isoformat(at(1285))} on; 1,285 older ones")
    assert note.endswith(offer)
    assert none.state == "failed"
    assert str(none.error).endswith(offer)
    assert database.backfills.spans("KRAKEN:BTC-USD", M1) == [Window(at(1285), at(1990))]


async def test_what_cannot_be_is_refused_before_anything_is_done(database):
    market = past("COINBASE", minutes=50, symbols=("BTC-USD", "ETH-USD"))
    async with exchange_of(market, 40) as exchange:
        provider = Coinbase(["BTC-USD"], endpoints=exchange.endpoints)
        with pytest.raises(
            InputError, match=r"COINBASE does not list COINBASE:BTC-USX among its 2 symbols; did you mean COINBASE:BTC-USD"
        ):
            await fill(database, provider, symbols=("COINBASE:BTC-USD", "COINBASE:BTC-USX"))
        with pytest.raises(
            InputError, match=r"--from 2024-07-01T00:40:00Z is in the future: the clock of COINBASE shows 2024-07-01T00:40"
        ):
            await fill(database, provider, start_us=at(40))
        with pytest.raises(
            InputError, match=r"no whole 1m candle that is over lies between 2024-07-01T00:35:00Z and 2024-07-01T00:30"
        ):
            await fill(database, provider, start_us=at(35))
        with pytest.raises(InputError, match="COINBASE has no 4h candles"):
            await fill(database, provider, timeframe=Timeframe.H4, start_us=at(0))

    assert database.backfills.list() == []


async def test_a_venue_that_is_not_there_is_said_at_once(database):
    exchange = LocalExchange(past("OKX", minutes=10))
    async with exchange:
        endpoints = exchange.endpoints
    with pytest.raises(VenueUnreachable, match="OKX cannot be reached"):
        await fill(database, OKX(["BTC-USDT"], endpoints=endpoints))


@pytest.fixture
def at_once(monkeypatch):
    """Let nobody wait before asking again."""
    monkeypatch.setattr("history.backfill.patience._FIRST_WAIT", 0.0)
    monkeypatch.setattr("history.backfill.candles._CONFIRM_SECONDS", 0.0)


@pytest.mark.parametrize(("venue", "pair", "path", "empty"), [
    (OKX, "BTC-USDT", "candles", {"code": "0", "msg": "", "data": []}), (Coinbase, "BTC-USD", "candles", []),
], ids=["OKX", "COINBASE"])  # fmt: skip
async def test_one_empty_answer_is_not_believed(database, at_once, venue, pair, path, empty):
    market = past(venue.name, minutes=900, symbols=(pair,))
    symbol = f"{venue.name}:{pair}"
    async with exchange_of(market, 890, Refusing(json_answer(empty), path=path)) as exchange:
        outcome = await fill(database, venue([pair], endpoints=exchange.endpoints), start_us=at(10), end_us=at(800))

    assert (outcome.state, outcome.missing) == ("done", 0)
    assert [(each.timestamp_us, numbers(each)) for each in stored(database, symbol)] == expected(market, symbol, 10, 800)


async def test_answers_that_are_shorter_than_asked_for_are_gone_on_from(database):
    class Short(Counting):
        def answer(self, question: Question, market: Market, answer: Answer) -> Answer:
            if "history-candles" not in question.path:
                return answer
            body = msgspec.json.decode(answer.body)
            return replace(answer, body=msgspec.json.encode(body | {"data": body["data"][:100]}))

    market = past("OKX", minutes=900)
    async with exchange_of(market, 890, Short()) as exchange:
        outcome = await fill(database, OKX(["BTC-USDT"], endpoints=exchange.endpoints), end_us=at(750))

    assert (outcome.missing, outcome.standing.requests) == (0, 8)
    assert [(each.timestamp_us, numbers(each)) for each in stored(database, "OKX:BTC-USDT")] == expected(
        market, "OKX:BTC-USDT", 0, 750
    )


async def test_two_empty_answers_are_believed_and_kept(database, at_once):
    market, counting = past("OKX", minutes=900), Refusing(*[json_answer({"code": "0", "msg": "", "data": []})] * 2, path="candles")
    async with exchange_of(market, 890, counting) as exchange:
        provider = OKX(["BTC-USDT"], endpoints=exchange.endpoints)
        first = await fill(database, provider, start_us=at(700), end_us=at(750))
        asked = len(counting.of("candles"))
        second = await fill(database, provider, start_us=at(700), end_us=at(750))

    assert (first.missing, second.missing) == (50, 50)
    assert (first.notes, second.notes) == ((), ("OKX said already that it does not have what is missing; --again asks once more",))
    assert asked == len(counting.of("candles")) == 2


async def test_rubbish_that_passes_is_waited_for(database, at_once):
    faults = Refusing(Answer(b"<html>bad gateway</html>"), Answer(b'{"code":"0","msg":"","data":[["17'), path="candles")
    async with exchange_of(past("OKX", minutes=100), 90, faults) as exchange:
        outcome = await fill(database, OKX(["BTC-USDT"], endpoints=exchange.endpoints), end_us=at(60))

    assert (outcome.state, outcome.missing, outcome.standing.requests) == ("done", 0, 3)


async def test_rubbish_that_stays_fails(database, at_once):
    faults = Refusing(*[Answer(b"<html>bad gateway</html>")] * 9, path="candles")
    async with exchange_of(past("OKX", minutes=100), 90, faults) as exchange:
        outcome = await fill(database, OKX(["BTC-USDT"], endpoints=exchange.endpoints), end_us=at(60))

    assert isinstance(outcome.error, WireError)
    assert (outcome.standing.requests, outcome.missing) == (3, 60)


@pytest.mark.parametrize("path", ["public/time", "instruments"])
async def test_a_refusal_of_the_first_questions_is_waited_for_too(database, at_once, path):
    faults = Refusing(json_answer({"code": "50011", "msg": "Too Many Requests", "data": []}, 429), path=path)
    told: list[Standing] = []
    async with exchange_of(past("OKX", minutes=100), 90, faults) as exchange:
        provider = OKX(["BTC-USDT"], endpoints=exchange.endpoints)
        order = Order(symbols=provider.symbols, start_us=at(0), end_us=at(60))
        [outcome] = await run_backfill(database, NativeVenue(provider), order, told.append)

    assert (outcome.state, outcome.missing) == ("done", 0)
    assert "Too Many Requests" in told[0].waits


async def test_a_time_to_come_is_refused_once_the_venue_has_told_its_clock(database):
    counting = Counting()
    async with exchange_of(past("OKX", minutes=100), 90, counting) as exchange:
        with pytest.raises(InputError, match="is in the future: the clock of OKX shows"):
            await fill(database, OKX(["BTC-USDT"], endpoints=exchange.endpoints), start_us=at(200))

    assert [question.path for _, question in counting.noted] == ["/api/v5/public/time"]


async def test_where_all_within_reach_is_stored_there_is_nothing_to_refuse(database):
    market = past("KRAKEN", minutes=3000, symbols=("BTC-USD",))
    async with exchange_of(market, 2000) as exchange:
        provider = Kraken(["BTC-USD"], endpoints=exchange.endpoints)
        for _ in range(2):
            outcome = await fill(database, provider, end_us=at(1990))

            assert (outcome.state, outcome.missing) == ("done", 1285)
            assert outcome.notes[0].startswith("KRAKEN hands out only its newest 720 1m candles")
