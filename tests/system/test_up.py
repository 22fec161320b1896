"""`tcpdash up` as its user runs it: processes of its own, killed and stopped."""

import io
import json
import os
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pandas as pd
import psutil
import pytest

from cli.options import VENUES
from db import child
from tests.system.generated import SYMBOL, generated_trades, true_minutes, write_tape

pytestmark = [pytest.mark.postgres, pytest.mark.redis]

NUMBERS = ["open", "high", "low", "close", "volume", "trades"]
COLUMNS = "symbol,timeframe,timestamp,open,high,low,close,volume,quote_volume,trades,complete,origin,revision"


class Shell:
    """The command line on a home of its own."""

    def __init__(self, home: Path) -> None:
        self.home = home
        # Flows have tests of their own (tests/flows), and take their seconds.
        self.environment = {**os.environ, "TCPDASH_HOME": str(home), "TCPDASH_CONFIG": "", "TCPDASH_FLOWS__ENABLED": "false"}
        self.output = home.with_suffix(".out")

    def run(self, *words: str, expect: int = 0) -> str:
        done = subprocess.run(
            [sys.executable, "-m", "cli", *words], env=self.environment, capture_output=True, text=True, timeout=90, check=False
        )
        assert done.returncode == expect, done.stdout + done.stderr
        return done.stdout if expect == 0 else done.stdout + done.stderr

    def start(self, *words: str) -> subprocess.Popen:
        with self.output.open("a") as output:
            return subprocess.Popen([sys.executable, "-m", "cli", *words], env=self.environment, stdout=output, stderr=output)

    def state(self) -> dict:
        file = self.home / "state.json"
        return json.loads(file.read_text()) if file.exists() else {}

    def pid(self, name: str) -> int | None:
        return self.state().get("pids", {}).get(name)

    def until(self, condition: Callable[[], object], seconds: float = 60) -> None:
        assert child.wait_until(lambda: bool(condition()), seconds), self.output.read_text()

    def candles(self, *words: str) -> pd.DataFrame:
        frame = pd.read_csv(io.StringIO(self.run("candles", SYMBOL, "1m", *words)))
        frame["timestamp"] = pd.to_datetime(frame["timestamp"], utc=True)
        return frame.set_index("timestamp")


@pytest.fixture
def shell(tmp_path: Path) -> Iterator[Shell]:
    shell = Shell(tmp_path / "home")
    yield shell
    for process in (*_below(os.getpid()),):
        if str(tmp_path) in " ".join(process.environ().get(name, "") for name in ("TCPDASH_HOME",)):
            process.kill()


def _below(pid: int) -> Iterator[psutil.Process]:
    for process in psutil.Process(pid).children(recursive=True):
        try:
            process.environ()
        except psutil.Error:
            continue
        yield process


def test_a_tape_from_the_command_line_ends_in_candles_on_the_command_line(tmp_path: Path, shell: Shell):
    trades = generated_trades(7)
    cut = len(trades) // 2
    halves = [write_tape(tmp_path / f"{name}.jsonl.gz", part) for name, part in (("a", trades[:cut]), ("b", trades[cut:]))]

    running = shell.start("up", "--tape", f"{halves[0]},{halves[1]}", "--speed", "60", "--no-app", "--no-flows", "--for", "12")
    assert running.wait(60) == 0, shell.output.read_text()

    printed = shell.run("candles", SYMBOL, "1m", "--format", "csv")
    assert printed.splitlines()[0] == COLUMNS
    stored, truth = shell.candles(), true_minutes(trades).iloc[:-1]
    assert stored[NUMBERS].to_numpy().tolist() == truth[NUMBERS].to_numpy().tolist()
    assert stored["complete"].tolist() == [False] + [True] * (len(truth) - 1)
    assert len(shell.run("trades", SYMBOL).splitlines()) == len(trades) + 1
    assert len(json.loads(shell.run("candles", SYMBOL, "5m", "--json"))) == 2
    assert shell.run("db", "check").startswith("schema ")
    assert "did you mean 'BINANCE:BTC-USDT'" in shell.run("candles", "BINANCE:BTC-USD", expect=1)


def test_killed_processes_come_back_and_nothing_is_lost_doubled_or_wrong_in_the_end(tmp_path: Path, shell: Shell):
    trades = generated_trades(9)
    running = shell.start("up", "--tape", str(write_tape(tmp_path / "tape.jsonl.gz", trades)), "--speed", "20", "--no-app")
    shell.until(lambda: shell.pid("worker"))
    for name in ("worker", "postgres", "redis", "worker"):
        stored, victim = _rows(shell), shell.pid(name)
        shell.until(lambda stored=stored: _rows(shell) > stored)
        os.kill(victim, signal.SIGKILL)
        shell.until(lambda name=name, victim=victim: shell.pid(name) not in {victim, None})
    shell.until(lambda: _rows(shell) and _last_id(shell) == trades[-1].trade_id)
    shell.until(lambda: not json.loads(shell.run("gaps", SYMBOL, "--state", "open", "--json")))
    doctor = shell.run("doctor")
    running.send_signal(signal.SIGINT)
    assert running.wait(30) == 0, shell.output.read_text()

    for name in ("worker", "postgres", "redis"):
        assert f"{name} (killed by signal 9)" in doctor
    kept = pd.read_csv(io.StringIO(shell.run("trades", SYMBOL)))
    assert sorted(kept["trade_id"]) == [trade.trade_id for trade in trades]
    truth, stored = true_minutes(trades).iloc[:-1], shell.candles()
    assert stored[NUMBERS].to_numpy().tolist() == truth[NUMBERS].to_numpy().tolist()
    assert stored["complete"].tolist() == [False] + [True] * (len(truth) - 1)
    gaps = json.loads(shell.run("gaps", SYMBOL, "--json"))
    assert {gap["state"] for gap in gaps} == {"filled"}
    assert {gap["cause"] for gap in gaps} <= {"crash", "disconnect", "sequence", "stall", "overload"}


