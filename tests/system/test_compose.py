"""docker-compose.yml says nothing that the command line and the settings do not know, and its processes run together."""

import os
import re
import shlex
import signal
import subprocess
import sys
import tomllib
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest
import sqlalchemy as sa
from redis import Redis

from app.sign_in.passwords import hash_password
from cli import scheduler
from cli.bot_words import LEFT_ALONE
from db import child
from db.embedded import PostgresServer, RedisServer
from db.engine import create_engine
from db.operations import DatabaseOperations
from settings import load_settings
from tests.flows.served import PATIENCE, wait_until
from tests.system.composed import ROOT, Refused, compose, text

SECRETS = {
    "POSTGRES_PASSWORD": "k9secretofpostgres",
    "REDIS_PASSWORD": "x2secretofredis",
    "APP_PASSWORD_HASH": hash_password("a password of the pages"),
}
OURS = ("schema", "prefect", "flows", "worker", "bots", "app")
TCPDASH = ("schema", "flows", "worker", "bots", "app")


@pytest.fixture(scope="module")
def services() -> dict[str, Any]:
    found: dict[str, Any] = compose(SECRETS)["services"]
    return found


# -- what is in the file ---------------------------------------------------------------------------------------------


def test_the_processes_are_those_of_the_system(services):
    assert set(services) == {"timescaledb", "redis", *OURS}


@pytest.mark.parametrize("missing", SECRETS)
@pytest.mark.parametrize("value", [None, ""])
def test_without_a_secret_nothing_starts_and_the_reason_is_said(missing, value):
    environment = {**SECRETS, missing: value} if value is not None else {k: v for k, v in SECRETS.items() if k != missing}

    with pytest.raises(Refused, match=f"set {missing} in .env, see .env.example"):
        compose(environment)


def test_every_password_is_one_of_the_environment(services):
    variables = [entry for service in services.values() for entry in service.get("environment", {}).items()]
    given = [value for name, value in variables if re.search(r"PASSWORD|AUTH$", name)]
    given += [found for _, value in variables for found in re.findall(r"://[^/]*:([^@/]+)@", str(value))]

    assert len(given) > 8
    assert set(given) == set(SECRETS.values())


def test_the_example_names_every_variable_and_no_secret():
    used = set(re.findall(r"\$\{(\w+)", text()))
    lines = (ROOT / ".env.example").read_text().splitlines()
    named = {found[1]: found[2] for line in lines if (found := re.match(r"(?:# )?([A-Z_]+)=(.*)$", line))}

    assert set(named) == used
    assert {name: named[name] for name in SECRETS} == dict.fromkeys(SECRETS, "")
    assert all(f"{name}=" in lines for name in SECRETS)


def test_the_example_says_the_defaults():
    commented = re.findall(r"^# ([A-Z_]+)=(.*)$", (ROOT / ".env.example").read_text(), re.MULTILINE)
    defaults = dict(re.findall(r"\$\{(\w+):-([^}]*)\}", text()))

    assert dict(commented) == defaults


def test_only_the_page_and_the_one_of_prefect_are_published_and_on_loopback(services):
    published = {name: service["ports"] for name, service in services.items() if service.get("ports")}

    assert published == {"prefect": ["127.0.0.1:4200:4200"], "app": ["127.0.0.1:8501:8501"]}


def test_who_runs_for_long_has_a_health_check_starts_again_and_keeps_little_log(services):
    for name, service in services.items():
        assert service["logging"]["options"]["max-size"]
        if name == "schema":
            assert service["restart"] == "on-failure"
        else:
            assert service["restart"] == "unless-stopped"
            assert service["healthcheck"]["test"][0] in {"CMD", "CMD-SHELL"}


def test_what_is_kept_lies_in_named_volumes():
    found = compose(SECRETS)
    used = {volume.split(":")[0] for service in found["services"].values() for volume in service.get("volumes", ())}

    assert {name for name in used if not name.startswith(".")} == set(found["volumes"])
    for name in used:
        assert not name.startswith(".") or (ROOT / name).exists()


def test_what_a_person_edits_for_bots_is_read_where_the_runner_looks_for_it_and_not_written(services):
    settings = load_settings(environment=services["bots"]["environment"])
    mounted = {words[0]: words[1:] for volume in services["bots"]["volumes"] if len(words := volume.split(":")) == 3}

    assert mounted == {f"./{folder}": [f"/app/{folder}", "ro"] for folder in (settings.bots.folder, settings.strategies)}


