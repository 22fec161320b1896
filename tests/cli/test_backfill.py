"""`tcpdash backfill` and `tcpdash backfills`, against the local exchange, with the errors that a user sees."""

import asyncio
import json
import os
import signal
import sys
import threading
from asyncio.subprocess import PIPE
from collections.abc import Iterator
from concurrent.futures import Future

import pytest

from cli.bars import Bars, told_standing
from history.backfill import Standing
from market.candle import Candle
from market.clock import isoformat
from market.timeframe import MINUTE_US, Timeframe
from replay import LocalExchange
from tests.history.backfill.markets import Counting, at, exchange_of, past

pytestmark = pytest.mark.postgres
FROM, TO = "2024-07-01T00:10", "2024-07-01T05:10"


@pytest.fixture
def exchange() -> Iterator[LocalExchange]:
    """Return a local exchange of OKX, in a thread: the command has a loop of its own."""
    opened: Future[LocalExchange] = Future()
    loop = asyncio.new_event_loop()

    async def serve() -> None:
        async with exchange_of(past("OKX", minutes=400, symbols=("BTC-USDT", "ETH-USDT")), 390) as found:
            opened.set_result(found)
            await asyncio.Event().wait()

    task = loop.create_task(serve())

    def run() -> None:
        with pytest.raises(asyncio.CancelledError):
            loop.run_until_complete(task)
        loop.close()

    thread = threading.Thread(target=run)
    thread.start()
    yield opened.result(timeout=10)
    loop.call_soon_threadsafe(task.cancel)
    thread.join()


@pytest.fixture
def okx(tcpdash, exchange, monkeypatch):
    """Return the command line, with OKX at the local exchange."""
    monkeypatch.setenv("TCPDASH_VENUES__OKX__REST_URL", exchange.rest_url)
    return tcpdash


def test_what_is_missing_is_stored_and_told(okx):
    first = okx.out("backfill", "okx:btc-usdt", "--from", FROM, "--to", TO)
    second = okx.out("backfill", "OKX:BTC-USDT", "--from", FROM, "--to", TO)

    where = "OKX:BTC-USDT 1m 2024-07-01T00:10:00Z to 2024-07-01T05:10:00Z: "
    assert first.startswith(f"{where}300 of 300 missing candles asked for, 300 rows stored, 1 requests in ")
    assert "missing still" not in first
    assert second == f"{where}nothing was missing\n"
    assert len(okx.out("candles", "OKX:BTC-USDT").splitlines()) == 301


def test_without_a_begin_it_goes_back_thirty_days_by_the_clock_of_the_venue(okx):
    [found] = json.loads(okx.out("backfill", "OKX:BTC-USDT", "--timeframe", "1h", "--json"))

    assert (found["start"], found["end"]) == ("2024-06-01T07:00:00Z", "2024-07-01T06:00:00Z")
    assert (found["wanted"], found["stored"], found["missing"]) == (719, 6, 713)


def test_json_has_a_line_for_each_symbol(okx):
    found = json.loads(okx.out("backfill", "OKX:ETH-USDT", "OKX:BTC-USDT", "--from", FROM, "--to", TO, "--json"))

    assert [(each["symbol"], each["state"], each["stored"], each["missing"], each["error"]) for each in found] == [
        ("OKX:ETH-USDT", "done", 300, 0, None), ("OKX:BTC-USDT", "done", 300, 0, None)
    ]  # fmt: skip


def test_proven_history_is_made_of_trades(okx):
    okx.out("backfill", "OKX:BTC-USDT", "--from", "2024-07-01T06:10", "--trades")

    rows = json.loads(okx.out("candles", "OKX:BTC-USDT", "--json"))
    assert len(rows) >= 19
    assert {(row["origin"], row["complete"]) for row in rows} == {("healed", True)}


def test_backfills_lists_what_was_begun(okx):
    assert okx.out("backfills") == "no backfill was begun; begin one with `tcpdash backfill SYMBOL`\n"
    assert okx.out("backfills", "okx:btc-usdt").startswith("no backfill was begun of OKX:BTC-USDT;")
    okx.out("backfill", "OKX:BTC-USDT", "OKX:ETH-USDT", "--from", FROM, "--to", TO)
    [row] = json.loads(okx.out("backfills", "OKX:BTC-USDT", "--json"))
    table = okx.out("backfills", "--limit", "1").splitlines()

    assert (row["state"], row["wanted"], row["fetched"], row["stored"], row["requests"]) == ("done", 300, 300, 300, 1)
    assert (row["start"], row["end"], row["error"]) == ("2024-07-01T00:10:00Z", "2024-07-01T05:10:00Z", None)
    assert len(table) == 2
    assert table[0].split()[:4] == ["id", "symbol", "width", "source"]


def test_where_the_venue_differs_from_proven_candles_both_are_shown(okx, database):
    assert okx.out("backfills", "--conflicts") == "no candle that is proven differs from what its venue said of it\n"
    database.market_data.upsert_candle(Candle("OKX:BTC-USDT", Timeframe.M1, at(20), 9.0, 9.0, 9.0, 9.0, volume=0.5))

    told = okx.out("backfill", "OKX:BTC-USDT", "--from", FROM, "--to", TO)
    table = okx.out("backfills", "okx:btc-usdt", "--conflicts").splitlines()
    [row] = json.loads(okx.out("backfills", "--conflicts", "--json"))

    assert told.endswith("; 1 differ from ours, which stay: `tcpdash backfills OKX:BTC-USDT --conflicts`\n")
    assert table[1].split() == ["OKX:BTC-USDT", "1m", "2024-07-01T00:20:00Z", "ours", "9.0", "9.0", "9.0", "9.0", "0.5"]
    assert table[2].split()[3] == "theirs"
    assert (row["symbol"], row["timeframe"], row["timestamp"]) == ("OKX:BTC-USDT", "1m", "2024-07-01T00:20:00Z")
    assert (row["ours"]["close"], row["theirs"]["close"] > 9.0) == (9.0, True)


