"""`tcpdash backtest` and `tcpdash backtests`: what a user sees, and the errors."""

import json

import pytest

from research.backtests import stored_of
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


def test_a_warm_up_is_seen_and_not_traded(store):
    asked = (*CROSS, "--start", "2024-08-06", "--json")
    without, told = json.loads(store.out(*asked)), store.out(*asked, "--warm-up", "30")

    found = json.loads(told)
    assert (found["warm_up"], found["coverage"][0]["expected"]) == (30, without["coverage"][0]["expected"])
    assert found["id"] != without["id"]
    assert found["signals"] >= without["signals"]
    assert store.out("backtests", found["id"], "--json") == told
    refused = store(*CROSS, "--warm-up", "30")
    assert (refused.code, "say where the window begins (--start)" in refused.err) == (2, True)


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
        (["--kind", "sweeps"], "--kind 'sweeps' is not one of backtest, sweep, walk-forward; did you mean 'sweep'?"),
    ],
)
def test_an_id_that_there_is_not_is_said_in_words(store, words, said):
    done = store("backtests", *words)

    assert (done.code, done.out) == (2, "")
    assert said in done.err


RAISES = """
from trading import BaseStrategy

class Raises(BaseStrategy):
    @property
    def lookback(self):
        return 2

    def targets(self, data):
        return data["nothing"]
"""


@pytest.fixture
def own(store, tmp_path, monkeypatch):
    """Return the file of a user's strategy that fails."""
    path = tmp_path / "own" / "raises.py"
    path.parent.mkdir()
    path.write_text(RAISES)
    monkeypatch.setenv("TCPDASH_STRATEGIES", str(path.parent))
    return path


@pytest.mark.parametrize("way", ["kernel", "events"])
def test_a_users_strategy_that_fails_is_told_with_its_line(own, store, way):
    done = store("backtest", "--strategy", "raises", "--symbol", SYMBOL, "-t", "15m", "--engine", way)

    assert (done.code, done.out) == (2, "")
    assert done.err == f"tcpdash: {own}, line 10: KeyError: 'nothing'\n"


@pytest.mark.parametrize("words", [("sweep",), ("walk-forward", "--train", "1d", "--test", "1d")])
def test_a_search_of_which_every_set_fails_fails(own, store, words):
    done = store(*words, "--strategy", "raises", "--symbol", SYMBOL, "-t", "15m", "--workers", "1")

    assert done.code == 1
    assert "KeyError: 'nothing'" in done.out


def test_a_sweep_of_a_strategy_without_parameters_tries_it_once(store):
    out = store.out("sweep", "--strategy", "buy_and_hold", "--symbol", SYMBOL, "-t", "15m", "--workers", "1")

    assert "1 parameter set, ranked by Sharpe ratio" in out


def test_a_run_without_a_result_says_how_far_it_is(store, database):
    with database.transaction() as writing:
        begun = stored_of({**json.loads(store.out(*CROSS, "--json", "--no-keep")), "kind": "sweep"}, total=10)
        writing.backtests.begin(begun)
        writing.backtests.progress(begun.id, 4, 10)
        writing.backtests.cancel(begun.id)

    assert store.out("backtests", begun.id) == (
        f"sweep {begun.id[:12]} of sma_cross is cancelled\n4 of 10 are done; the same command goes on from there\n"
    )
    told = json.loads(store.out("backtests", begun.id, "--json"))
    assert (told["state"], told["done"], told["total"]) == ("cancelled", 4, 10)
    refused = store("backtests", begun.id, "--report", "page.html")
    assert (refused.code, refused.err) == (2, f"tcpdash: --report needs a result, and sweep {begun.id[:12]} is cancelled\n")


def test_a_report_that_cannot_be_written_is_refused_in_words(store, tmp_path):
    folder = store(*CROSS, "--report", str(tmp_path))
    (tmp_path / "loop.html").symlink_to("loop.html")
    loop = store(*CROSS, "--report", str(tmp_path / "loop.html"))

    assert (folder.code, folder.out) == (loop.code, loop.out) == (2, "")
    assert "is a folder; name a file in it" in folder.err
    assert "loop.html cannot be written: Too many levels of symbolic links" in loop.err