def test_images_are_pinned_and_nobody_is_root(services):
    for name in ("timescaledb", "redis"):
        assert re.search(r":\d+\.\d+\.\d+", services[name]["image"])
        assert services[name]["user"] not in {"root", "0"}
    for name in OURS:
        assert services[name]["cap_drop"] == ["ALL"]
        assert "user" not in services[name]
    file = (ROOT / "Dockerfile").read_text()
    last = file[file.rindex("FROM ") :]
    assert re.findall(r"^FROM \S+:\d+\.\d+-\S+", file, re.MULTILINE)
    assert int(re.search(r"^USER (\d+)$", last, re.MULTILINE)[1]) > 0
    assert "--require-hashes" in file


def test_a_service_waits_for_what_is_there(services):
    for service in services.values():
        for name, condition in service.get("depends_on", {}).items():
            wanted = condition["condition"]
            assert wanted == ("service_completed_successfully" if name == "schema" else "service_healthy")
            assert name in services


def test_the_image_gets_what_it_needs_and_no_data():
    lines = (ROOT / ".dockerignore").read_text().split("\n")
    let_in = {line[1:] for line in lines if line.startswith("!")}
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())
    packages = {name.rstrip("*") for name in project["tool"]["setuptools"]["packages"]["find"]["include"]}

    assert lines[1] == "*"
    assert let_in == {*packages, "config", "LICENSE", "README.md", "prefect.yaml", "pyproject.toml", "requirements.lock"}
    assert all((ROOT / name).exists() for name in let_in)


# -- what the program knows of it ------------------------------------------------------------------------------------


def words_of(service: dict[str, Any]) -> list[str]:
    command = service["command"]
    return shlex.split(command) if isinstance(command, str) else list(command)


@pytest.mark.parametrize("name", TCPDASH)
def test_a_command_is_one_of_the_command_line(services, name):
    words = words_of(services[name])
    verbs = [word for number, word in enumerate(words) if not word.startswith("-") and not words[number - 1].startswith("-")]
    help_ = subprocess.run([sys.executable, "-m", "cli", *verbs, "--help"], capture_output=True, text=True, timeout=60, check=True)

    for option in (word for word in words if word.startswith("-")):
        assert option in help_.stdout
    assert f"Usage: python -m cli {' '.join(verbs)}" in help_.stdout


def test_health_checks_ask_verbs_and_addresses_that_there_are(services):
    for words in (["doctor"], ["flows", "status"], ["bots", "list"]):
        subprocess.run([sys.executable, "-m", "cli", *words, "--help"], capture_output=True, timeout=60, check=True)

    assert services["worker"]["healthcheck"]["test"] == ["CMD", "tcpdash", "doctor"]
    assert "tcpdash flows status --json" in services["flows"]["healthcheck"]["test"][1]
    assert "tcpdash bots list --json" in services["bots"]["healthcheck"]["test"][1]
    assert f"grep -q '{LEFT_ALONE}'" in services["bots"]["healthcheck"]["test"][1]


@pytest.mark.parametrize("name", TCPDASH)
def test_each_variable_is_a_setting(services, name):
    environment = services[name]["environment"]
    given = {**SECRETS, "TCPDASH_STREAM__EXCHANGE": "kraken", "TCPDASH_LOG__LEVEL": "ERROR"}

    settings = load_settings(environment=environment)
    changed = load_settings(environment=compose(given)["services"][name]["environment"])

    assert all(variable.startswith("TCPDASH_") for variable in environment)
    assert settings.database.url.get_secret_value().endswith("@timescaledb:5432/tcpdash")
    assert settings.flows.api_url == "http://prefect:4200/api"
    assert settings.flows.page_url == "http://127.0.0.1:4200"
    assert (settings.stream.exchange, changed.stream.exchange, changed.log.level) == ("okx", "kraken", "ERROR")
    assert settings.app.address == ("0.0.0.0" if name == "app" else "127.0.0.1")
    assert list(settings.app.users) == (["operator"] if name == "app" else [])


