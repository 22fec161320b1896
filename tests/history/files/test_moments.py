"""Times, however they are written."""

from zoneinfo import ZoneInfo

import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from history.files.moments import NO_MOMENT, moments_of, zone_of
from market.clock import from_datetime, to_datetime
from market.errors import InputError

MOMENT_US = 1_704_067_260_000_000  # 2024-01-01 00:01


@pytest.mark.parametrize(
    "text",
    [
        *("1704067260", "1704067260.0", "1704067260000", "1704067260000000", "1704067260000000000", "1.70406726e9"),
        *("2024-01-01T00:01:00Z", "2024-01-01 00:01", "2024-01-01 00:01:00.000", "2024-01-01 00:01:00.000000000"),
        *("2024-01-01 00:01:00 UTC", "2024-01-01T01:01:00+01:00", "2024-01-01T01:01:00+0100", "20240101 00:01", "2024.01.01 00:01"),
    ],
)
def test_a_text_is_read_as_the_moment_that_it_says(text: str):
    assert moments_of(pa.string(), text, None).read(pa.array([text])).tolist() == [MOMENT_US]


@pytest.mark.parametrize(("text", "hour"), [("12-AM", 0), ("09-AM", 9), ("12-PM", 12), ("11-PM", 23)])
def test_hours_of_a_clock_with_twelve_are_read(text: str, hour: int):
    read = moments_of(pa.string(), f"2024-01-01 {text}", None).read

    assert read(pa.array([f"2024-01-01 {text}"])).tolist() == [1_704_067_200_000_000 + hour * 3_600_000_000]


@pytest.mark.parametrize("text", ["01/02/2024", "01.02.2024", "Jan 1 2024", "2024-1-1", "", "now"])
def test_a_text_that_is_no_time_or_two_is_not_guessed(text: str):
    assert moments_of(pa.string(), text, None) is None


@pytest.mark.parametrize("first", ["1704067260", "2024-01-01T00:01:00Z", "2024-01-01 00:01", "20240101 00:01"])
def test_of_a_column_with_one_bad_cell_only_that_cell_is_lost(first: str):
    read = moments_of(pa.string(), first, None).read

    assert read(pa.array([first, "bad", "", None, first])).tolist() == [MOMENT_US, NO_MOMENT, NO_MOMENT, NO_MOMENT, MOMENT_US]


def test_a_column_may_change_from_milliseconds_to_microseconds():
    read = moments_of(pa.string(), "1735689600000", None).read

    assert read(pa.array(["1735689600000", "1735689660000000"])).tolist() == [1_735_689_600_000_000, 1_735_689_660_000_000]


@pytest.mark.parametrize(
    "kind", [pa.timestamp("ns", "UTC"), pa.timestamp("ms", "Europe/Berlin"), pa.timestamp("s"), pa.int64(), pa.float64()]
)
def test_a_typed_column_is_read(kind: pa.DataType):
    text = pa.array([MOMENT_US, None]).cast(pa.timestamp("us", getattr(kind, "tz", None)) if pa.types.is_timestamp(kind) else kind)
    column = text.cast(kind)

    assert moments_of(kind, "", None).read(column).tolist() == [MOMENT_US, NO_MOMENT]


@given(st.integers(from_datetime(to_datetime(0)) + 946_684_800_000_000, 4_000_000_000_000_000))
def test_iso_texts_are_read_as_python_reads_them(moment_us: int):
    text = to_datetime(moment_us).isoformat()

    assert moments_of(pa.string(), text, None).read(pa.array([text])).tolist() == [moment_us]


def test_local_hours_are_those_of_their_zone_in_summer_and_winter():
    read = moments_of(pa.string(), "2024-01-01 01:00", ZoneInfo("Europe/Berlin")).read

    assert [to_datetime(each).hour for each in read(pa.array(["2024-01-01 01:00", "2024-07-01 02:00"])).tolist()] == [0, 0]


@pytest.mark.parametrize("other", ["2024-01-01 01:00", "bad"])
@pytest.mark.parametrize("text", ["2024-10-27 02:30", "2024-03-31 02:30"])
def test_an_hour_that_the_clock_shows_twice_or_never_is_no_moment(text: str, other: str):
    read = moments_of(pa.string(), "2024-01-01 01:00", ZoneInfo("Europe/Berlin")).read

    assert read(pa.array([text, other])).tolist()[0] == NO_MOMENT


def test_an_unknown_zone_is_refused():
    with pytest.raises(InputError, match="time zone 'Europe/Atlantis' is not known; a name is like UTC"):
        zone_of("Europe/Atlantis")
