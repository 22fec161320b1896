import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.charts.rows import MAX_BARS
from app.ranges import (
    QUICK,
    Shown,
    fitting,
    moment_of,
    moved,
    newest,
    on_the_wall,
    scaled,
    since,
    window,
    window_named,
    window_words,
)
from app.views import market_pickers
from market.clock import parse_time
from market.timeframe import DAY_US, MINUTE_US, Timeframe

HOUR_US = 60 * MINUTE_US


def test_both_hours_that_clocks_show_when_they_are_put_back_have_words_of_their_own() -> None:
    first, second = (parse_time(f"2024-10-27T0{hour}:30Z") for hour in (0, 1))
    ends = [on_the_wall(moment_us, "Europe/Berlin") for moment_us in (first, second)]

    said = window_words(ends, "Europe/Berlin")

    assert said == "2024-10-27T02:30/2024-10-27T02:30+01:00"
    assert [moment_of(end, "Europe/Berlin") for end in window_named(said, "Europe/Berlin") or ()] == [first, second]


def test_each_end_of_a_window_is_read_by_its_own_offset() -> None:
    ends = window_named("2024-03-31T01:15/2024-03-31T03:25", "Europe/Berlin") or ()

    assert [moment_of(end, "Europe/Berlin") for end in ends] == [parse_time(f"2024-03-31T{clock}Z") for clock in ("00:15", "01:25")]


@given(st.sampled_from(["UTC", "Europe/Berlin", "America/St_Johns", "Australia/Lord_Howe"]), st.integers(21_000_000, 68_000_000))
def test_a_minute_comes_back_from_its_words_in_any_zone(name: str, minute: int) -> None:
    ends = [on_the_wall(minute * MINUTE_US, name)] * 2

    back = window_named(window_words(ends, name), name) or ()

    assert [moment_of(end, name) for end in back] == [minute * MINUTE_US] * 2


@pytest.mark.parametrize(
    ("asked", "name", "drawn", "bars"),
    [
        ("1m", "6 h", "1m", 360),
        ("1m", "1 d", "1m", 1_440),
        ("1m", "1 week", "15m", 672),
        ("1m", "1 month", "30m", 1_440),
        ("1m", "1 year", "12h", 730),
        ("1d", "1 year", "1d", 365),
        ("1w", "6 h", "1w", 1),
    ],
)
def test_the_narrowest_timeframe_that_fits_is_drawn(asked: str, name: str, drawn: str, bars: int) -> None:
    shown = newest(Timeframe(asked), QUICK[name], name)

    assert (str(shown.timeframe), shown.bars, shown.moves) == (drawn, bars, True)
    assert bool(shown.said) == (drawn != asked)


def test_another_timeframe_is_told_with_its_number() -> None:
    shown = newest(Timeframe.M1, QUICK["1 year"], "1 year")

    assert shown.said == "1 year in 1m candles: 525,600, and 2,000 are drawn at most, so 12h is drawn."


@given(st.sampled_from([each for each in Timeframe if each.width_us >= MINUTE_US]), st.integers(1, 50 * 365 * DAY_US))
def test_no_more_are_drawn_than_a_screen_can_show(asked: Timeframe, span_us: int) -> None:
    shown = newest(asked, span_us, "so much")

    assert 1 <= shown.bars <= MAX_BARS
    assert shown.timeframe.width_us >= asked.width_us
    narrower = [each for each in Timeframe if asked.width_us <= each.width_us < shown.timeframe.width_us]
    assert all(span_us > MAX_BARS * each.width_us for each in narrower)


@pytest.mark.parametrize(
    ("start", "end", "drawn", "bars"),
    [
        ("2024-08-09T00:00", "2024-08-09T00:10:30", "1m", 11),
        ("2024-08-09T00:00", "2024-08-10T09:19:59", "1m", 2_000),
        ("2024-08-09T00:00", "2024-08-10T09:20:00", "1m", 2_000),
        ("2024-08-09T00:00", "2024-08-10T09:20:01", "5m", 401),  # the minute that just began is a candle, too
        ("2024-08-09T00:04", "2024-08-10T10:01:00", "5m", 409),
    ],
)
def test_all_from_a_moment_on_holds_its_first_candle_while_one_forms(start: str, end: str, drawn: str, bars: int) -> None:
    shown = since(Timeframe.M1, parse_time(f"{start}Z"), parse_time(f"{end}Z"), "All")

    assert (str(shown.timeframe), shown.bars, shown.moves) == (drawn, bars, True)
    assert bool(shown.said) == (drawn != "1m")


def test_the_range_of_all_begins_where_the_first_candle_opens(monkeypatch: pytest.MonkeyPatch) -> None:
    begin_us = parse_time("2024-08-09T00:00Z")
    monkeypatch.setattr(market_pickers, "all_us", lambda *_: (begin_us, begin_us + 10 * MINUTE_US + 30_000_000))

    assert market_pickers.pick_span("OKX:BTC-USDT", Timeframe.M1, "all").bars == 11

    monkeypatch.setattr(market_pickers, "all_us", lambda *_: None)
    monkeypatch.setattr(market_pickers, "now_us", lambda: begin_us + 30_000_000)
    assert market_pickers.pick_span("OKX:BTC-USDT", Timeframe.M1, "all").bars == 24 * 60 + 1


def test_the_longest_of_all_times_is_drawn_in_weeks() -> None:
    assert fitting(Timeframe.M1, 100 * 365 * DAY_US) is Timeframe.W1


def test_a_window_the_wrong_way_round_is_turned() -> None:
    assert window(Timeframe.M1, 10 * HOUR_US, 8 * HOUR_US) == window(Timeframe.M1, 8 * HOUR_US, 10 * HOUR_US)
    assert window(Timeframe.M1, 8 * HOUR_US, 10 * HOUR_US) == Shown(
        timeframe=Timeframe.M1, bars=120, start_us=8 * HOUR_US, end_us=10 * HOUR_US
    )


def test_a_window_of_nothing_is_one_candle() -> None:
    shown = window(Timeframe.H1, DAY_US, DAY_US)

    assert (shown.bars, shown.end_us) == (1, DAY_US + HOUR_US)


def test_a_long_window_says_what_is_drawn() -> None:
    assert window(Timeframe.M1, 0, 30 * DAY_US).said.startswith("This window in 1m candles: 43,200,")


def test_windows_are_moved_and_scaled_around_their_middle() -> None:
    assert moved(100, 200, -0.5) == (50, 150)
    assert scaled(0, 4 * HOUR_US, 0.5) == (HOUR_US, 3 * HOUR_US)
    assert scaled(2 * HOUR_US, 4 * HOUR_US, 2.0) == (HOUR_US, 5 * HOUR_US)


def test_a_window_never_gets_shorter_than_ten_minutes() -> None:
    start_us, end_us = scaled(HOUR_US, HOUR_US + MINUTE_US, 0.5)

    assert end_us - start_us == 10 * MINUTE_US