def test_what_is_said_twice_is_said_the_same(services):
    defaults = load_settings(environment={"TCPDASH_CONFIG": ""})
    own = load_settings(environment=services["worker"]["environment"])

    assert own.database.raw_trades_days == defaults.database.raw_trades_days
    assert own.database.compress_after_days == defaults.database.compress_after_days
    assert (own.stream, own.log) == (defaults.stream, defaults.log)


def test_prefect_is_started_as_by_the_supervisor(services):
    ours = services["prefect"]
    command = [*ours["entrypoint"], *(part for word in ours["command"] for part in word.split("="))]
    theirs = scheduler.server_command(4200)
    calm = {name: value for name, value in scheduler._QUIET.items() if "LOOP_SECONDS" not in name and "COLORS" not in name}

    assert command[1:] == ["0.0.0.0" if word == "127.0.0.1" else word for word in theirs[1:]]
    assert calm.items() <= ours["environment"].items()


def test_the_database_of_prefect_is_made(services):
    url = sa.make_url(services["prefect"]["environment"]["PREFECT_SERVER_DATABASE_CONNECTION_URL"])
    script = (ROOT / "docker" / "databases.sql").read_text()

    assert (url.drivername, url.database) == ("postgresql+asyncpg", "prefect")
    assert "create database prefect;" in script


def test_the_shell_of_redis_makes_a_file_that_redis_takes(services, tmp_path):
    shell, option, script = services["redis"]["command"]
    script = script.replace("/tmp/", f"{tmp_path}/").replace("exec redis-server", "echo started")

    done = subprocess.run(
        [shell, option, script],
        env={**services["redis"]["environment"], "PATH": os.defpath},
        capture_output=True,
        text=True,
        check=True,
    )

    lines = (tmp_path / "redis.conf").read_text().splitlines()
    assert lines[0] == f"requirepass {SECRETS['REDIS_PASSWORD']}"
    assert lines[1:] == ["appendonly yes", 'save ""', "maxmemory 256mb", "maxmemory-policy noeviction"]
    assert (tmp_path / "redis.conf").stat().st_mode & 0o077 == 0
    assert done.stdout.split() == ["started", f"{tmp_path}/redis.conf"]


# -- the same processes without Docker -------------------------------------------------------------------------------


class Composition:
    """The services as processes of this machine, each with its command and environment; hosts and ports are those of here.

    Args:
        folder: In place of the volume.
        here: What stands in the file, and what it is here.
    """

    def __init__(self, folder: Path, here: dict[str, str]) -> None:
        self.folder = folder
        self._here = {**here, "/var/lib/tcpdash": str(folder), "0.0.0.0": "127.0.0.1"}
        self.services: dict[str, Any] = compose({**SECRETS, "TCPDASH_STREAM__EXCHANGE": "synthetic"})["services"]
        self.processes: dict[str, subprocess.Popen[bytes]] = {}

    def here(self, value: str) -> str:
        names = "|".join(map(re.escape, sorted(self._here, key=len, reverse=True)))
        return re.sub(names, lambda found: self._here[found[0]], value)

    def environment(self, name: str) -> dict[str, str]:
        own = dict(self.services[name]["environment"])
        if name != "prefect":  # the local exchange in place of the venue; nothing else is added
            own |= {
                f"TCPDASH_VENUES__SYNTHETIC__{kind}_URL": f"{scheme}://exchange:8765"
                for kind, scheme in (("STREAM", "ws"), ("REST", "http"))
            }
        kept = {key: os.environ[key] for key in ("PATH", "HOME", "LANG") if key in os.environ}
        return {**kept, "PYTHONPATH": str(ROOT), **{key: self.here(str(value)) for key, value in own.items()}}

    def local(self, words: list[str]) -> list[str]:
        programs = {"tcpdash": [sys.executable, "-m", "cli"], "python": [sys.executable]}
        return [*programs.get(words[0], [words[0]]), *map(self.here, words[1:])]

    def start(self, name: str) -> subprocess.Popen[bytes]:
        service = self.services[name]
        command = self.local([*service.get("entrypoint", ["tcpdash"]), *words_of(service)])
        return self.run(name, command, self.environment(name))

    def run(self, name: str, command: list[str], environment: dict[str, str]) -> subprocess.Popen[bytes]:
        with (self.folder / f"{name}.out").open("ab") as output:
            self.processes[name] = subprocess.Popen(command, env=environment, stdout=output, stderr=output, cwd=ROOT)
        return self.processes[name]

    def is_healthy(self, name: str) -> bool:
        kind, *words = self.services[name]["healthcheck"]["test"]
        if kind == "CMD-SHELL":
            words = ["sh", "-c", self.here(words[0]).replace("tcpdash", f"{shlex.quote(sys.executable)} -m cli", 1)]
        else:
            words = self.local(words)
        done = subprocess.run(words, env=self.environment(name), capture_output=True, cwd=ROOT, timeout=120, check=False)
        return done.returncode == 0

    def until(self, condition: Callable[[], object], seconds: float = PATIENCE) -> None:
        if not wait_until(condition, seconds):
            words = "\n".join(f"-- {file.stem}\n{file.read_text()[-3000:]}" for file in sorted(self.folder.glob("*.out")))
            pytest.fail(f"nothing came of it in {seconds:.0f} s\n{words}")

    def stop(self) -> None:
        for name in ("app", "bots", "worker", "flows", "prefect", "exchange"):
            process = self.processes.get(name)
            if process is not None and process.poll() is None:
                process.send_signal(signal.SIGTERM)
                process.wait(timeout=40)


