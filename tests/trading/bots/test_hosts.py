import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import msgspec
import numpy as np
import pytest

from market import clock
from market.errors import InputError
from tests.trading.bots.users import HANGS, Question, ask_all, bits, direct, question, wait_for, write
from trading.bots.hosts import Answer, Hosts
from trading.strategies import SHIPPED

LIMIT = 30.0
MEMORY_MB = 200

# What a strategy does, and what comes of it: the kind of its answer, and words of the error.
ENDS = {
    "Sleeps": ("time.sleep(1000)", "timeout", "no answer within the 0.3 seconds"),
    "Exits": ("os._exit(7)", "died", "exit code 7"),
    "Crashes": ("import ctypes\nctypes.string_at(0)", "died", "SIGSEGV"),
    "Closes": ("os.closerange(3, 100)", "died", ""),
    "Babbles": ("for fd in range(3, 20):\n    try: os.write(fd, b'z' * 100)\n    except OSError: pass", "died", ""),
    "Forks": ("if os.fork() == 0: time.sleep(1000)\nos._exit(5)", "died", "exit code 5"),
    "Eats": ("keep = [np.ones(10**6) for _ in range(10_000)]", "memory", "200 MB"),
}
STAYS = {
    "Quits": ("sys.exit(3)", "raised", "quits.py, line 16: SystemExit: 3"),
    "Interrupts": ("raise KeyboardInterrupt", "raised", "interrupts.py, line 16: KeyboardInterrupt"),
    "Recurses": ("return self.process_data(data)", "raised", "recurses.py, line 16: RecursionError"),
    "Raises": ("x = 1\nraise ValueError('no such price')", "raised", "raises.py, line 17: ValueError: no such price"),
    "Mute": (
        "class Mute(Exception):\n    def __str__(self): raise ValueError\nraise Mute",
        "raised",
        "Mute",
    ),
    "Speaks": ("return float('nan')", "refused", "expected a Signal, found nan"),
    "Keeps": ("return lambda: self", "refused", "expected a Signal, found a function"),
    "Strays": ("return Signal(action=Action.BUY, symbol='OKX:ETH-USDT')", "refused", "expected the symbol OKX:BTC-USDT"),
    "Foresees": ("return Signal(action=Action.BUY, price=1.0, timestamp_us=data.index.asi8[-1] + 1)", "refused", "from the future"),
    "Boasts": ("return Signal(action=Action.BUY, confidence=2.0)", "refused", "boasts.py, line 16: the confidence of a signal"),
    "Prints": ("for out in (sys.stdout, sys.stderr): print('x' * 10**6, file=out)\nos.write(1, b'y' * 10**6)", "signal", ""),
    "Tampers": ("self.parameters['number'] = 5\ndata.iloc[:, :-1] = 1.0", "signal", ""),
    "Unsettles": (
        (
            "import locale\nnp.seterr(all='raise'); random.seed(1); np.random.seed(1); os.chdir('/'); sys.setrecursionlimit(60)\n"
            "locale.setlocale(locale.LC_ALL, 'C'); warnings.simplefilter('error'); sys.stdout.close(); signal.alarm(1)"
        ),
        "signal",
        "",
    ),
}
LEAVES = {"Leaves": ("threading.Thread(target=time.sleep, args=(1000,)).start()", "signal", "")}
BAD = ENDS | STAYS | LEAVES

# A user's strategy that tells whatever others may have changed around it.
CENSUS = """
import locale
found = (np.geterr(), os.getcwd(), sys.getrecursionlimit(), locale.setlocale(locale.LC_ALL), sys.stdout.closed, warnings.filters)
return self.signal(data, Action.BUY, reason=repr(found))
"""


