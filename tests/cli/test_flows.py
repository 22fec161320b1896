"""`tcpdash flows` without a server, and what it makes of what is typed; with one: tests/flows."""

import socket
import tomllib

import pytest

from app.scheduler.api import PrefectApi, SchedulerError
from cli import scheduler
from cli.deployments import deploy
from cli.flows import _parameters
from cli.ports import Ports
from cli.supervisor import Supervisor
from db import child
from db.home import own
from market.errors import InputError
from settings.load import load_settings

pytestmark = pytest.mark.postgres

SCHEMA = {
    "parameter_openapi_schema": {
        "properties": {
            "symbol": {"type": "string"}, "start": {"anyOf": [{"type": "string"}, {"type": "null"}]},
            "hours": {"type": "number"}, "heal": {"type": "boolean"},
        }
    },
    "parameters": {},
}  # fmt: skip


@pytest.mark.parametrize("words", [["status"], ["run", "backfill"], ["pause", "backfill"], ["serve"]])
def test_without_a_server_it_is_said_how_to_start_one(tcpdash, words):
    done = tcpdash("flows", *words)

    assert (done.code, done.out) == (1, "")
    assert done.err == (
        "tcpdash: no Prefect server is known; start `tcpdash up` (without --no-flows), or set TCPDASH_FLOWS__API_URL\n"
    )


def test_a_server_that_does_not_answer_is_named(tcpdash, monkeypatch):
    monkeypatch.setenv("TCPDASH_FLOWS__API_URL", "http://127.0.0.1:1/api")

    done = tcpdash("flows", "status")

    assert done.code == 1
    assert "Prefect does not answer at http://127.0.0.1:1/api" in done.err


def test_an_address_that_is_none_is_refused(tcpdash, monkeypatch):
    monkeypatch.setenv("TCPDASH_FLOWS__API_URL", "http://127.0.0.1:4200")

    done = tcpdash("flows", "status")

    assert done.code == 2
    assert "expected an address like http://host:4200/api" in done.err


def test_parameters_are_what_the_flow_says_they_are():
    words = ["symbol=OKX:BTC-USDT", "start=2024", "hours=6.5", "heal=false"]

    assert _parameters(words, SCHEMA) == {"symbol": "OKX:BTC-USDT", "start": "2024", "hours": 6.5, "heal": False}


@pytest.mark.parametrize(
    ("word", "sentence"),
    [
        ("symbl=x", "--param 'symbl=x' is not KEY=VALUE with a key of symbol, start, hours, heal"),
        ("symbol", "--param 'symbol' is not KEY=VALUE with a key of symbol, start, hours, heal"),
        ("hours=many", "--param 'hours=many': 'many' is not a number (for example 24)"),
        ("heal=no", "--param 'heal=no': 'no' is not a boolean (true or false)"),
    ],
)
def test_a_parameter_that_cannot_be_is_refused(word: str, sentence: str):
    with pytest.raises(InputError) as error:
        _parameters([word], SCHEMA)

    assert str(error.value) == sentence


def test_a_parameter_that_a_flow_cannot_do_without_is_named():
    needy = {"name": "backfill", "parameter_openapi_schema": {**SCHEMA["parameter_openapi_schema"], "required": ["symbol"]}}

    assert _parameters([], {**needy, "parameters": {"symbol": "OKX:BTC-USDT"}}) == {}
    with pytest.raises(InputError, match="backfill needs --param symbol=…"):
        _parameters(["hours=6"], {**needy, "parameters": {}})


def test_while_the_scheduler_starts_it_is_said(tcpdash, tmp_path, monkeypatch):
    monkeypatch.setenv("TCPDASH_HOME", str(tmp_path))
    with own(tmp_path) as home:
        home.publish({"scheduler": {"url": None, "state": "starting"}})

        done = tcpdash("flows", "status")

    assert (done.code, done.err) == (1, "tcpdash: the scheduler is starting; it needs some seconds after `tcpdash up`\n")