def test_the_demo_goes_on_with_what_it_stored_and_leaves_no_process_behind(shell: Shell):
    labels = []
    for _ in range(2):
        running = shell.start("demo", "--speed", "60", "--for", "600")
        before = len(labels)
        shell.until(lambda: _page_answers(shell))
        shell.until(lambda before=before: _demo_minutes(shell) > before + 2)
        processes = list(_below(running.pid))
        assert {"postgres", "redis", "exchange", "worker", "app"} <= shell.state()["pids"].keys()
        running.send_signal(signal.SIGINT)
        assert running.wait(30) == 0, shell.output.read_text()
        assert [process for process in processes if process.is_running() and process.status() != psutil.STATUS_ZOMBIE] == []
        labels = shell.run("candles", "SYNTHETIC:BTC-USDT").splitlines()[1:]

    assert "SYNTHETIC" in shell.output.read_text()
    assert len({label.split(",")[2] for label in labels}) == len(labels)


def test_a_supervisor_that_is_killed_takes_everything_with_it_and_can_be_started_again(tmp_path: Path, shell: Shell):
    tape = str(write_tape(tmp_path / "tape.jsonl.gz", generated_trades(9)))
    running = shell.start("up", "--tape", tape, "--speed", "10", "--no-app")
    shell.until(lambda: shell.pid("worker") and _rows(shell) > 0)
    processes = list(_below(running.pid))
    assert len(processes) >= 4

    running.kill()
    running.wait(10)
    shell.until(lambda: not [one for one in processes if one.is_running() and one.status() != psutil.STATUS_ZOMBIE], 25)

    before = len(shell.run("trades", SYMBOL).splitlines()) - 1
    assert before > 0
    again = shell.start("up", "--tape", tape, "--speed", "60", "--no-app", "--for", "600")
    shell.until(lambda: _rows(shell) > before)
    again.send_signal(signal.SIGINT)
    assert again.wait(30) == 0, shell.output.read_text()


def test_a_second_system_on_the_same_home_is_refused(shell: Shell, tmp_path: Path):
    tape = str(write_tape(tmp_path / "tape.jsonl.gz", generated_trades(1)))
    running = shell.start("up", "--tape", tape, "--no-app", "--for", "60")
    shell.until(lambda: shell.pid("worker"))

    assert "is in use by process" in shell.run("up", "--tape", tape, "--no-app", expect=1)
    running.send_signal(signal.SIGTERM)
    assert running.wait(30) == 0


def test_two_systems_that_start_at_once_have_a_page_each(tmp_path: Path):
    shells = [Shell(tmp_path / name) for name in ("first", "second")]
    running = [shell.start("demo", "--for", "600") for shell in shells]
    try:
        for shell in shells:
            shell.until(lambda shell=shell: _page_answers(shell), 120)
        pages = {shell.state()["app"]["url"]: shell.pid("app") for shell in shells}
        assert len(pages) == 2
        for url, pid in pages.items():
            assert int(url.rpartition(":")[2]) in {one.laddr.port for one in psutil.Process(pid).net_connections("tcp4")}
    finally:
        for process in running:
            process.send_signal(signal.SIGINT)
        assert [process.wait(60) for process in running] == [0, 0], [shell.output.read_text() for shell in shells]


def test_a_venue_is_followed_and_recorded_at_the_addresses_of_the_settings_and_the_recording_too(tmp_path: Path, shell: Shell):
    port, tape = child.free_port(), str(tmp_path / "kraken.jsonl.gz")
    shell.environment |= {
        "TCPDASH_VENUES__KRAKEN__STREAM_URL": f"ws://127.0.0.1:{port}",
        "TCPDASH_VENUES__KRAKEN__REST_URL": f"http://127.0.0.1:{port}",
    }
    words = ["--exchange", "kraken", "--symbols", "BTC-USDT"]
    exchange = shell.start("replay", "synthetic", "--port", str(port), "--speed", "60")
    shell.until(lambda: "synthetic market of" in shell.output.read_text())
    running = shell.start("up", *words, "--no-app", "--for", "600")
    shell.until(lambda: _minutes(shell, "KRAKEN:BTC-USDT") > 3)
    running.send_signal(signal.SIGINT)
    assert running.wait(30) == 0, shell.output.read_text()
    shell.run("record", *words, "--out", tape, "--for", "5")
    exchange.send_signal(signal.SIGINT)
    exchange.wait(20)
    followed = json.loads(shell.run("coverage", "--json"))  # a row a day, and midnight may lie between

    shell.environment["TCPDASH_HOME"] = str(tmp_path / "other")
    shell.run("up", "--tape", tape, "--speed", "60", "--no-app", "--for", "8")
    played = json.loads(shell.run("coverage", "--json"))

    for days in (followed, played):
        assert {day["symbol"] for day in days} == {"KRAKEN:BTC-USDT"}
        assert sum(day["complete"] for day in days) == sum(day["present"] for day in days) - 1 >= 2


