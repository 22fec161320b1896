"""The system page against real servers, without a browser: each section, empty and full, and with a store away."""

import json
import os
import socket
from pathlib import Path

import pytest
import streamlit as st

from app.data import doctor, system
from app.data.doctor import Finding, NoAnswer
from app.markdown import with_commands
from app.scheduler.standings import Scheduler, Standing
from db import DatabaseOperations
from db.child import free_port
from db.embedded import PostgresServer
from db.home import own
from db.repositories.wishes import Wish
from market.clock import now_us
from tests.app.pages import Opener, Worker, metrics, statements, words
from tests.db.bots import leased

pytestmark = [pytest.mark.postgres, pytest.mark.redis]
SECTIONS = ("components", "stores", "flows", "log", "settings", "doctor", "wishes")


@pytest.fixture(autouse=True)
def findings(monkeypatch: pytest.MonkeyPatch) -> list[Finding]:
    """Return what the doctor says, whom no test of the page runs."""
    found: list[Finding] = []
    monkeypatch.setattr(doctor, "run_doctor", lambda: list(found))
    return found


@pytest.fixture
def opened(opened: Opener) -> Opener:
    """Return what opens a section."""
    return lambda view="components", **query: opened("system", view=view, **query)


@pytest.mark.parametrize("view", SECTIONS)
def test_each_section_of_an_empty_home(opened: Opener, view: str) -> None:
    page = opened(view)

    assert not page.exception
    assert not page.warning
    assert page.segmented_control(key="view").value == view
    assert f"streamlit {st.__version__}" in words(page)


@pytest.mark.parametrize("view", SECTIONS)
def test_each_section_survives_lost_stores(opened: Opener, monkeypatch: pytest.MonkeyPatch, view: str) -> None:
    monkeypatch.setenv("TCPDASH_DATABASE__URL", f"postgresql+psycopg2://app:p4ssw0rd@127.0.0.1:{free_port()}/app")
    monkeypatch.setenv("TCPDASH_REDIS__URL", f"redis://:p4ssw0rd@127.0.0.1:{free_port()}/0")

    page = opened(view)

    assert not page.exception
    assert len(page.warning) == (view in {"components", "stores", "wishes"})
    assert "p4ssw0rd" not in words(page) + "".join(table.value.to_string() for table in page.dataframe)


@pytest.mark.parametrize("view", SECTIONS)
def test_only_what_is_chosen_is_read_and_that_in_few_statements(opened: Opener, worker: Worker, view: str) -> None:
    worker.tells()

    with statements() as sent:
        opened(view)

    own_ones = [one for one in sent if "alembic" not in one]
    assert len(sent) <= 5
    assert len(own_ones) <= {"components": 1, "stores": 3, "wishes": 1}.get(view, 0)


@pytest.mark.parametrize("view", ["", "nothing", "../../etc", "components,stores"])
def test_a_section_that_is_none_falls_back_to_the_first(opened: Opener, view: str) -> None:
    page = opened(view)

    assert not page.exception
    assert page.segmented_control(key="view").value == "components"


class TestComponents:
    def test_of_an_empty_home(self, opened: Opener) -> None:
        told = words(opened())

        assert "`tcpdash up` does not run" in told
        assert "no component of this home ever went down" in told
        assert "No feed is followed" in told
        assert "Nobody runs bots" in told

    def test_what_runs_here_and_elsewhere_and_what_went_down(
        self, opened: Opener, worker: Worker, home: Path, database: DatabaseOperations
    ) -> None:
        host = socket.gethostname()
        worker.tells(worker=f"{host}-{os.getpid()}", started_us=now_us() - 10**10, queue=70, queue_limit=100)
        leased(database, "a", "b", owner="far-1")
        incident = {"component": "worker", "at": "2026-11-23T01:02:03Z", "exit_code": -9, "down_seconds": 1.5, "attempts": 1}
        (home / "incidents.jsonl").write_text(json.dumps(incident) + "\nhalf a li")

        with own(home) as owned:
            owned.publish({"pids": {"worker": os.getpid(), "app": 2**22 + 1}})
            page = opened(tz="Asia/Tokyo")

        assert not page.exception
        components, workers, runners, incidents = (table.value for table in page.dataframe)
        assert components["state"].tolist() == ["● running", "✖ gone"]
        assert components["memory"][0].endswith(("MB", "GB"))
        assert components["restarts"].tolist() == [1, 0]
        assert workers.loc[0, ["where", "feeds", "waits for the database"]].tolist() == ["this home", "● 1 live", "70 of 100"]
        assert runners.loc[0, ["runner", "where", "bots"]].tolist() == ["far-1", "elsewhere", 2]
        assert incidents.loc[0].tolist() == ["2026-11-23 10:02:03 Asia/Tokyo", "worker", "signal 9", "1.5 s"]


