import pandas as pd
import pytest

from app import words
from market.timeframe import MINUTE_US, Timeframe
from tests.app.samples import START_US, SYMBOL, candle, feed, frame

NOW_US = START_US + 3_600_000_000


@pytest.mark.parametrize(
    ("microseconds", "text"),
    [
        (-5, "0.0 s"),
        (400_000, "0.4 s"),
        (59_000_000, "59 s"),
        (180_000_000, "3 min"),
        (10_800_000_000, "3 h"),
        (864_000_000_000, "10 d"),
    ],
)
def test_age_is_told_in_one_fitting_unit(microseconds: int, text: str) -> None:
    assert words.age(microseconds) == text


@pytest.mark.parametrize(
    ("count", "text"), [(0, "0 B"), (999, "999 B"), (1_500, "1.5 kB"), (12_345_678, "12.3 MB"), (4e15, "4000.0 TB")]
)
def test_size_is_told_in_one_fitting_unit(count: float, text: str) -> None:
    assert words.size(count) == text


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (None, words.NOTHING),
        (63_550.3, "63,550.3"),
        (63_867.123456, "63,867.123456"),
        (100.0, "100"),
        (0.1 + 0.2, "0.3"),
        (1e-8, "0.00000001"),
        (1.234e-9, "0.000000001234"),
        (0.0, "0"),
    ],
)
def test_price_has_the_digits_it_has(value: float | None, text: str) -> None:
    assert words.price(value) == text


@pytest.mark.parametrize(
    ("changes", "state", "sentence"),
    [
        ({}, "live", "Trades arrive from OKX; live since 2024-08-08 23:54:00 UTC."),
        (
            {"state": "quiet"},
            "quiet",
            "Connected to OKX; nobody trades, and OKX confirms that nothing is missing; quiet since 2024-08-08 23:54:00 UTC.",
        ),
        (
            {"state": "quiet", "reason": "subscribed, no trade yet", "trade_us": None},
            "quiet",
            "Connected to OKX; no trade has come yet; quiet since 2024-08-08 23:54:00 UTC.",
        ),
        (
            {"state": "stale", "reason": "trades up to 7 did not come"},
            "stale",
            "The feed of OKX is behind since 2024-08-08 23:54:00 UTC: trades up to 7 did not come. What is shown may be old",
        ),
        (
            {"state": "healing", "reason": "a hole is being filled", "open_holes": 3},
            "healing",
            "Trades arrive from OKX; holes are being filled since 2024-08-08 23:54:00 UTC, 3 to go.",
        ),
        (
            {"state": "down", "reason": "connecting"},
            "down",
            "No trades come from OKX since 2024-08-08 23:54:00 UTC: connecting. The worker tries again by itself.",
        ),
        ({"state": "down"}, "down", "No trades come from OKX since 2024-08-08 23:54:00 UTC. The worker"),
        ({"state": "odd", "reason": "of a newer worker"}, "odd", "Since 2024-08-08 23:54:00 UTC: of a newer worker."),
        ({"at_us": NOW_US - 12_000_000}, "silent", "The worker has said nothing for 12 s"),
    ],
)
def test_feed_state_is_told_in_words(changes: dict[str, object], state: str, sentence: str) -> None:
    word, told = words.feed_state(feed(NOW_US, **changes), NOW_US)

    assert word == state
    assert told.startswith(sentence)


def test_symbol_without_a_worker_says_how_to_start_one() -> None:
    word, told = words.feed_state(None, NOW_US)

    assert word == "none"
    assert "tcpdash up" in told


def test_age_of_a_live_trade_is_by_the_time_of_the_venue() -> None:
    assert words.trade_age(feed(NOW_US), NOW_US) == "0.4 s"


def test_age_of_a_replayed_trade_is_by_its_receipt() -> None:
    assert words.trade_age(feed(NOW_US, tape="recorded", trade_us=START_US - 10**15), NOW_US) == "0.3 s"


def test_no_trade_has_no_age() -> None:
    assert words.trade_age(None, NOW_US) == words.NOTHING
    assert words.trade_age(feed(NOW_US, trade_us=None), NOW_US) == words.NOTHING


