from dataclasses import replace

from app.holes import hole_table, hole_words
from db.repositories.gaps import Gap
from tests.app.samples import START_US, SYMBOL

HOLE = Gap(
    symbol=SYMBOL,
    first_id=5,
    last_id=1_004,
    start_us=START_US,
    end_us=START_US + 12_500_000,
    cause="disconnect",
    recovered=100,
    missing=((105, 1_004), (2_000, 2_200)),
)


def test_no_holes_are_good_news() -> None:
    assert hole_words({}) == "None: no trade is known to be missing."


def test_holes_are_counted_with_where_to_read_more() -> None:
    told = hole_words({"open": 1, "never_existed": 2, "alarm": 1})

    assert told.startswith("3 holes (1 open, 2 never existed) and 1 alarm.")
    assert "`tcpdash gaps`" in told
    assert "`tcpdash coverage`" in told


def test_a_hole_is_a_row() -> None:
    assert hole_table([HOLE]).loc[0].to_dict() == {
        "symbol": SYMBOL,
        "from (UTC)": "2024-08-08 23:54:00",
        "length": "12.5 s",
        "cause": "disconnect",
        "state": "open",
        "ids": "5-1004",
        "recovered": "100",
        "missing": "1,101",
        "evidence": "",
    }


def test_a_hole_without_ids_has_dashes() -> None:
    loose = replace(HOLE, first_id=None, last_id=None, state="unrecoverable", missing=(), evidence={"reason": "too old"})

    row = hole_table([loose]).loc[0]

    assert row[["ids", "missing", "state", "evidence"]].tolist() == ["–", "–", "unrecoverable", "too old"]
