"""Backfills as the form of the page has them, and how far they are."""

from dataclasses import replace

import pandas as pd
import pytest

from app import backfills
from app.backfills import Asked, asked, far, lacking, not_in
from db.repositories.backfills import Backfill
from market.clock import parse_time
from market.errors import InputError
from market.timeframe import DAY_US, MINUTE_US, Timeframe
from market.window import Window

NOW_US = parse_time("2024-08-31T12:00:30Z")
FIELDS = {"timeframe": "1m", "start": "2024-08-01", "end": "", "trades": False, "again": False, "at_us": NOW_US}
ROW = Backfill(
    id=1, symbol="OKX:BTC-USDT", timeframe="1m", source="candles", start_us=0, end_us=DAY_US, state="running", wanted=1_000,
    fetched=250, stored=240, requests=3, conflicts=0, error=None, started_us=NOW_US, updated_us=NOW_US + 10_000_000,
)  # fmt: skip


def test_fields_become_parameters_and_the_same_command() -> None:
    wanted = asked(" okx:btc-usdt ", **FIELDS | {"timeframe": "5m", "end": "2024-08-02T00:30Z", "again": True})

    assert wanted.parameters() == {
        "symbol": "OKX:BTC-USDT", "timeframe": "5m", "start": "2024-08-01T00:00:00Z", "end": "2024-08-02T00:30:00Z",
        "trades": False, "again": True,
    }  # fmt: skip
    assert wanted.command() == (
        "tcpdash backfill OKX:BTC-USDT --from 2024-08-01T00:00:00Z --timeframe 5m --to 2024-08-02T00:30:00Z --again"
    )


def test_without_a_begin_it_is_thirty_days_back() -> None:
    assert asked("OKX:BTC-USDT", **FIELDS | {"start": ""}).start_us == parse_time("2024-08-01")


@pytest.mark.parametrize(
    ("changes", "told"),
    [
        ({"symbol": "BTC; rm -rf"}, "is not EXCHANGE:BASE-QUOTE"),
        ({"timeframe": "7m"}, "is not one of"),
        ({"start": "soon"}, "is not ISO 8601"),
        ({"start": "2024-09-01"}, "in the future"),
        ({"end": "2024-07-01"}, "is not before"),
        ({"trades": True, "end": "2024-08-02"}, "trades are fetched back"),
        ({"trades": True, "again": True}, "trades are fetched back"),
        ({"trades": True, "timeframe": "5m"}, "trades are fetched back"),
    ],
)
def test_what_cannot_be_meant_says_why(changes: dict, told: str) -> None:
    with pytest.raises(InputError, match=told):
        asked(**{"symbol": "OKX:BTC-USDT", **FIELDS, **changes})


def test_only_whole_candles_that_are_over_are_meant() -> None:
    wanted = Asked(symbol="OKX:BTC-USDT", timeframe=Timeframe.M5, start_us=parse_time("2024-08-31T11:52Z"))

    assert wanted.window(NOW_US) == Window(parse_time("2024-08-31T11:55Z"), parse_time("2024-08-31T12:00Z"))
    assert replace(wanted, start_us=NOW_US - 1).window(NOW_US).width_us == 0


def test_how_far_a_backfill_is_says_how_long_it_takes() -> None:
    told = far(ROW)

    assert told.share == 0.25
    assert told.told == ("250 of 1,000 candles (25%), 240 rows stored, 3 requests, 25 candles and 0.3 requests a second, 30 s left")
    assert far(replace(ROW, fetched=0)).told == "0 of 1,000 candles (0%), 240 rows stored, 3 requests"
    assert "left" not in far(replace(ROW, state="cancelled")).told
    assert (far(replace(ROW, wanted=0)).share, far(replace(ROW, wanted=0, state="done")).share) == (0.0, 1.0)
    assert far(replace(ROW, fetched=1_100)).share == 1.0


def test_the_newest_backfill_stands_first() -> None:
    table = backfills.backfill_table([ROW, replace(ROW, id=2, state="failed", error="no such symbol")])

    assert table[["id", "state", "why"]].values.tolist() == [[2, "failed", "no such symbol"], [1, "running", "\N{EN DASH}"]]


def test_what_is_answered_is_left_out() -> None:
    spans = [Window(40, 60), Window(0, 20), Window(90, 200)]

    assert not_in(Window(10, 100), spans) == [Window(20, 40), Window(60, 90)]
    assert not_in(Window(10, 100), []) == [Window(10, 100)]
    assert not_in(Window(100, 150), spans) == []


def counted_days(*expected: Window) -> pd.DataFrame:
    """Return days of which 1,440 and 720 minutes are stored."""
    ends = {"start_us": [each.start_us for each in expected], "end_us": [each.end_us for each in expected]}
    return pd.DataFrame({**ends, "present": [1440, 720]})


def test_about_how_many_minutes_lack_is_told_by_days() -> None:
    begin = parse_time("2024-08-01")
    days = counted_days(Window(begin, begin + DAY_US), Window(begin + DAY_US, begin + 2 * DAY_US))

    assert lacking(days, [Window(begin, begin + 2 * DAY_US)]) == 720
    assert lacking(days, [Window(begin + DAY_US, begin + DAY_US + 120 * MINUTE_US)]) == 60
    assert lacking(days, [Window(begin - DAY_US, begin)]) == 1440
    assert lacking(days.head(0), []) == 0


def test_a_day_that_is_not_over_lacks_nothing_where_all_of_it_so_far_is_stored() -> None:
    begin, end = parse_time("2024-08-01"), parse_time("2024-08-02T12:00Z")
    days = counted_days(Window(begin, begin + DAY_US), Window(begin + DAY_US, end))

    assert lacking(days, [Window(begin, end)]) == 0
    assert lacking(days, [Window(begin, end + 5 * MINUTE_US)]) == 5
    assert lacking(days, [Window(end - 60 * MINUTE_US, end)]) == 0