@pytest.mark.parametrize(
    ("text", "sentence"),
    [(None, "cannot be read"), ("deployments: [", "is no list of deployments"), ("name: x", "is no list of deployments")],
)
def test_a_file_that_names_no_deployments_is_refused(tmp_path, text, sentence):
    if text is not None:
        (tmp_path / "prefect.yaml").write_text(text)
    with PrefectApi("http://127.0.0.1:1/api") as api, pytest.raises(SchedulerError, match=sentence):
        deploy(api, tmp_path, tmp_path / "home", {}, print)


def test_an_installation_brings_the_file_of_the_checkout():
    copied = scheduler.ROOT / "flows" / "prefect.yaml"
    project = tomllib.loads((scheduler.ROOT / "pyproject.toml").read_text())

    assert copied.read_bytes() == (scheduler.ROOT / "prefect.yaml").read_bytes()
    assert project["tool"]["setuptools"]["package-data"]["flows"] == ["prefect.yaml"]


def test_without_a_checkout_the_file_of_the_package_is_read(tmp_path):
    (tmp_path / "flows").mkdir()
    (tmp_path / "flows" / "prefect.yaml").write_text("deployments: [")

    with PrefectApi("http://127.0.0.1:1/api") as api, pytest.raises(SchedulerError, match=r"flows/prefect\.yaml is no list"):
        deploy(api, tmp_path, tmp_path / "home", {}, print)


def test_no_process_of_prefect_calls_out_and_all_stays_in_the_home(tmp_path, database_url):
    settings = load_settings(None, {"TCPDASH_HOME": str(tmp_path), "TCPDASH_FLOWS__DATABASE_URL": "sqlite+aiosqlite:///x.db"})

    environment = scheduler.server_environment(settings, "http://127.0.0.1:9/api", database_url)

    assert environment["PREFECT_SERVER_ANALYTICS_ENABLED"] == "false"
    assert environment["PREFECT_SERVER_UI_V2_ENABLED"] == "false"
    assert environment["PREFECT_SERVER_CORS_ALLOWED_ORIGINS"] == "http://127.0.0.1:9"
    assert environment["PREFECT_SERVER_DATABASE_CONNECTION_URL"] == "sqlite+aiosqlite:///x.db"
    assert (
        environment["PREFECT_HOME"] == environment["PREFECT_UI_STATIC_DIRECTORY"].removesuffix("/ui") == str(tmp_path / "prefect")
    )


def test_runs_find_what_the_command_line_finds_wherever_they_begin(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("TCPDASH_CONFIG", raising=False)
    (tmp_path / "config").mkdir()
    (tmp_path / "config" / "tcpdash.toml").write_text("")
    settings = load_settings(None, {})

    environment = scheduler.worker_environment(settings, "http://127.0.0.1:9/api")

    assert environment["TCPDASH_CONFIG"] == str(tmp_path / "config" / "tcpdash.toml")
    assert environment["TCPDASH_HOME"] == str(tmp_path / ".tcpdash")
    assert environment["PYTHONPATH"].split(":")[0] == str(scheduler.ROOT)


def test_a_port_that_somebody_else_has_is_named_and_the_system_goes_on_without_flows(tmp_path, database_url, capsys):
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        settings = load_settings(None, {"TCPDASH_HOME": str(tmp_path), "TCPDASH_FLOWS__PORT": str(port)})
        supervisor = Supervisor(tmp_path / "incidents.jsonl")
        found = scheduler.Scheduler(settings, supervisor, {"TCPDASH_DATABASE__URL": database_url}, Ports())
        found.start()

    assert found.state == {"url": None, "state": "off"}
    assert supervisor.pids() == {}
    assert f"no flows run: port {port} of setting 'flows.port' is taken" in capsys.readouterr().err


def test_a_free_port_is_no_server():
    with PrefectApi(f"http://127.0.0.1:{child.free_port()}/api") as api:
        assert api.is_ready() is False