@pytest.fixture
def composition(tmp_path: Path) -> Iterator[Composition]:
    postgres, redis = PostgresServer(tmp_path / "postgres", durable=False), RedisServer(tmp_path / "redis", durable=False)
    postgres.start()
    redis.start()
    engine = create_engine(postgres.url).execution_options(isolation_level="AUTOCOMMIT")
    with engine.connect() as connection:  # what the images do at their first start
        connection.exec_driver_sql("create role tcpdash superuser login")
        connection.exec_driver_sql("create database tcpdash owner tcpdash")
        connection.exec_driver_sql((ROOT / "docker" / "databases.sql").read_text())
    engine.dispose()
    with Redis.from_url(redis.url) as client:
        client.config_set("requirepass", SECRETS["REDIS_PASSWORD"])
    ports = {name: str(child.free_port()) for name in ("4200", "8501", "8765")}
    hosts = {
        "timescaledb:5432": f"127.0.0.1:{postgres.port}",
        "@redis:6379": f"@127.0.0.1:{redis.port}",
        "prefect:4200": f"127.0.0.1:{ports['4200']}",
        "exchange:8765": f"127.0.0.1:{ports['8765']}",
    }
    folder = tmp_path / "home"
    folder.mkdir()
    composition = Composition(folder, {**ports, **hosts})
    yield composition
    composition.stop()
    redis.stop()
    postgres.stop()


@pytest.mark.postgres
@pytest.mark.redis
@pytest.mark.prefect
@pytest.mark.timeout(900)
def test_the_processes_run_together_with_the_environment_of_the_file(composition):
    exchange = [sys.executable, "-m", "cli", "replay", "synthetic", "--port", "8765", "--speed", "20"]
    composition.run("exchange", list(map(composition.here, exchange)), {**os.environ, "PYTHONPATH": str(ROOT)})
    assert composition.start("schema").wait(timeout=60) == 0
    for name in ("prefect", "worker", "bots", "app"):
        composition.start(name)
    composition.until(lambda: composition.is_healthy("prefect"))
    composition.start("flows")

    url = composition.here(composition.services["worker"]["environment"]["TCPDASH_DATABASE__URL"])
    database = DatabaseOperations(create_engine(url))
    composition.until(lambda: database.market_data.count("SYNTHETIC:BTC-USDT", "1m") >= 3)
    composition.until(database.bots.list)
    database.bots.wish("running", by="the test")
    composition.until(lambda: "running" in {bot.state for bot in database.bots.list()})
    database.close()
    for name in ("worker", "bots", "app", "flows"):
        composition.until(lambda name=name: composition.is_healthy(name))
    page = httpx.get(composition.here("http://127.0.0.1:8501/"), trust_env=False)
    as_browser = {"Accept": "text/html"}
    prefect = httpx.get(composition.here("http://127.0.0.1:4200/dashboard"), headers=as_browser, trust_env=False)

    assert (page.status_code, page.headers["location"], prefect.status_code) == (303, "/sign-in?next=%2F", 200)
    assert all(process.poll() is None for name, process in composition.processes.items() if name != "schema")

    composition.processes["worker"].kill()
    composition.processes["worker"].wait(timeout=20)
    composition.until(lambda: not composition.is_healthy("worker"))