@pytest.mark.parametrize(
    ("words", "code", "said"),
    [
        (["OKX:BTC-USTD"], 2, "OKX does not list OKX:BTC-USTD among its 2 symbols; did you mean OKX:BTC-USDT"),
        (["OKX:BTC-USDT", "--from", "2031-01-01"], 2, "--from 2031-01-01T00:00:00Z is in the future: the clock of OKX shows 2024"),
        (["OKX:BTC-USDT", "--from", TO, "--to", FROM], 2, f"--from {TO} is not before --to {FROM}; nothing lies between them"),
        (["OKX:BTC-USDT", "--from", "soon"], 2, "time 'soon' is not ISO 8601"),
        (["BTC-USDT"], 2, "symbol 'BTC-USDT' is not EXCHANGE:BASE-QUOTE"),
        (["OKX:BTC-USDT", "--timeframe", "2m"], 2, "timeframe '2m' is not one of"),
        (["OKX:BTC-USDT", "--trades", "--to", TO], 2, "--to cannot be had with --trades"),
        (["OKX:BTC-USDT", "--trades", "--again"], 2, "--again cannot be had with --trades"),
        (["OKX:BTC-USDT", "--trades", "--from", "2024-01-01"], 1, "OKX hands out trades since 2024-04-07T06:31:00Z only"),
        (["OKX:BTC-USDT", "--timeframe", "30s", "--from", FROM, "--to", TO], 1, "OKX refused: HTTP 400 51000 Parameter bar error"),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, list) else "",
)  # fmt: skip
def test_what_cannot_be_is_said_with_the_likely_fix(okx, words, code, said):
    done = okx("backfill", *words)

    assert (done.code, done.out if code == 2 else "") == (code, "")
    assert done.err.startswith(f"tcpdash: {said}")


def test_a_venue_that_does_not_answer_is_said_and_the_other_one_is_filled(okx, monkeypatch):
    monkeypatch.setenv("TCPDASH_VENUES__BINANCE__REST_URL", "http://127.0.0.1:1")
    done = okx("backfill", "BINANCE:BTC-USDT", "OKX:BTC-USDT", "--from", FROM, "--to", TO)

    assert done.code == 1
    assert done.err.startswith("tcpdash: BINANCE cannot be reached at http://127.0.0.1:1")
    assert done.out.startswith("OKX:BTC-USDT 1m")


def test_a_database_that_is_away_is_said(okx, monkeypatch):
    monkeypatch.setenv("TCPDASH_DATABASE__URL", "postgresql+psycopg2://app@127.0.0.1:1/app")
    done = okx("backfill", "OKX:BTC-USDT")

    assert (done.code, done.out) == (1, "")
    assert done.err.startswith("tcpdash: PostgreSQL does not answer at postgresql+psycopg2://app@127.0.0.1:1/app")


def test_an_exchange_that_nobody_knows_is_refused(okx):
    pytest.importorskip("ccxt")
    done = okx("backfill", "KRAKN:BTC-USD")

    assert done.code == 2
    assert "exchange 'KRAKN' is none that ccxt knows; did you mean 'kraken'?" in done.err


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
async def test_a_signal_cancels_in_good_order(database, database_url, number):
    counting = Counting()
    async with exchange_of(past("OKX", minutes=9000), 8990, counting) as exchange:
        environment = os.environ | {
            "TCPDASH_CONFIG": "", "TCPDASH_DATABASE__URL": database_url, "TCPDASH_VENUES__OKX__REST_URL": exchange.rest_url,
        }  # fmt: skip
        words = ["backfill", "OKX:BTC-USDT", "--from", isoformat(at(0)), "--to", isoformat(at(8900))]
        enough = counting.after(12)
        process = await asyncio.create_subprocess_exec(
            sys.executable, "-m", "cli", *words, env=environment, stdout=PIPE, stderr=PIPE
        )  # fmt: skip
        await enough.wait()
        process.send_signal(number)
        out, err = await process.communicate()
    [row] = database.backfills.list()

    assert (process.returncode, out) == (130, b"")
    assert err == b"cancelled; what was stored stays, and the same command goes on from there\n"
    assert row.state == "cancelled"
    assert row.stored == database.market_data.count("OKX:BTC-USDT", "1m") > 0


def standing(**values) -> Standing:
    return Standing(**{"symbol": "OKX:BTC-USDT", "timeframe": Timeframe.M1, "wanted": 10_000, **values})


@pytest.mark.parametrize(
    ("values", "told"),
    [
        ({}, "asking"),
        ({"fetched": 2_500, "requests": 25, "seconds": 2.0}, "1,250 candles/s, 12.5 requests/s, 0:06 left"),
        ({"fetched": 1, "requests": 1, "seconds": 1.0}, "1 candles/s, 1.0 requests/s, 2:46:39 left"),
        ({"waits": "OKX refused: HTTP 429"}, "waiting: OKX refused: HTTP 429"),
    ],
)
def test_a_bar_tells_how_fast_it_is_and_how_long_it_takes(values, told):
    assert told_standing(standing(**values)) == told


def test_without_a_terminal_no_bar_is_printed(capsys):
    with Bars() as bars:
        bars(standing(fetched=MINUTE_US % 7))

    assert capsys.readouterr() == ("", "")
