"""`tcpdash backtest` and `tcpdash backtests`: what a user sees, and the errors."""

import json

import pytest

from tests.research.stored import SYMBOL, fill

pytestmark = pytest.mark.postgres
CROSS = ("backtest", "--strategy", "sma_cross", "--param", "fast=5", "-p", "slow=20", "--symbol", "okx:btc-usdt", "-t", "15m")


@pytest.fixture
def store(tcpdash, database):
    """Return the command line, with three days of minutes."""
    fill(database)
    return tcpdash


def test_a_result_is_told_and_kept_and_shown_again_in_the_same_bytes(store):
    told = store.out(*CROSS, "--json")
    found = json.loads(told)
    listed = json.loads(store.out("backtests", "--json"))

    assert (found["strategy"], found["parameters"], found["symbols"]) == (
        "sma_cross",
        {"fast": 5, "slow": 20, "short": False},
        [SYMBOL],
    )
    assert (found["rules"]["maker_fee"], found["rules"]["taker_fee"]) == (0.0008, 0.001)  # the venue's own
    assert {"final_value", "metrics", "trades", "coverage"} <= set(found)
    assert [each["id"] for each in listed] == [found["id"]]
    assert store.out("backtests", found["id"][:6], "--json") == told
    assert store.out(*CROSS, "--json") == told
    assert found["id"][:12] in store.out("backtests")


def test_a_person_reads_what_came_of_it(store):
    out = store.out(*CROSS, "--no-keep")

    for word in ("sma_cross", SYMBOL, "Sharpe", "drawdown", "Win rate", "fees"):
        assert word.lower() in out.lower()
    assert "nothing was tried yet" in store.out("backtests")


def test_rules_fees_and_steps_are_taken(store):
    out = store.out(*CROSS, "--fee", "0", "-r", "stop-loss=0.01", "--rule", "fill_at=close", "--steps", "0.1,0.001,5", "--json")
    found = json.loads(out)

    assert (found["rules"]["taker_fee"], found["rules"]["stop_loss"], found["rules"]["fill_at"]) == (0.0, 0.01, "close")
    assert found["listings"] == {SYMBOL: {"tick": 0.1, "lot": 0.001, "least_value": 5.0}}
    assert {trade["fees"] for trade in found["trades"]} == {0.0}


def test_holes_are_refused_unless_they_are_allowed(tcpdash, database):
    fill(database, without=range(700, 760))
    refused = tcpdash(*CROSS)

    assert (refused.code, refused.out) == (1, "")
    assert "OKX:BTC-USDT lacks 5 of 288 candles of 15m: 2024-08-05T11:30:00Z to 2024-08-05T12:45:00Z (5)" in refused.err
    assert "--allow-holes" in refused.err or "allow holes" in refused.err
    found = json.loads(tcpdash.out(*CROSS, "--allow-holes", "--json"))
    assert found["coverage"][0]["holes"] == [{"start": "2024-08-05T11:30:00Z", "end": "2024-08-05T12:45:00Z", "bars": 5}]


def test_an_end_that_is_still_to_come_is_no_hole(store):
    done = store(*CROSS, "--start", "2024-08-06", "--end", "2024-08-07", "--json")

    assert done.code == 0, done.err
    assert json.loads(done.out)["coverage"][0]["expected"] == 96


def test_chance_has_a_seed(store):
    one, other, same = (
        json.loads(store.out(*CROSS, "--no-keep", "--monte-carlo", "30", "--seed", seed, "--json")) for seed in ("1", "2", "1")
    )

    assert one == same
    assert one["id"] != other["id"]
    assert one["monte_carlo"] != other["monte_carlo"]
    assert [each["method"] for each in one["monte_carlo"]] == ["trade-shuffle", "trade-bootstrap", "return-bootstrap"]


def test_a_report_is_one_file(store, tmp_path):
    page = tmp_path / "page.html"
    out = store.out(*CROSS, "--report", str(page))

    assert f"report: {page}" in out
    assert "sma_cross" in page.read_text()


def test_one_can_be_removed(store):
    found = json.loads(store.out(*CROSS, "--json"))["id"]

    assert store.out("backtests", found[:10], "--delete") == f"removed {found}\n"
    assert store("backtests", found[:10]).code == 2


@pytest.mark.parametrize(
    ("words", "code", "said"),
    [
        (["--strategy", "sma_cros", "-s", SYMBOL], 2, "strategy 'sma_cros' is not one of"),
        (["--strategy", "rsi", "-p", "bar=3", "-s", SYMBOL], 2, "rsi has no parameter 'bar'; it has"),
        (["--strategy", "rsi", "-p", "bars", "-s", SYMBOL], 2, "--param 'bars' is not NAME=VALUE"),
        (["--strategy", "rsi", "-p", "bars=3", "-p", "bars=4", "-s", SYMBOL], 2, "--param bars is given twice"),
        (["--strategy", "rsi", "-s", SYMBOL, "-r", "stop_los=1"], 2, "did you mean 'stop_loss'?"),
        (["--strategy", "rsi", "-s", SYMBOL, "-r", "stop_loss=2"], 2, "rule stop_loss is 2; expected was a number from 0 to 0.999"),
        (["--strategy", "rsi", "-s", SYMBOL, "-t", "7m"], 2, "timeframe '7m' is not one of"),
        (["--strategy", "rsi", "-s", SYMBOL, "--fee", "5"], 2, "rule maker_fee is 5"),
        (["--strategy", "rsi", "-s", SYMBOL, "--balance", "0"], 2, "the balance is 0"),
        (["--strategy", "rsi", "-s", SYMBOL, "--steps", "1,2"], 2, "--steps '1,2' is not TICK,LOT,VALUE"),
        (["--strategy", "rsi", "-s", SYMBOL, "--start", "2024-08-07", "--end", "2024-08-06"], 2, "there is no room for a candle"),
        (["--strategy", "rsi", "-s", SYMBOL, "--start", "yesterday"], 2, "time 'yesterday' is not ISO 8601"),
        (["--strategy", "rsi", "-s", "OKX:BTC-USTD"], 1, "did you mean 'OKX:BTC-USDT'?"),
        (["--strategy", "rsi", "-s", SYMBOL, "--report", "/nowhere/a.html"], 2, "there is no folder /nowhere; make it first"),
        (["--strategy", "rsi", "-s", SYMBOL, "--monte-carlo", "3", "--seed", "-1"], 2, "seed"),
    ],
)
def test_what_cannot_be_is_said_in_words(store, words, code, said):
    done = store("backtest", *words)

    assert (done.code, done.out) == (code, "")
    assert said in done.err
    assert "Traceback" not in done.err


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["zz"], "'zz' is not the begin of an id"),
        (["0123"], "no backtest has an id that begins with '0123'"),
        (["--delete"], "--report and --delete need an ID"),
    ],
)
def test_an_id_that_there_is_not_is_said_in_words(store, words, said):
    done = store("backtests", *words)

    assert (done.code, done.out) == (2, "")
    assert said in done.err
