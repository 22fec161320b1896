"""The page of data against real servers, without a browser: five states of each section, wishes, and what it asks the database."""

import gc
from base64 import b64decode
from dataclasses import replace
from pathlib import Path
from urllib.parse import parse_qsl

import pytest
import sqlalchemy as sa
import streamlit as st
from streamlit.runtime.caching import cache_utils
from streamlit.testing.v1 import AppTest

from app import access, ranges
from app.access import Role, User
from app.actions import backfills as backfill_wishes
from app.actions import flows as flow_wishes
from app.charts.coverage import COLOURS
from app.data import coverage as coverage_reads
from app.data import flows
from app.data.backfills import backfills
from app.data.coverage import stored_symbols
from app.data.ledger import Wanted, ledger
from app.markdown import escaped
from app.scheduler.runs import RunState
from app.views import first_sight
from app.views.data import backfill as backfill_view
from app.views.data import quality as quality_view
from db import DatabaseOperations
from db.embedded import PostgresServer, RedisServer
from db.repositories.backfills import Conflict
from db.repositories.gaps import Gap
from db.repositories.quality import QualityResult
from market.clock import now_us, parse_time
from market.timeframe import MINUTE_US, Timeframe
from market.window import Window
from tests.app.pages import Opener, Worker, metrics, statements, words
from tests.app.samples import START_US, SYMBOL, Clock, candle, quiet

pytestmark = [pytest.mark.postgres, pytest.mark.redis]
SECTIONS = ("coverage", "holes", "quality", "backfill", "storage")
OTHER = "OKX:ETH-USDT"
RUN = "136b3914-b5c7-449d-bf2d-823ab2602337"
HOLE = Gap(
    symbol=SYMBOL, first_id=5, last_id=9, start_us=START_US + MINUTE_US, end_us=START_US + 2 * MINUTE_US, cause="disconnect",
    evidence={"reason": "the venue refused"},
)  # fmt: skip
BROKEN = QualityResult(
    rule="high", severity="critical", success=False, unexpected_count=2, observed={"worst": 3},
    sample=[{"timestamp": "2024-08-09T00:00:00Z", "high": None}], details="The high is not below open, close and low.",
)  # fmt: skip
MATCHED = QualityResult(
    rule="venue", severity="critical", success=True, unexpected_count=0, observed={"compared": 100, "differing": 1}, sample=[],
    details="A sample is the venue's own.",
)  # fmt: skip
DAY = {"span": "month", "until": "2024-08-20", "day": "2024-08-09", "symbol": SYMBOL}


@pytest.fixture
def full(worker: Worker, database: DatabaseOperations) -> Worker:
    """Fill the stores with something of everything."""
    minutes = [candle(1, complete=False), *(candle(minute) for minute in range(7, 30)), quiet(30), candle(31, complete=None)]
    worker.stores(*minutes, candle(9, symbol=OTHER))
    worker.misses(HOLE, replace(HOLE, first_id=20, last_id=21, state="filled", cause="stall"), replace(HOLE, symbol=OTHER))
    worker.tells(open_holes=1)
    window = Window(START_US, START_US + 60 * MINUTE_US)
    for results in ([MATCHED], [BROKEN, MATCHED]):
        database.quality.end(database.quality.begin(SYMBOL, Timeframe.M1, "candles", window), 30, results)
    number = database.backfills.begin(SYMBOL, Timeframe.M1, "candles", window, 1_000)
    database.backfills.advance(number, fetched=250, stored=240, requests=3)
    done = database.backfills.begin(OTHER, Timeframe.M1, "candles", window, 10)
    database.backfills.end(done, "failed", "the venue is away")
    return worker


def tables(page: AppTest) -> list:
    return [each.value for each in page.dataframe]


