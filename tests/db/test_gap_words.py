"""Holes in words: every piece of evidence that the worker writes, and whatever else may stand there."""

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from db.gap_words import STATES, told_evidence, told_ids, told_length, told_states
from db.repositories.gaps import Gap
from market.trade import Side, Trade
from streaming.ledger import State
from streaming.rows import alarm_of

HOLE = Gap(symbol="OKX:BTC-USDT", first_id=5, last_id=9, start_us=1_000, end_us=2_000, cause="disconnect")
KEYS = st.sampled_from(["never_existed", "reason", "calls", "overlaps", "rows", "stored", "other", "by", "answers", "between"])
ANSWERS = [{"between": [4, 10], "at_us": 1, "rows": 2}, {"between": [4, 10], "at_us": 2, "rows": 40}]


@pytest.mark.parametrize(
    ("evidence", "words"),
    [
        (None, ""),
        ({"by": "feed"}, "came late, over the feed"),
        ({"timeframe": "1h", "run": 7}, "no 1h candles there, found by check 7"),
        ({"suite": "trades", "run": 7}, "no trades there, found by check 7"),
        ({"timeframe": "1h", "run": 7, "by": "quality"}, "stored since, found by a later check"),
        ({"timeframe": "1h", "run": 7, "reason": "the venue answered and has no candle"}, "the venue answered and has no candle"),
        ({"never_existed": [{"ids": [5, 9], "answers": ANSWERS}]}, "the venue has 4 and 10 and nothing between"),
        (
            {"never_existed": [{"ids": [5, 6], "answers": ANSWERS}, {"ids": [8, 9], "answers": ANSWERS}], "calls": 2},
            "the venue has 4 and 10 and nothing between (asked 2 times), likewise 1 other range",
        ),
        ({"reason": "the venue refuses for good", "calls": 1}, "the venue refuses for good (asked 1 time)"),
        ({"reason": "the venue's ids started over", "first_id": 1}, "the venue's ids started over at 1"),
        ({"rows": 1000, "overlaps": True, "first_us": 1, "last_us": 2}, "the venue's newest 1,000 trades reach back before it"),
        ({"rows": 50, "overlaps": False, "first_us": 1, "last_us": 2}, "the venue's newest 50 trades do not reach back to it"),
        ({"something": [1, "else"]}, '{"something":[1,"else"]}'),
        ({"never_existed": []}, '{"never_existed":[]}'),
        ({"stored": 1, "other": 2}, '{"stored":1,"other":2}'),
        ("a word", '"a word"'),
    ],
)
def test_evidence_is_told_in_a_few_words(evidence, words: str):
    assert told_evidence(replace(HOLE, evidence=evidence)) == words


def test_an_alarm_says_what_differs():
    stored = Trade("OKX:BTC-USDT", 5, 61_000.5, 0.1, Side.BUY, 1_000, 2_000)
    other = Trade("OKX:BTC-USDT", 5, 61_000.6, 0.1, Side.SELL, 1_001, 3_000)

    assert told_evidence(alarm_of(stored, other)) == (
        "price 61000.5 is stored, 61000.6 came too, side buy is stored, sell came too"
    )


def test_long_evidence_is_cut():
    words = told_evidence(replace(HOLE, evidence={"reason": "no " * 100}))

    assert len(words) == 100
    assert words.endswith("…")


@given(st.recursive(st.none() | st.integers() | st.text(), lambda inner: st.lists(inner) | st.dictionaries(KEYS, inner)))
def test_any_json_can_be_told(evidence):
    told_evidence(replace(HOLE, evidence=evidence))


@pytest.mark.parametrize(
    ("microseconds", "words"),
    [
        (0, "0.000 s"),
        (250_000, "0.250 s"),
        (12_500_000, "12.5 s"),
        (119_900_000, "119.9 s"),
        (312_400_000, "5 min 12 s"),
        (12_000_000_000, "3 h 20 min"),
        (187_200_000_000, "2 d 4 h"),
    ],
)
def test_a_length_is_told_in_one_or_two_units(microseconds: int, words: str):
    assert told_length(microseconds) == words


def test_ids_are_told_as_a_range():
    assert told_ids(HOLE) == "5-9"
    assert told_ids(replace(HOLE, last_id=5)) == "5"
    assert told_ids(replace(HOLE, first_id=None, last_id=None)) == ""


@pytest.mark.parametrize(
    ("counts", "words"),
    [
        ({}, "no holes"),
        ({"open": 1}, "1 hole (1 open)"),
        ({"never_existed": 2, "filled": 1_000, "alarm": 1}, "1,002 holes (1,000 filled, 2 never existed) and 1 alarm"),
        ({"alarm": 2}, "no holes and 2 alarms"),
    ],
)
def test_states_are_counted_in_words(counts: dict[str, int], words: str):
    assert told_states(counts) == words


def test_every_state_of_the_worker_is_told():
    assert set(STATES) == {str(state) for state in State}