@pytest.mark.parametrize(
    ("symbol", "tape", "label"),
    [
        (SYMBOL, None, None),
        (SYMBOL, "", None),
        (SYMBOL, "synthetic", "SYNTHETIC"),
        (SYMBOL, "shifted", "REPLAY"),
        (SYMBOL, "recorded", "REPLAY"),
        ("SYNTHETIC:BTC-USDT", None, "SYNTHETIC"),
        ("SYNTHETIC:BTC-USDT", "recorded", "SYNTHETIC"),
    ],
)
def test_what_is_not_live_is_labelled(symbol: str, tape: str | None, label: str | None) -> None:
    assert words.tape_label(symbol, None if tape is None else feed(NOW_US, tape=tape)) == label


@pytest.mark.parametrize(("tape", "now"), [(None, False), ("", True), ("shifted", True), ("synthetic", True), ("recorded", False)])
def test_a_tape_that_keeps_its_times_is_not_of_now(tape: str | None, *, now: bool) -> None:
    assert words.is_of_now(None if tape is None else feed(NOW_US, tape=tape)) is now


def test_completeness_counts_what_is_over_and_what_is_missing() -> None:
    view = frame(candle(1), candle(2, complete=False), candle(3, complete=None), candle(6), candle(7, final=False))

    whole = words.completeness(view, Timeframe.M1)

    assert whole == words.Completeness(proven=2, doubtful=1, unproven=1, missing=2)
    assert str(whole) == "2 proven complete, 1 not complete, 1 unprovable, 2 missing"
    assert whole.share == "33.3 %"


def test_what_lacks_at_the_ends_counts_where_it_is_expected() -> None:
    view = frame(candle(3), candle(4), candle(6))

    def missing(first: int, last: int) -> int:
        return words.completeness(view, Timeframe.M1, (START_US + first * MINUTE_US, START_US + last * MINUTE_US)).missing

    assert [missing(2, 6), missing(0, 6), missing(2, 8), missing(0, 8)] == [1, 3, 3, 5]
    assert words.completeness(view.head(0), Timeframe.M1, (START_US, START_US + 5 * MINUTE_US)).share == "0 %"


@pytest.mark.parametrize(
    ("trades", "told"), [([7, 3], "10"), ([7, None], "≥ 7"), ([None, None], "–"), ([], "–"), ([900, 200], "1,100")]
)
def test_trades_that_a_source_does_not_tell_are_not_none(trades: list[int | None], told: str) -> None:
    assert words.trade_count(pd.Series(trades, dtype="Int64")) == told


def test_a_view_of_unproven_candles_has_no_share() -> None:
    loose = words.completeness(frame(candle(1, complete=None), candle(2, complete=None), candle(4, complete=False)), Timeframe.M1)
    mixed = words.Completeness(proven=1, doubtful=0, unproven=1, missing=0)

    assert loose.share == "unprovable"
    assert str(loose) == "0 proven complete, 1 not complete, 2 unprovable, 1 missing"
    assert mixed.share == "50 %"


@pytest.mark.parametrize(
    ("provable", "counts", "doubted"),
    [
        (True, (3, 0), False),
        (True, (0, 0), False),
        (None, (3, 0), False),
        (None, (0, 3), True),
        (False, (0, 3), True),
        (False, (0, 0), True),
        (False, (3, 3), True),
    ],
)
def test_where_nothing_can_be_proven_a_sentence_says_so(provable: bool | None, counts: tuple[int, int], doubted: bool) -> None:
    whole = words.Completeness(proven=counts[0], doubtful=1, unproven=counts[1], missing=0)
    told = None if provable is None else feed(NOW_US, provable=provable)

    sentence = words.doubt(SYMBOL, told, whole)

    assert sentence.startswith("Completeness is unprovable here: the trade ids of OKX do not count up") is doubted
    assert bool(sentence) is doubted


def test_the_feed_of_an_older_worker_counts_as_provable() -> None:
    old = feed(NOW_US)
    del old["provable"]

    assert words.is_provable(old)


def test_share_is_a_hundred_only_when_nothing_is_amiss() -> None:
    assert words.Completeness(proven=9_999, doubtful=1, unproven=0, missing=0).share == "99.9 %"
    assert words.Completeness(proven=10_000, doubtful=0, unproven=0, missing=0).share == "100 %"
    assert words.Completeness(proven=0, doubtful=0, unproven=0, missing=0).share == words.NOTHING