class TestStores:
    def test_both_tell_of_themselves(self, opened: Opener, worker: Worker) -> None:
        worker.tells()

        page = opened("stores")

        assert not page.exception
        told, shown = words(page), metrics(page)
        assert "PostgreSQL 18" in told
        assert "answers within" in told
        assert shown["Keys"] == "1"
        assert int(shown["Connections"]) >= 1
        assert "market_data" in page.dataframe[0].value["table"].tolist()

    def test_a_lost_database_is_told_and_found_again(self, opened: Opener, postgres_server: PostgresServer) -> None:
        page = opened("stores")
        system._database_condition.clear()
        postgres_server.stop()
        try:
            page.run()

            assert not page.exception
            assert "The database cannot be used" in page.warning[0].value
            assert "Keys" in metrics(page)
        finally:
            postgres_server.start()

        page.run()

        assert not page.warning


class TestFlows:
    @pytest.mark.parametrize(
        ("scheduler", "sentence"),
        [
            (None, "No flows run"),
            ({"url": None, "state": "off"}, "No flows run"),
            ({"url": None, "state": "starting"}, "Scheduler starting …"),
            ({"url": "http://127.0.0.1:1/api", "state": "starting"}, "Scheduler starting …"),
            ({"url": "http://127.0.0.1:1/api", "state": "ready"}, "Prefect does not answer at http://127.0.0.1:1/api"),
        ],
    )
    def test_why_there_are_none(
        self, opened: Opener, home: Path, scheduler: dict | None, sentence: str, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        patiently = system.scheduler
        monkeypatch.setattr("app.views.system.flows.scheduler", lambda: patiently(wait_seconds=10))
        with own(home) as owned:
            owned.publish({"scheduler": scheduler})
            page = opened("flows")

        assert not page.exception
        assert with_commands(sentence) in page.markdown[0].value

    @pytest.mark.parametrize(("page_url", "links"), [("http://there:4200", 1), ("javascript:alert(1)//", 0)])
    def test_each_is_told_in_the_zone_of_the_screen_with_a_link_to_a_page(
        self, opened: Opener, monkeypatch: pytest.MonkeyPatch, page_url: str, links: int
    ) -> None:
        flows = [Standing("sweep-gaps", "*/5 * * * *", "", "2026-11-26T12:00:00Z", "2026-11-26T11:55:00Z", "Failed")]
        found = Scheduler(page_url, "Served by <b>me</b>.", flows)
        monkeypatch.setattr("app.views.system.flows.scheduler", lambda: found)

        page = opened("flows", tz="Asia/Tokyo")

        assert page.markdown[0].value == r"Served by \<b\>me\</b\>\."
        assert page.dataframe[0].value.loc[0].tolist() == [
            "sweep-gaps", "*/5 * * * *", "no", "2026-11-26 21:00:00", "2026-11-26 20:55:00", "✖ failed",
        ]  # fmt: skip
        assert len(page.get("link_button")) == links


class TestLog:
    @pytest.fixture
    def logs(self, home: Path) -> Path:
        """Return the folder of the logs, with one of the worker and one of PostgreSQL."""
        folder = home / "logs"
        folder.mkdir()
        lines = [
            "2026-11-26 07:30:00,467 INFO db.plain partition",
            "2026-11-26 07:31:00,467 WARNING x store down reason=postgresql://me:p4ssw0rd@there/app",
            "2026-11-26 07:32:00,467 ERROR x <script>alert(1)</script>",
        ]
        (folder / "worker.log").write_text("\n".join(lines) + "\n")
        (folder / "postgres.log").write_text("2026-11-26 07:30:00 UTC [1] LOG:  ready\n")
        (home / "secret.log").write_text("nothing to be seen")
        return folder

    def test_where_there_is_none_it_says_where_else_to_look(self, opened: Opener) -> None:
        assert "`docker compose logs -f worker`" in words(opened("log"))

    def test_the_newest_come_first_without_secrets(self, opened: Opener, logs: Path) -> None:
        page = opened("log")

        assert not page.exception
        assert page.selectbox(key="log").value == "worker.log"
        lines = page.code[0].value.splitlines()
        assert [line.split()[2] for line in lines] == ["ERROR", "WARNING", "INFO"]
        assert "p4ssw0rd" not in page.code[0].value
        assert "postgresql://***@there/app" in lines[1]

    def test_the_url_chooses_component_level_and_text(self, opened: Opener, logs: Path) -> None:
        page = opened("log", log="worker.log", level="WARNING", find="STORE")

        assert len(page.code[0].value.splitlines()) == 1
        assert opened("log", log="postgres.log").code[0].value.endswith("LOG:  ready")

    def test_nobody_finds_out_a_secret_by_looking_for_its_letters(self, opened: Opener, logs: Path) -> None:
        page = opened("log", find="p4ss")

        assert not page.code
        assert "Nothing of this level and text" in words(page)

    def test_no_part_of_a_secret_is_left_where_a_line_is_cut(self, opened: Opener, logs: Path) -> None:
        lines = [f"{'x' * before} postgresql://me:correct-horse@there/app" for before in range(1_940, 2_000, 3)]
        (logs / "worker.log").write_text("\n".join(lines) + "\n")

        shown = opened("log").code[0].value

        assert "correct" not in shown
        assert "me:" not in shown
        assert max(map(len, shown.splitlines())) == 2_000

    @pytest.mark.parametrize("name", ["../secret.log", "/etc/passwd", "secret.log", "gone.log"])
    def test_another_file_is_not_shown(self, opened: Opener, logs: Path, name: str) -> None:
        page = opened("log", log=name)

        assert not page.exception
        assert page.selectbox(key="log").value == "worker.log"


class TestSettings:
    def test_each_says_where_it_comes_from(self, opened: Opener, home: Path) -> None:
        page = opened("settings")

        rows = page.dataframe[0].value.set_index("setting")
        assert rows.loc["home", ["value", "from"]].tolist() == [str(home), "TCPDASH_HOME"]
        assert rows.loc["database.url", ["value", "from"]].tolist() == ["set", "TCPDASH_DATABASE__URL"]
        assert rows.loc["alerts.urls", "value"] == "not set"

    def test_what_somebody_set_can_be_seen_alone(self, opened: Opener) -> None:
        page = opened("settings", set="true")

        assert "default" not in page.dataframe[0].value["from"].tolist()

    def test_what_changed_since_the_start_and_what_cannot_be_used_is_told(
        self, opened: Opener, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        page = opened("settings")
        monkeypatch.setenv("TCPDASH_BOTS__MOST", "7")
        page.run()
        assert "in force after a restart: bots.most" in page.warning[0].value.replace("\\", "")

        monkeypatch.setenv("TCPDASH_BOTS__MOST", "none")
        page.run()
        assert not page.exception
        assert "cannot be used" in page.warning[0].value


class TestDoctor:
    def test_the_worst_comes_first_with_how_to_mend_it(self, opened: Opener, findings: list[Finding]) -> None:
        findings += [
            Finding("redis", "ok", "answers"),
            Finding("postgres", "bad", "at postgresql://me:p4ss@there: [x](http://evil)", "see `it`"),
        ]  # fmt: skip
        opened("doctor")

        page = opened("doctor")

        assert not page.exception
        rows = page.table[0].value
        assert rows["state"].tolist() == ["✖ bad", "● ok"]
        assert "p4ss" not in rows.to_string()
        assert "[x](" not in rows.to_string()
        assert "✖ 1 bad, ● 1 ok" in words(page)

    def test_one_that_gives_no_answer_is_told(self, opened: Opener, monkeypatch: pytest.MonkeyPatch) -> None:
        def nothing() -> list[Finding]:
            raise NoAnswer("did not end within 30 s")

        monkeypatch.setattr(doctor, "run_doctor", nothing)
        opened("doctor")

        page = opened("doctor")

        assert not page.exception
        assert "`tcpdash doctor` did not end within 30 s" in page.warning[0].value

    def test_the_button_does_not_run_it_more_often_than_every_five_seconds(
        self, opened: Opener, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        ran: list[int] = []
        monkeypatch.setattr(doctor, "run_doctor", lambda: ran.append(1) or [])
        page = opened("doctor")

        for _ in range(3):
            page.button[0].click().run()

        assert len(ran) == 1


class TestWishes:
    @pytest.fixture
    def many(self, database: DatabaseOperations) -> list[int]:
        """Return the numbers of 120 wishes."""
        with database.transaction() as store:
            return [
                store.wishes.add(Wish(by="ann", action="edit bot", subject=f"bot-{number}", details={"api_key": "abcdef"}))
                for number in range(120)
            ]

    def test_there_are_none_yet(self, opened: Opener) -> None:
        assert "nobody has started, stopped or changed anything" in words(opened("wishes"))

    def test_the_newest_come_first_and_older_ones_a_page_at_a_time(self, opened: Opener, many: list[int]) -> None:
        page = opened("wishes")
        newest = page.dataframe[0].value
        page.button[1].click().run()
        older = page.dataframe[0].value

        assert newest["number"].tolist() == many[:-51:-1]
        assert older["number"].tolist() == many[-51:-101:-1]
        assert page.query_params["before"] == str(many[-50])
        assert "abcdef" not in newest.to_string()

        page.button[1].click().run()
        assert page.dataframe[0].value["number"].tolist() == many[19::-1]
        assert page.button[1].disabled
        page.button[0].click().run()
        assert page.dataframe[0].value["number"].tolist() == many[:-51:-1]

    @pytest.mark.parametrize("before", ["x", "-1", "9" * 19, "9" * 5000, "1e3", "²"])
    def test_a_place_that_is_none_shows_what_there_is(self, opened: Opener, many: list[int], before: str) -> None:
        page = opened("wishes", before=before)

        assert not page.exception
        assert len(page.dataframe[0].value) == 50