# -- five states ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("section", "told"),
    [
        ("coverage", "Nothing is stored yet. Start `tcpdash demo`"),
        ("holes", "None: no trade is known to be missing"),
        ("quality", "No check was done yet"),
        ("backfill", "None was begun yet"),
        ("storage", "No candle is stored yet"),
    ],
)
def test_an_empty_store_says_what_to_do(opened: Opener, section: str, told: str) -> None:
    page = opened("data", view=section)

    assert not page.exception
    assert told in words(page)
    assert not page.warning


@pytest.mark.parametrize("section", SECTIONS)
def test_one_symbol_is_shown(opened: Opener, worker: Worker, section: str) -> None:
    worker.stores(candle(1))

    page = opened("data", view=section)

    assert not page.exception
    assert not page.warning
    assert page.segmented_control(key="view").value == section


def test_a_picture_of_the_calendar_is_there_first(opened: Opener, full: Worker, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(first_sight, "let_paint", lambda _: st.stop())

    page = opened("data", **DAY)

    [image] = [each.proto.body for each in page.get("html") if "first-sight" in each.proto.body and "<img" in each.proto.body]
    drawn = b64decode(image.partition("base64,")[2].partition('"')[0]).decode()
    assert f">{SYMBOL}</text>" in drawn
    assert COLOURS["missing"] in drawn
    assert 'alt="Coverage of 2 symbols by day: ' in image


def test_the_calendar_and_a_day_show_what_is_stored(opened: Opener, full: Worker) -> None:
    page = opened("data", **DAY)

    assert not page.exception
    assert f"{SYMBOL} on 2024-08-09 (UTC)" in words(page)
    assert "1,415 missing, 1 unprovable, 1 no trades, 23 complete minutes, 0 holes in the ledger" in words(page)
    assert len(page.get("vega_lite_chart")) == 2


def test_a_day_without_minutes_leads_on_too(opened: Opener, worker: Worker) -> None:
    worker.tells()  # followed since just now, and nothing is stored yet

    page = opened("data")

    assert not page.exception
    assert "No minute of this day is expected yet" in words(page)
    assert {each.label for each in page.button} >= {"Its holes", "Fetch what is missing"}
    page.button(key="go_Its holes").click().run()
    assert page.segmented_control(key="view").value == "holes"
    assert page.multiselect(key="symbols").value == [SYMBOL]


def test_of_a_recorded_tape_nothing_is_missing_behind_its_newest_minute(opened: Opener, worker: Worker) -> None:
    worker.stores(*(candle(minute) for minute in range(1, 55)))
    worker.tells(tape="recorded")

    later, day = opened("data", **DAY | {"day": "2024-08-15"}), opened("data", **DAY)

    assert "No minute of this day is expected yet" in words(later)
    assert "48 complete minutes, 0 holes in the ledger." in words(day).splitlines()


@pytest.mark.parametrize(("tape", "label"), [("", None), ("shifted", "REPLAY"), ("recorded", "REPLAY"), ("synthetic", "SYNTHETIC")])
def test_prices_that_are_no_venues_live_ones_are_labelled(opened: Opener, worker: Worker, tape: str, label: str | None) -> None:
    worker.stores(candle(30))
    worker.tells(tape=tape)

    page = opened("data", **DAY)

    assert [name for name in ("REPLAY", "SYNTHETIC") if f":orange-badge[{name}]" in words(page)] == ([label] if label else [])


def test_a_day_shows_its_holes(opened: Opener, full: Worker) -> None:
    page = opened("data", **DAY | {"day": "2024-08-08"})

    assert not page.exception
    assert "2 holes in the ledger" in words(page)
    [holes] = tables(page)
    assert holes["symbol"].tolist() == [SYMBOL] * 2
    assert set(holes["state"]) == {"open", "filled"}


def test_a_day_of_more_holes_than_are_listed_says_how_many_there_are(
    opened: Opener, worker: Worker, monkeypatch: pytest.MonkeyPatch
) -> None:
    noon = parse_time("2024-08-09T12:00Z")
    monkeypatch.setattr(coverage_reads, "MOST_HOLES", 2)
    worker.stores(*(candle(minute) for minute in range(7, 30)))
    worker.misses(*(replace(HOLE, first_id=each, last_id=each, start_us=each, end_us=each) for each in range(noon, noon + 3)))

    page = opened("data", **DAY)

    assert "3 holes in the ledger, the newest 2 of them below." in words(page)
    assert [len(each) for each in tables(page)] == [2]


def test_the_ledger_is_filtered_by_the_address(opened: Opener, full: Worker) -> None:
    page = opened("data", view="holes", symbols=SYMBOL, states="open")

    assert not page.exception
    assert "In all: 3 holes (2 open, 1 filled)" in words(page)
    [holes] = tables(page)
    assert holes[["symbol", "cause", "state", "ids", "evidence"]].values.tolist() == [
        [SYMBOL, "disconnect", "open", "5-9", "the venue refused"]
    ]


def test_a_hole_in_the_address_is_told_whole(opened: Opener, full: Worker, database: DatabaseOperations) -> None:
    number = next(iter(database.gaps.page([OTHER], limit=1)[0]))

    page = opened("data", view="holes", hole=str(number))

    assert not page.exception
    assert f"Hole {number}" in words(page)
    assert page.json[0].value == '{"reason": "the venue refused"}'


def test_nonsense_in_the_address_is_ignored(opened: Opener, full: Worker) -> None:
    for query in (
        {"view": "nonsense", "span": "x", "until": "never", "day": "2024-13-45", "symbol": "<script>"},
        {"view": "coverage", "until": "1700000000000", "symbol": SYMBOL},
        {"view": "coverage", "day": "1700000000000", "symbol": SYMBOL},
        {"view": "holes", "symbols": "nonsense", "states": "' or 1=1", "page": "-7", "hole": "9" * 30},
        {"view": "holes", "page": "99", "hole": "²"},
        {"view": "holes", "hole": "9" * 5_000},
        {"view": "quality", "check": "9" * 5_000},
        {"view": "quality", "of": "nonsense", "check": "-1", "run": "../../admin"},
        {"view": "backfill", "fill": "nonsense", "width": "7m", "start": "x", "run": "x"},
    ):
        page = opened("data", **query)

        assert not page.exception, query
        assert page.segmented_control(key="view").value in SECTIONS


def test_checks_show_the_rows_that_failed(opened: Opener, full: Worker) -> None:
    page = opened("data", view="quality")

    assert not page.exception
    assert "Check 2: OKX:BTC-USDT 1m candles, failed" in words(page)
    runs, results, sample = tables(page)
    assert runs[["run", "result"]].values.tolist() == [[2, "failed"], [1, "passed"]]
    assert results.loc[0, ["rule", "result", "found", "figures"]].tolist() == ["high", "failed", 2, "worst 3"]
    assert sample.values.tolist() == [["2024-08-09T00:00:00Z", "–"]]
    assert "1 of 100 candles of OKX:BTC-USDT differed" in words(page)


def test_what_differs_is_told_without_any_check(opened: Opener, worker: Worker, database: DatabaseOperations) -> None:
    worker.stores(candle(1))
    ours = dict.fromkeys(("open", "high", "low", "close", "volume"), 1.0)
    differs = Conflict(
        symbol=SYMBOL, timeframe=Timeframe.M1, timestamp_us=START_US + MINUTE_US, ours=ours, theirs={**ours, "close": 2.0}
    )
    database.backfills.note_conflicts([differs])

    page, one = opened("data", view="quality"), opened("data", view="quality", of=SYMBOL)

    assert not page.exception
    assert [len(each) for each in tables(page)] == [2]
    assert "No check was done yet." in words(page)
    assert f"No check was done yet of {SYMBOL}." in words(one)


def test_more_runs_than_are_listed_are_not_counted(
    opened: Opener, database: DatabaseOperations, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(quality_view, "_SHOWN", 2)
    for _ in range(3):
        database.quality.begin(SYMBOL, Timeframe.M1, "candles", Window(START_US, START_US + MINUTE_US))

    assert "The newest 2 runs." in words(opened("data", view="quality"))


def test_the_last_comparison_is_told_by_the_offset_of_its_day(
    opened: Opener, full: Worker, monkeypatch: pytest.MonkeyPatch
) -> None:
    summer = {"symbol": SYMBOL, "at": "2999-07-15T12:00:00Z", "compared": 50, "differing": 0}
    monkeypatch.setattr(quality_view, "comparisons", lambda _: [summer])
    monkeypatch.setattr(quality_view, "now_us", lambda: parse_time("2025-01-15"))

    page = opened("data", view="quality", tz="Europe/Berlin")

    assert "at the last comparison, 2999-07-15 14:00:00 (Europe/Berlin)." in words(page)


def test_another_check_is_chosen_by_the_address(opened: Opener, full: Worker) -> None:
    page = opened("data", view="quality", check="1", of=SYMBOL)

    assert "Check 1: OKX:BTC-USDT 1m candles, passed" in words(page)


def test_backfills_show_how_far_they_are_and_why_one_failed(opened: Opener, full: Worker) -> None:
    page = opened("data", view="backfill")

    assert not page.exception
    [history] = tables(page)
    assert history[["symbol", "state", "fetched", "why"]].values.tolist() == [
        [OTHER, "failed", "0", "the venue is away"],
        [SYMBOL, "running", "250", "–"],
    ]
    assert "begun on a command line" in words(page)
    assert "250 of 1,000 candles (25%)" in page.get("progress")[0].proto.text


def test_storage_shows_sizes_and_spans(opened: Opener, full: Worker) -> None:
    page = opened("data", view="storage")

    assert not page.exception
    assert metrics(page)["Database"].endswith("MB")
    sizes, symbols, kept = tables(page)
    assert {"market_data", "gaps"} <= set(sizes["table"])
    assert symbols["symbol"].tolist() == [SYMBOL, OTHER]
    assert symbols.loc[0, "oldest minute (UTC)"] == "2024-08-08 23:55"
    assert "database.raw_trades_days" in kept["setting"].tolist()


def test_times_are_told_in_the_zone_of_the_screen(opened: Opener, full: Worker) -> None:
    page = opened("data", view="storage", tz="Asia/Tokyo")

    assert tables(page)[1].loc[0, "oldest minute (Asia/Tokyo)"] == "2024-08-09 08:55"


def test_each_moment_of_a_table_is_told_by_the_offset_of_its_day(opened: Opener, full: Worker) -> None:
    winter = parse_time("2025-01-15T12:00:00Z")
    full.misses(replace(HOLE, first_id=30, last_id=31, start_us=winter, end_us=winter + MINUTE_US))

    [holes] = tables(opened("data", view="holes", tz="Europe/Berlin", symbols=SYMBOL, states="open"))

    assert holes["from (Europe/Berlin)"].tolist() == ["2025-01-15 13:00:00", "2024-08-09 01:55:00"]


@pytest.mark.parametrize(
    ("start", "end"),
    [
        ("2024-03-31T00:30:00Z", "2024-03-31T01:10:00Z"),  # clocks are put forward at 01:00
        ("2024-10-27T00:10:00Z", "2024-10-27T00:30:00Z"),  # and back
        ("2024-10-27T00:30:00Z", "2024-10-27T01:10:00Z"),
        ("2024-10-27T01:20:00Z", "2024-10-27T01:40:00Z"),
    ],
)
def test_a_link_to_candles_opens_the_time_of_the_hole_also_where_clocks_change(
    opened: Opener, full: Worker, database: DatabaseOperations, monkeypatch: pytest.MonkeyPatch, start: str, end: str
) -> None:
    start_us, end_us = parse_time(start), parse_time(end)
    full.misses(replace(HOLE, symbol=OTHER, first_id=30, last_id=31, start_us=start_us, end_us=end_us))
    number = next(each for each, gap in database.gaps.page([OTHER], limit=9)[0].items() if gap.start_us == start_us)
    page = opened("data", view="holes", hole=str(number), tz="Europe/Berlin")
    [link] = [each.proto for each in page.get("page_link") if each.proto.label == "The candles around it"]
    windows: list[tuple[int, int]] = []
    monkeypatch.setattr(ranges, "window", lambda width, *ends, window=ranges.window: windows.append(ends) or window(width, *ends))

    market = opened("market", **dict(parse_qsl(link.query_string)))

    assert not market.exception
    assert windows[0] == (start_us - 15 * MINUTE_US, end_us + 15 * MINUTE_US)


def test_a_link_to_candles_names_utc_where_another_zone_is_the_usual_one(
    opened: Opener, full: Worker, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TCPDASH_APP__TIME_ZONE", "Europe/Berlin")

    for name, carried in (("UTC", "UTC"), ("Europe/Berlin", None)):
        page = opened("data", **DAY, tz=name)
        [link] = [each.proto for each in page.get("page_link") if each.proto.label == "These candles"]

        assert dict(parse_qsl(link.query_string)).get("tz") == carried


def test_a_check_is_told_when_it_began_by_the_offset_of_its_day(opened: Opener, database: DatabaseOperations) -> None:
    window = Window(START_US, START_US + 60 * MINUTE_US)
    for begun in ("2025-01-15T12:00:00Z", "2025-07-15T12:00:00Z"):
        number = database.quality.begin(SYMBOL, Timeframe.M1, "candles", window)
        with database.engine.begin() as connection:
            connection.execute(
                sa.text("UPDATE quality_runs SET started_at = :begun WHERE id = :id"), {"begun": begun, "id": number}
            )

    checks = tables(opened("data", view="quality", tz="Europe/Berlin"))[0]

    assert checks["begun (Europe/Berlin)"].tolist() == ["2025-07-15 14:00:00", "2025-01-15 13:00:00"]


@pytest.mark.parametrize("section", SECTIONS)
def test_a_lost_database_is_told_and_found_again(
    opened: Opener, full: Worker, postgres_server: PostgresServer, section: str
) -> None:
    page = opened("data", view=section, **({} if section != "coverage" else DAY))
    assert not page.warning
    postgres_server.stop()
    try:
        st.cache_data.clear()
        page.run()

        assert not page.exception
        assert "The database cannot be used" in words(page)
        assert len(page.warning) == 1
        assert page.segmented_control(key="view").value == section
    finally:
        postgres_server.start()

    page.run()

    assert not page.exception
    assert not page.warning


def test_a_form_that_was_made_without_the_database_is_made_anew(
    opened: Opener, full: Worker, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[dict] = []

    def symbols(lost: dict) -> list[str]:
        asked.append(lost)
        if len(asked) > 1:
            return stored_symbols(lost)
        lost["database"] = "gone"
        return []

    monkeypatch.setattr(backfill_view, "stored_symbols", symbols)

    page = opened("data", view="backfill")

    assert not page.warning
    assert page.selectbox(key="fill").options == [SYMBOL, OTHER]


@pytest.mark.parametrize("section", SECTIONS)
def test_without_redis_all_that_is_stored_is_shown(opened: Opener, full: Worker, redis_server: RedisServer, section: str) -> None:
    redis_server.stop()
    try:
        page = opened("data", view=section, **({} if section != "coverage" else DAY))

        assert not page.exception
        assert "The database cannot be used" not in words(page)
        assert tables(page) or page.get("vega_lite_chart")
    finally:
        redis_server.start()


# -- wishes --------------------------------------------------------------------------------------------------------------


@pytest.fixture
def prefect(monkeypatch: pytest.MonkeyPatch) -> list[tuple]:
    """Stand for a Prefect that answers; return what was asked of it. A real one is asked in tests/flows."""
    told: list[tuple] = []
    here = flows.Flows(available=True, said="Carried out by tests.", page="http://127.0.0.1:4200")

    def start(deployment, parameters, *, action, subject) -> str:
        told.append((deployment, dict(parameters), action, subject))
        return RUN

    for view in (backfill_view, quality_view):
        monkeypatch.setattr(view, "flows_available", lambda *_: here)
    monkeypatch.setattr(flow_wishes, "start", start)
    return told


def test_without_prefect_the_command_line_is_offered(opened: Opener, full: Worker) -> None:
    page = opened("data", view="backfill", fill=SYMBOL, start="2024-08-01", end="2024-09-01")

    assert not page.exception
    assert "No flows run here" in words(page)
    assert page.code[0].value == ("tcpdash backfill OKX:BTC-USDT --from 2024-08-01T00:00:00Z --to 2024-09-01T00:00:00Z")
    assert "Missing: 44,614 of 44,640 1m candles." in words(page)


def test_a_backfill_is_started_as_the_form_says(opened: Opener, worker: Worker, prefect: list[tuple]) -> None:
    worker.stores(candle(1))

    page = opened("data", view="backfill", fill=SYMBOL, start="2024-08-01", end="2024-09-01", width="5m", again="true")
    [start] = [button for button in page.button if button.label == "Start"]
    start.click().run()

    assert not page.exception
    parameters = {
        "symbol": SYMBOL, "timeframe": "5m", "start": "2024-08-01T00:00:00Z", "end": "2024-09-01T00:00:00Z", "trades": False,
        "again": True,
    }  # fmt: skip
    assert prefect == [("backfill", parameters, "start backfill", SYMBOL)]
    assert RUN in page.query_params["run"]


@pytest.mark.parametrize(
    ("fields", "told"),
    [
        ({"fill": "BTC"}, "is not EXCHANGE:BASE-QUOTE"),
        ({"fill": SYMBOL, "start": "yesterday"}, "is not ISO 8601"),
        ({"fill": SYMBOL, "start": "2999-01-01"}, "in the future"),
        ({"fill": SYMBOL, "start": "1700000000000"}, "it looks like milliseconds"),
        ({"fill": SYMBOL, "start": "2024-02-01", "end": "1700000000000"}, "it looks like milliseconds"),
        ({"fill": SYMBOL, "start": "2024-02-01", "end": "2024-01-01"}, "is not before"),
        ({"fill": SYMBOL, "trades": "true", "end": "2024-01-01", "start": "2023-01-01"}, "trades are fetched back"),
    ],
)
def test_what_cannot_be_meant_is_told_as_it_is_typed(opened: Opener, prefect: list[tuple], fields: dict, told: str) -> None:
    page = opened("data", view="backfill", **fields)

    assert told.lower() in page.error[0].value.replace("\\", "").lower()
    assert [button.disabled for button in page.button if button.label == "Start"] == [True]


def test_what_is_being_filled_already_is_not_started_twice(opened: Opener, full: Worker, prefect: list[tuple]) -> None:
    page = opened("data", view="backfill", fill=SYMBOL, start="2024-08-01")
    [start] = [button for button in page.button if button.label == "Start"]
    start.click().run()

    assert escaped("is being filled already (backfill 1") in page.error[0].value
    assert prefect == []


def test_the_same_wish_of_somebody_else_is_joined(prefect: list[tuple], home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    wanted = backfill_wishes.asked(SYMBOL, timeframe="1m", start="2024-08-01", end="", trades=False, again=False, at_us=now_us())
    going = RunState(run=RUN, state="running", told="It runs.", parameters=wanted.parameters())
    monkeypatch.setattr(backfill_wishes, "runs_under_way", lambda _: [going])

    assert backfill_wishes.start_backfill(wanted) == RUN
    with pytest.raises(backfill_wishes.InputError, match=f"run {RUN}, running"):
        backfill_wishes.start_backfill(replace(wanted, again=True))
    assert prefect == []


def test_a_check_is_started(opened: Opener, full: Worker, prefect: list[tuple]) -> None:
    page = opened("data", view="quality", of=SYMBOL)
    [check] = [button for button in page.button if button.label == "Check now"]
    check.click().run()

    assert prefect == [("data-quality", {"symbol": SYMBOL}, "start check", SYMBOL)]


@pytest.mark.parametrize(("section", "label"), [("backfill", "Start"), ("quality", "Check now")])
def test_a_viewer_looks_and_cannot_act(
    opened: Opener, full: Worker, prefect: list[tuple], monkeypatch: pytest.MonkeyPatch, section: str, label: str
) -> None:
    eve = User(name="eve", role=Role.VIEWER)
    monkeypatch.setattr("app.views.wishes.current_user", lambda: eve)
    monkeypatch.setattr(access, "current_user", lambda: eve)

    page = opened("data", view=section, fill=OTHER, start="2024-08-01")

    assert [button.disabled for button in page.button if button.label == label] == [True]


def test_a_viewers_forged_wish_is_refused(home: Path, database: DatabaseOperations, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(access, "current_user", lambda: User(name="eve", role=Role.VIEWER))
    wanted = backfill_wishes.asked(SYMBOL, timeframe="1m", start="2024-08-01", end="", trades=False, again=False, at_us=now_us())

    with pytest.raises(access.NotAllowed):
        backfill_wishes.start_backfill(wanted)
    assert database.wishes.list() == []


# -- what it costs -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "query",
    [{"view": "coverage", **DAY}, {"view": "holes"}, {"view": "quality"}, {"view": "storage"}]
    + [{"view": "backfill", "fill": SYMBOL, "start": start} for start in ("2024-08-01", "2020-01-01")],
    ids=lambda query: f"{query['view']} {query.get('start', '')}".strip(),
)
def test_a_first_paint_needs_five_statements(opened: Opener, full: Worker, query: dict) -> None:
    opened("data", view="holes")  # the schema is looked at once
    st.cache_data.clear()

    with statements() as sent:
        page = opened("data", **query)

    assert not page.exception
    assert len(sent) <= 5, sent


def test_a_tick_of_the_ledger_asks_only_when_a_feed_tells_of_another_hole(home: Path, full: Worker) -> None:
    ledger(Wanted(), {})

    with statements() as sent:
        for _ in range(5):
            ledger(Wanted(), {})
        before = len(sent)
        full.tells(open_holes=2)
        ledger(Wanted(), {})

    assert (before, len(sent)) == (0, 2)


@pytest.mark.parametrize(("busy", "read"), [(True, 20), (False, 2)])
def test_a_tick_of_backfills_reads_what_is_too_old_and_leaves_nothing_behind(
    home: Path, full: Worker, monkeypatch: pytest.MonkeyPatch, *, busy: bool, read: int
) -> None:
    clock = Clock()
    monkeypatch.setattr(cache_utils, "TTLCACHE_TIMER", clock)

    with statements() as sent:
        backfills({}, busy=busy)
        locks = _locks_of_caches()
        for _ in range(39):
            clock.now += 0.5
            backfills({}, busy=busy)

    assert len([statement for statement in sent if "FROM backfills" in statement]) == read
    assert _locks_of_caches() == locks


def _locks_of_caches() -> int:
    """Count what Streamlit keeps of every key that it ever saw."""
    # By its type: `isinstance` asks a weak proxy, which others may have left here, for what it no longer has.
    return sum(len(each._value_locks) for each in gc.get_objects() if issubclass(type(each), cache_utils.Cache))
