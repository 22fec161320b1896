"""`tcpdash quality`: what a user sees, and the errors."""

import json

import pytest

from tests.history.quality.damage import SYMBOL, apply, fill, minute

pytestmark = pytest.mark.postgres
AWAY = ("--from", "2024-08-05", "--to", "2024-08-07")


@pytest.fixture
def store(tcpdash, database, monkeypatch):
    """Return the command line, with a store without a fault and a venue that does not answer."""
    monkeypatch.setenv("TCPDASH_VENUES__OKX__REST_URL", "http://127.0.0.1:1")
    fill(database)
    return tcpdash


def test_a_whole_store_is_ok_and_what_was_not_checked_is_said(store):
    out = store.out("quality", "okx:btc-usdt", *AWAY)

    assert out.splitlines()[0] == "OKX:BTC-USDT 1m candles 2024-08-05T00:00:00Z to 2024-08-07T00:00:00Z, 2,880 rows: ok"
    assert "OKX:BTC-USDT trades 2024-08-05" in out
    assert "Not checked: OKX cannot be reached at http://127.0.0.1:1" in out
    assert "FAILED" not in out


def test_what_is_wrong_is_told_with_what_mends_it_and_a_report(store, database, tmp_path):
    apply(database, f"delete from market_data where timestamp > {minute(1000)} and timestamp <= {minute(1003)}")
    page = tmp_path / "page.html"
    done = store("quality", SYMBOL, "--suite", "candles", "--report", str(page), *AWAY)

    assert (done.code, done.err) == (1, "")
    assert (
        "1 windows are missing; fetch them: tcpdash backfill OKX:BTC-USDT --timeframe 1m "
        "--from 2024-08-05T16:40:00Z --to 2024-08-05T16:43:00Z"
    ) in done.out
    assert f"report: {page}" in done.out
    assert "spacing" in page.read_text()


def test_json_has_all_of_it(store, database):
    apply(database, f"delete from market_data where timestamp = {minute(1000)}")
    done = store("quality", "--suite", "candles", "--json", *AWAY)
    [run] = json.loads(done.out)

    assert (done.code, run["symbol"], run["success"], run["rows"]) == (1, SYMBOL, False, 2879)
    assert run["missing"] == [{"start": "2024-08-05T16:39:00Z", "end": "2024-08-05T16:40:00Z"}]
    assert [(each["rule"], each["unexpected_count"]) for each in run["results"] if each["success"] is False] == [
        ("spacing", 1), ("wider", 5)
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("words", "code", "said"),
    [
        (["OKX:BTC-USTD"], 1, "nothing is stored of OKX:BTC-USTD; did you mean 'OKX:BTC-USDT'?"),
        (["BTC-USDT"], 2, "symbol 'BTC-USDT' is not EXCHANGE:BASE-QUOTE"),
        (["--timeframe", "2m"], 2, "timeframe '2m' is not one of"),
        (["--suite", "candle"], 2, "--suite 'candle' is not one of candles, trades, all; did you mean 'candles'?"),
        (["--from", "soon"], 2, "time 'soon' is not ISO 8601"),
        (["--from", "2024-08-07", "--to", "2024-08-05"], 2, "--from 2024-08-07 is not before --to 2024-08-05"),
        (["--report", "/nowhere/at/all.html"], 2, "--report /nowhere/at/all.html cannot be written: there is no folder"),
        (["--timeframe", "4h", "--suite", "candles"], 1, "nothing is stored that could be checked: 4h candles; see"),
        ([SYMBOL, "--from", "2030-01-01"], 1, "nothing is stored of OKX:BTC-USDT that could be checked: candles or"),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, list) else "",
)  # fmt: skip
def test_what_cannot_be_is_said_with_the_likely_fix(store, words, code, said):
    done = store("quality", *words)

    assert (done.code, done.out) == (code, "")
    assert done.err.startswith(f"tcpdash: {said}")