def healthy(number: int) -> Question:
    if number % 2:
        return question(f"healthy-{number}", "witness", seed=number)
    return question(f"healthy-{number}", SHIPPED[number // 2 % len(SHIPPED)].name, seed=number, length=90)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    made = tmp_path_factory.mktemp("strategies")
    write(made, "Witness", "return self.signal(data, Action.BUY, target=float(data['close'].iloc[-1]) / 1e5)")
    write(made, "Census", CENSUS)
    write(made, "Dice", "return self.signal(data, Action.BUY, target=np.random.random() + random.random())")
    for name, (body, _, _) in BAD.items():
        write(made, name, body)
    return made


@pytest.fixture(scope="module")
def aftermath(folder: Path) -> dict[str, Answer]:
    """Return the answers by bot after all misbehave at once, with healthy bots among them."""
    bad = [question(name, name) for name in BAD]
    with Hosts(folder, memory_mb=MEMORY_MB) as hosts:
        for number, each in enumerate(bad):
            hosts.ask(healthy(number), limit_seconds=LIMIT)
            hosts.ask(each, limit_seconds=HANGS if each.bot == "Sleeps" else LIMIT)
            hosts.ask(question(f"census-{number}", "census"), limit_seconds=LIMIT)
        return {answer.bot: answer for answer in wait_for(hosts, 3 * len(bad))}


@pytest.fixture
def hosts(folder: Path) -> Iterator[Hosts]:
    with Hosts(folder, size=1, memory_mb=MEMORY_MB) as made:
        yield made


@pytest.mark.parametrize("name", BAD)
def test_what_a_strategy_does_is_told_by_its_answer(name: str, aftermath: dict[str, Answer]):
    _, kind, words = BAD[name]
    answer = aftermath[name]

    assert answer.kind == kind, answer
    assert (answer.signal is not None) == (kind == "signal")
    assert words in (answer.error or "")


@pytest.mark.parametrize("number", range(len(BAD)))
def test_bots_beside_those_that_misbehave_get_the_answer_of_a_direct_call(number: int, folder: Path, aftermath: dict[str, Answer]):
    asked = healthy(number)

    assert aftermath[asked.bot].kind == "signal", aftermath[asked.bot]
    assert bits(aftermath[asked.bot].signal) == bits(direct(asked, folder))


def test_every_strategy_finds_its_process_as_it_was_at_first(aftermath: dict[str, Answer]):
    told = [aftermath[f"census-{number}"].signal for number in range(len(BAD))]

    assert len({signal and signal.reason for signal in told}) == 1


def test_questions_of_a_bot_are_answered_in_the_order_they_were_asked(hosts: Hosts):
    asked = [question("one", "sma_cross", length=40 + number) for number in range(30)]

    found = ask_all(hosts, asked)

    assert [answer.timestamp_us for answer in found] == [int(each.timestamps_us[-1]) for each in asked]


def test_a_question_counts_as_it_was_when_it_was_asked(hosts: Hosts):
    asked = question("one", "sma_cross", fast=3)
    expected = direct(asked)
    hosts.ask(asked, limit_seconds=LIMIT)
    asked.prices[:] = 1.0
    asked.parameters["fast"] = 7  # type: ignore[index]

    assert bits(wait_for(hosts, 1)[0].signal) == bits(expected)


def test_random_numbers_of_one_bot_do_not_depend_on_those_of_others(hosts: Hosts):
    names = ["one", "other", "one", "other"]

    found = [ask_all(hosts, [question("seeds", "unsettles"), question(name, "dice")])[1].signal for name in names]

    assert len({signal.target for signal in found if signal is not None}) == 4


def test_an_unknown_strategy_and_wrong_parameters_are_told(hosts: Hosts):
    unknown, wrong = ask_all(hosts, [question("one", "sma_cros"), question("two", "sma_cross", fast=0)])

    assert (unknown.kind, wrong.kind) == ("raised", "raised")
    assert "did you mean 'sma_cross'" in (unknown.error or "")
    assert "parameter fast of sma_cross" in (wrong.error or "")


@pytest.mark.parametrize(("closes", "shape"), [(0, (0, 5)), (3, (2, 5)), (3, (3, 4))])
def test_a_question_with_arrays_of_other_shapes_is_refused(closes: int, shape: tuple[int, int]):
    asked = Question(bot="b", strategy="rsi", parameters={}, symbol="", timestamps_us=np.arange(closes), prices=np.ones(shape))

    with Hosts(None) as hosts, pytest.raises(InputError, match="shape"):
        hosts.ask(asked, limit_seconds=1.0)


def test_a_bot_that_hung_is_asked_apart_from_those_that_are_well(hosts: Hosts):
    ask_all(hosts, [question("bad", "sleeps")], limit_seconds=HANGS)
    hosts.ask(question("bad", "sleeps"), limit_seconds=LIMIT)  # hangs for longer than the test
    found = ask_all(hosts, [healthy(number) for number in range(10)])

    assert {answer.kind for answer in found} == {"signal"}


def test_when_all_processes_hang_others_answer_what_waits(hosts: Hosts):
    for name in ("bad", "worse"):
        hosts.ask(question(name, "sleeps"), limit_seconds=LIMIT)
    found = ask_all(hosts, [healthy(number) for number in range(10)])

    assert {answer.kind for answer in found} == {"signal"}
    assert len(hosts.pids) == 3


def test_a_bot_is_taken_back_after_an_hour(hosts: Hosts):
    ask_all(hosts, [question("bad", "exits")])
    ask_all(hosts, [question("bad", "raises")])
    assert len(hosts.pids) == 2  # one of them for those that failed

    with clock.using(_Later(3_601.0)):
        ask_all(hosts, [question("bad", "raises")])
        hosts.answers(0.0)

        assert len(hosts.pids) == 1


def test_what_was_asked_of_a_bot_that_is_cancelled_is_not_answered(hosts: Hosts):
    hosts.ask(question("gone", "sleeps"), limit_seconds=HANGS)
    for number in range(3):
        hosts.ask(question("gone", "rsi", seed=number), limit_seconds=LIMIT)
    hosts.cancel("gone")

    assert [answer.bot for answer in ask_all(hosts, [question("other", "rsi"), question("gone", "rsi")])] == ["other", "gone"]


def test_a_file_that_changed_counts_after_a_renewal(tmp_path: Path):
    write(tmp_path, "Changing", "return self.signal(data, Action.BUY, target=0.25)")
    with Hosts(tmp_path) as hosts:
        before = ask_all(hosts, [question("one", "changing")])
        write(tmp_path, "Changing", "return self.signal(data, Action.BUY, target=0.75)")
        hosts.renew()
        after = ask_all(hosts, [question("one", "changing")])

    assert [each.signal and each.signal.target for each in before + after] == [0.25, 0.75]


@pytest.mark.parametrize("text", ["import os\nos._exit(3)", "raise KeyboardInterrupt"])
def test_a_file_that_ends_who_reads_it_harms_those_only_who_need_the_folder(text: str, tmp_path: Path):
    (tmp_path / "bad.py").write_text(text, encoding="utf-8")
    with Hosts(tmp_path, size=1) as hosts:
        shipped, own = ask_all(hosts, [question("one", "rsi"), question("two", "own")])

    assert shipped.kind == "signal"
    assert own.kind in {"died", "raised"}


def test_processes_that_are_killed_while_idle_cost_nobody_anything(hosts: Hosts):
    ask_all(hosts, [question("one", "rsi")])
    os.kill(hosts.pids[0], signal.SIGKILL)

    assert ask_all(hosts, [question("one", "rsi")])[0].kind == "signal"


@pytest.mark.skipif(sys.platform != "linux", reason="elsewhere they end with their socket")
def test_when_what_forks_them_is_killed_all_begin_anew(hosts: Hosts):
    ask_all(hosts, [question("one", "rsi")])
    os.kill(_parent(hosts.pids[0]), signal.SIGKILL)

    assert ask_all(hosts, [question("one", "rsi")])[0].kind == "signal"


def test_a_question_too_large_for_the_socket_is_answered(hosts: Hosts):
    assert bits(ask_all(hosts, [question("one", "rsi", length=50_000)])[0].signal) == bits(
        direct(question("one", "rsi", length=50_000))
    )


def test_processes_stay_when_the_group_is_told_to_stop_and_end_with_their_pool(hosts: Hosts):
    ask_all(hosts, [question("one", "rsi")])
    before = hosts.pids
    for number in (signal.SIGINT, signal.SIGTERM):
        os.kill(before[0], number)
    found = ask_all(hosts, [question("one", "rsi")])
    hosts.close()

    assert found[0].kind == "signal"
    assert not any(_there(pid) for pid in before)


@pytest.mark.skipif(sys.platform != "linux", reason="elsewhere one that hangs outlives a parent that was killed")
def test_processes_that_hang_end_with_a_parent_that_is_killed(folder: Path):
    script = (
        "import sys, time\nfrom pathlib import Path\nfrom trading.bots.hosts import Hosts\n"
        "from tests.trading.bots.users import ask_all, question\n"
        "hosts = Hosts(Path(sys.argv[1]), size=1)\nask_all(hosts, [question('one', 'rsi')])\n"
        "hosts.ask(question('two', 'sleeps'), limit_seconds=1000)\nprint(*hosts.pids, flush=True)\ntime.sleep(1000)\n"
    )
    with subprocess.Popen(
        [sys.executable, "-c", script, str(folder)],
        stdout=subprocess.PIPE,
        env={**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)},
    ) as parent:
        assert parent.stdout is not None
        pid = int(parent.stdout.readline())
        watched = os.pidfd_open(pid)
        parent.kill()

    with open(watched, "rb") as end:
        assert _ends(end.fileno())


def test_a_strategy_finds_no_settings_of_the_program_in_its_environment(tmp_path: Path):
    write(tmp_path, "Peeks", "raise ValueError(sorted(name for name in os.environ if 'TCPDASH' in name.upper() or name == 'OURS'))")
    script = (
        "import sys\nfrom pathlib import Path\nfrom trading.bots.hosts import Hosts\n"
        "from tests.trading.bots.users import ask_all, question\n"
        "with Hosts(Path(sys.argv[1]), size=1) as hosts: print(ask_all(hosts, [question('one', 'peeks')])[0].error)\n"
    )
    secret = {"TCPDASH_DATABASE__URL": "postgresql://app:secret@db/app", "tcpdash_alerts__urls": "[]", "OURS": "stays"}

    done = subprocess.run(
        [sys.executable, "-c", script, str(tmp_path)],
        env={**os.environ, **secret, "PYTHONPATH": os.pathsep.join(sys.path)},
        capture_output=True, text=True, check=True,
    )  # fmt: skip

    assert done.stdout.strip().endswith("ValueError: ['OURS']")


class _Later:
    def __init__(self, seconds: float) -> None:
        self._seconds, self._system = seconds, clock._System()

    def now_us(self) -> int:
        return self._system.now_us()

    def monotonic(self) -> float:
        return self._system.monotonic() + self._seconds


def _parent(pid: int) -> int:
    return int(Path(f"/proc/{pid}/stat").read_text(encoding="ascii").rsplit(")", 1)[1].split()[1])


def _there(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    return True


def _ends(pidfd: int) -> bool:
    import select

    return bool(select.select([pidfd], [], [], 60.0)[0])


def test_the_series_of_indicators_are_told_when_they_are_asked_for():
    asked = msgspec.structs.replace(question("a", "sma_cross", length=60, fast=3, slow=9), series=True)
    with Hosts(None, size=1) as hosts:
        [answer] = ask_all(hosts, [asked])
        [without] = ask_all(hosts, [question("a", "sma_cross", length=60, fast=3, slow=9)])

    closes = np.asarray(asked.prices)[:, 3]
    assert (answer.kind, answer.lookback, set(answer.series)) == ("signal", 9, {"fast", "slow"})
    assert np.isnan(answer.series["fast"]).tolist() == [True] * 8 + [False] * 52
    np.testing.assert_allclose(answer.series["slow"][-1], closes[-9:].mean())
    assert without.series == {}


def test_what_is_no_series_is_left_out(tmp_path: Path):
    write(
        tmp_path,
        "Odd",
        "n = len(data)\nself.get_indicators = lambda: {'short': [1.0], 'words': ['x'] * n, 7: np.ones(n), 'good': np.ones(n)}",
    )
    with Hosts(tmp_path, size=1) as hosts:
        [answer] = ask_all(hosts, [msgspec.structs.replace(question("a", "odd"), series=True)])

    assert list(answer.series) == ["good"]


def test_series_that_cannot_be_told_are_an_error_and_not_the_end_of_the_process(tmp_path: Path):
    write(tmp_path, "Odd", "def fails(): raise KeyError('x')\nself.get_indicators = fails")
    with Hosts(tmp_path, size=1) as hosts:
        [answer] = ask_all(hosts, [msgspec.structs.replace(question("a", "odd"), series=True)])
        [other] = ask_all(hosts, [question("b", "sma_cross")])

    assert (answer.kind, other.kind) == ("raised", "signal")
    assert "KeyError" in answer.error