def test_a_venue_that_cannot_be_reached_is_named_and_tried_again(shell: Shell):
    shell.environment |= {
        "TCPDASH_VENUES__OKX__STREAM_URL": "ws://127.0.0.1:9",
        "TCPDASH_VENUES__OKX__REST_URL": "http://127.0.0.1:9",
    }
    running = shell.start("up", "--exchange", "okx", "--symbols", "BTC-USDT", "--no-app", "--for", "60")

    shell.until(lambda: shell.output.read_text().count("OKX cannot be reached") >= 2)
    assert running.poll() is None
    doctor = shell.run("doctor")
    running.send_signal(signal.SIGINT)

    assert running.wait(30) == 0
    assert "OKX:BTC-USDT down" in doctor


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        (["up", "--tape", "missing.jsonl.gz"], "missing.jsonl.gz"),
        (
            ["up", "--exchange", "okxx"],
            f"exchange 'okxx' is not one of {VENUES}; did you mean 'okx'?",
        ),
        (["up", "--tape", "synthetic", "--exchange", "kraken"], "--exchange kraken cannot be had of the generated market"),
        (["up", "--exchange", "kraken", "--symbols", "OKX:BTC-USDT"], "symbol 'OKX:BTC-USDT' is of another venue than KRAKEN"),
        (["up", "--symbols", "BTCUSDT"], "symbol 'OKX:BTCUSDT' is not EXCHANGE:BASE-QUOTE in upper case, for example OKX:BTC-USDT"),
        (["up", "--symbols", "BTC-USDT-SWAP"], "OKX:BTC-USDT-SWAP is a contract; of OKX only spot symbols are supported"),
        (["candles", "OKX:BTC-USDT", "7m"], "timeframe '7m' is not one of 1s, 5s, 15s"),
        (["candles", "OKX:BTC-USDT", "1m", "--start", "soon"], "time 'soon' is not ISO 8601"),
        (
            ["candles", "OKX:BTC-USDT", "--start", "2024-02-02", "--end", "2024-02-01"],
            "--end 2024-02-01 is before --start 2024-02-02",
        ),
        (["replay", "synthetic", "--speed", "0"], "0.01"),
        (["replay", "synthetic", "--exchange", "kraken"], "--exchange kraken cannot be had of the generated market"),
        (["replay", "synthetic", "--tls-key", "key.pem"], "--tls-key needs --tls-cert"),
        (["replay", "synthetic", "--tls-cert", "none.pem"], "--tls-cert none.pem with --tls-key none.pem cannot be used"),
    ],
)
def test_wrong_usage_is_told_in_a_sentence(shell: Shell, words: list[str], sentence: str):
    output = shell.run(*words, expect=2)

    assert sentence in output
    assert "Traceback" not in output


def test_a_setting_that_the_worker_would_refuse_ends_the_start(shell: Shell):
    shell.environment["TCPDASH_STREAM__TIMEFRAMES"] = "1m,7m"

    assert "timeframe '7m' is not one of" in shell.run("up", "--no-app", expect=2)


def test_a_home_that_is_a_file_is_told(shell: Shell):
    shell.home.write_text("not a folder")

    output = shell.run("db", "check", expect=1)

    assert "cannot be used as TCPDASH_HOME" in output
    assert "Traceback" not in output


def _rows(shell: Shell) -> int:
    return _asked(shell, "select count(*) from raw_trades")


def _last_id(shell: Shell) -> int:
    return _asked(shell, "select coalesce(max(trade_id), 0) from raw_trades")


def _demo_minutes(shell: Shell) -> int:
    return _minutes(shell, "SYNTHETIC:BTC-USDT")


def _minutes(shell: Shell, symbol: str) -> int:
    return _asked(shell, f"select count(*) from market_data where symbol = '{symbol}'")


def _asked(shell: Shell, query: str) -> int:
    import psycopg2

    url = shell.state().get("postgres", {}).get("url", "")
    try:
        connection = psycopg2.connect(url.replace("+psycopg2", ""), connect_timeout=2)
    except psycopg2.OperationalError:
        return 0
    try:
        with connection.cursor() as cursor:
            cursor.execute(query)
            return cursor.fetchone()[0]
    except psycopg2.Error:
        return 0
    finally:
        connection.close()


def _page_answers(shell: Shell) -> bool:
    return "page: http://127.0.0.1:" in shell.output.read_text()
