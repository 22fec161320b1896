"""`tcpdash strategies`: what a user sees, whom the checks catch, and the errors."""

import json
import shutil
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from market import Candle, Timeframe
from tests.cli.command import Command
from trading.generated import generated_bars
from trading.registry import Registry
from trading.strategies import SHIPPED

CHEATS = Path(__file__).with_name("cheats.py")
BARS = "80"
LOOKS_AHEAD, OUTSIDE, SHORT = "it looks ahead: the target after bar ", "it depends on something else than the data", "is too short"
CAUGHT = {
    "peeks_one_ahead": ("look-ahead", LOOKS_AHEAD),
    "peeks_at_the_last_bar": ("look-ahead", LOOKS_AHEAD),
    "leaves_at_the_end": ("look-ahead", LOOKS_AHEAD),
    "fills_back": ("look-ahead", LOOKS_AHEAD),
    "centres": ("look-ahead", LOOKS_AHEAD),
    "wider_bars_by_their_open": ("look-ahead", LOOKS_AHEAD),
    "wider_bars_not_closed": ("look-ahead", LOOKS_AHEAD),
    "mean_of_all": ("look-ahead", LOOKS_AHEAD),
    "fits_all": ("look-ahead", LOOKS_AHEAD),
    "rank_of_all": ("look-ahead", LOOKS_AHEAD),
    "too_short": ("lookback", "a lookback of 19 is too short"),
    "reads_a_file": ("determinism", "to decide it opens "),
    "reads_in_a_backtest_only": ("determinism", "to decide it opens "),
    "reads_parquet": ("determinism", "to decide it calls read_parquet"),
    "knows_the_year": ("determinism", "when the clock shows 2001-02-03T04:05:06.789000Z"),
    "knows_whether_it_is_live": ("determinism", "when the clock shows 2024-01-04T08:00:01Z"),
    "knows_now_by_pandas": ("determinism", "when the clock shows 20"),
    "keeps_in_its_class": ("determinism", "it keeps KeepsInItsClass.memory from one call to the next"),
    "keeps_in_its_module": ("determinism", "it keeps kept from one call to the next"),
    "keeps_in_a_default": ("determinism", "it keeps KeepsInADefault.of, default 0 from one call to the next"),
    "keeps_in_itself": ("determinism", "when one strategy is asked bar by bar"),
    "throws_dice": ("determinism", "when asked first"),
    "throws_the_same_dice": ("lookback", "a lookback of 20 is too short"),
    "counts_bars": ("determinism", OUTSIDE),
}


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Return the folder of a user's strategies, which is not there yet."""
    monkeypatch.setenv("TCPDASH_HOME", str(tmp_path / "home"))
    monkeypatch.setenv("TCPDASH_CONFIG", "")
    monkeypatch.setenv("TCPDASH_STRATEGIES", str(tmp_path / "own"))
    return tmp_path / "own"


@pytest.fixture
def strategies(folder: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Command:
    """Return the command line without a database."""
    return Command(monkeypatch, capsys)


@pytest.fixture
def cheats(folder: Path, strategies: Command) -> Command:
    """Return the command line of a user whose strategies cheat."""
    folder.mkdir()
    shutil.copy(CHEATS, folder)
    answers = generated_bars(int(BARS), 0)[["close"]].shift(-1) > 50_000
    answers.to_parquet(folder / "answers.parquet")
    answers.set_index(answers.index.astype(str)).to_csv(folder / "answers.csv")
    return strategies


def broken(folder: Path, text: str) -> Path:
    folder.mkdir(exist_ok=True)
    (folder / "broken.py").write_text(text, encoding="utf-8")
    return folder / "broken.py"


@pytest.mark.parametrize("words", [(), ("list",)])
def test_strategies_are_listed_with_their_rule(strategies: Command, words: tuple[str, ...]):
    lines = strategies.out("strategies", *words).splitlines()

    assert [line.split()[0] for line in lines] == ["name", *Registry().names()]
    assert lines[-1].split(maxsplit=2)[1:] == [
        "shipped",
        "Long while the fast simple average of closes is above the slow one, else out; with `short` short while it is below.",
    ]


def test_help_shows_examples(strategies: Command):
    assert "Strategies: which there are, what one does" in strategies.out("--help")
    for words in ((), ("list",), ("show",), ("check",), ("new",)):
        assert "tcpdash strategies " + " ".join(words) in strategies.out("strategies", *words, "--help")


def test_a_users_own_are_listed_with_their_file_and_what_cannot_be_read_at_the_end(strategies: Command, folder: Path):
    strategies.out("strategies", "new", "my-idea")
    path = broken(folder, "import numpy\n\nclass Broken(:\n    pass\n")
    lines = strategies.out("strategies").splitlines()

    [own] = [line.split(maxsplit=2) for line in lines if line.startswith("my_idea ")]
    assert own[1:] == [
        str(folder / "my_idea.py"),
        "Long while the fast average is above the slow one and the close above the average of the trend.",
    ]
    assert lines[-1] == f"not read: {path}, line 3: SyntaxError: invalid syntax"


def test_a_list_as_json(strategies: Command, folder: Path):
    path = broken(folder, "x = 1\n")
    listed = json.loads(strategies.out("strategies", "--json"))

    assert [each["name"] for each in listed["strategies"]] == Registry().names()
    assert listed["problems"] == [
        {
            "file": str(path),
            "line": None,
            "message": f"{path}: defines no strategy: a class that inherits from trading.BaseStrategy",
        }
    ]


def test_a_strategy_is_shown_with_its_source_and_parameters(strategies: Command):
    out = strategies.out("strategies", "show", "Sma-Cross")

    assert "Source: the moving average crossover of Brock, Lakonishok and LeBaron" in out
    assert "fast       a whole number from 1 to 10000  10       10     5, 10 … 50     bars of the fast average" in out
    assert "fast has to be less than slow\nlookback: 30 bars decide one target\n" in out
    assert "lookback: 90 bars decide one target with these parameters" in strategies.out(
        "strategies", "show", "sma_cross", "-p", "slow=90"
    )


@pytest.mark.parametrize("kind", SHIPPED, ids=lambda kind: kind.name)
def test_what_is_shown_as_json_is_what_is_declared(strategies: Command, kind):
    shown = json.loads(strategies.out("strategies", "show", kind.name, "--json"))

    assert (shown["name"], shown["from"], shown["lookback"]) == (kind.name, "shipped", kind().lookback)
    assert [each["name"] for each in shown["parameters"]] == list(kind().parameters)
    assert [each["default"] for each in shown["parameters"]] == list(kind().parameters.values())
    assert shown["source"]


@pytest.mark.parametrize("name", ["buy_and_hold", "donchian_breakout"])
def test_what_is_shipped_is_checked_and_ok(strategies: Command, name: str):
    out = strategies.out("strategies", "check", name, "--bars", "300")

    assert [line.split()[:2] for line in out.splitlines()[2:5]] == [["determinism", "ok"], ["look-ahead", "ok"], ["lookback", "ok"]]
    assert ("it always wants the same" in out) == (name == "buy_and_hold")


@pytest.mark.parametrize("name", CAUGHT)
def test_a_cheat_is_caught_by_the_command(cheats: Command, name: str):
    check, said = CAUGHT[name]
    done = cheats("strategies", "check", name, "--bars", BARS, "--json")
    checked = json.loads(done.out)
    messages = {finding["check"]: finding["message"] for finding in checked["findings"] if not finding["passed"]}

    assert (done.code, done.err, checked["passed"]) == (1, "", False)
    assert said in messages[check]


def test_each_cheat_of_the_file_is_tried(cheats: Command, folder: Path):
    of_the_file = set(Registry(folder).names()) - set(Registry().names())

    assert of_the_file == {*CAUGHT, "honest"}


def test_who_does_not_cheat_among_them_is_ok(cheats: Command):
    assert "honest, lookback 20: ok\n" in cheats.out("strategies", "check", "honest", "--bars", BARS)


def test_what_was_found_is_told_in_words(cheats: Command):
    done = cheats("strategies", "check", "mean-of-all", "--bars", BARS)
    lines = done.out.splitlines()

    assert done.code == 1
    assert lines[0] == "mean_of_all, lookback 20: FAILED"
    assert lines[1].startswith("on 80 generated 1h candles, seed 0; the wanted position changes ")
    assert lines[2].startswith("determinism   ok      the same data gives the same targets")
    assert lines[3].startswith("look-ahead    FAILED  it looks ahead: the target after bar ")


def test_the_same_seed_gives_the_same_findings(cheats: Command):
    words = ("strategies", "check", "too_short", "--bars", BARS, "--json", "--seed")
    first, again, other = (cheats(*words, seed).out for seed in ("5", "5", "6"))

    assert first == again
    assert first != other


def test_a_file_that_is_read_at_loading_is_noted(cheats: Command, folder: Path):
    (folder / "reads.py").write_text("from pathlib import Path\nx = Path(__file__).with_name('answers.csv').read_text()\n")
    out = cheats.out("strategies", "check", "honest", "--bars", BARS)

    assert f"note: when it is loaded, a file of {folder} opens {folder / 'answers.csv'}; no check can tell" in out


def test_a_new_strategy_works_at_once_and_is_not_written_over(strategies: Command, folder: Path):
    out = strategies.out("strategies", "new", "My Idea")
    path = folder / "my_idea.py"
    written = path.read_text(encoding="utf-8")
    again = strategies("strategies", "new", "my_idea")

    assert out == f"{path} is written; change it, then: tcpdash strategies check my_idea\n"
    assert "class MyIdea(BaseStrategy):" in written
    assert "TrendFilterCross" not in written
    assert "trend_filter_cross" not in written
    assert strategies("strategies", "check", "my_idea", "--param", "trend=40", "--bars", "300").code == 0
    assert (again.code, again.err) == (2, f"tcpdash: strategy my_idea exists, {path}; choose another name\n")
    assert path.read_text(encoding="utf-8") == written


def test_a_file_that_cannot_be_read_is_not_written_over_either(strategies: Command, folder: Path):
    path = broken(folder, "x = 1\n")
    done = strategies("strategies", "new", "broken")

    assert (done.code, done.err) == (2, f"tcpdash: {path} exists and is left as it is; choose another name, or move it away\n")
    assert path.read_text() == "x = 1\n"


BY_BARS = """
from trading import Action, BaseStrategy

class Broken(BaseStrategy):
    @property
    def lookback(self):
        return 2

    def process_data(self, data):
        return self.signal(data, Action.BUY if data["clsoe"].iloc[-1] > 1 else Action.SELL)
"""


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("show", "sma_cros"), "strategy 'sma_cros' is not one of bollinger_reversion, "),
        (("show", "sma_cros"), "did you mean 'sma_cross'?"),
        (
            ("check", "sma_cross", "-p", "fsat=3"),
            "sma_cross has no parameter 'fsat'; it has fast, slow, short; did you mean 'fast'?",
        ),
        (("check", "sma_cross", "-p", "fast=x"), "parameter fast of sma_cross: expected a whole number from 1 to 10000, found 'x'"),
        (("check", "sma_cross", "-p", "fast=30"), "parameter fast of sma_cross: expected less than slow, which is 30, found 30"),
        (("check", "sma_cross", "-p", "fast"), "--param 'fast' is not KEY=VALUE, for example fast=10"),
        (("check", "sma_cross", "-p", "fast=1", "-p", "fast=2"), "--param fast is given twice, 1 and 2; leave one out"),
        (
            ("check", "sma_cross", "--bars", "50"),
            "50 generated 1h candles, seed 0 are too few: sma_cross has a lookback of 30, and a ",
        ),
        (("check", "sma_cross", "--bars", "50"), "a check needs more than twice as many, 61; give more --bars"),
        (("check", "sma_cross", "--timeframe", "7m"), "timeframe '7m' is not one of"),
        (("check", "sma_cross", "--start", "2024-08-09"), "--start and --end are of stored candles; say which with --symbol"),
        (("check", "sma_cross", "--symbol", "OKX:BTC-USDT", "--seed", "1"), "--seed is of generated candles; leave it out"),
        (("new", "1st"), "name '1st' cannot be that of a strategy; expected letters, digits and underscores"),
        (("new", "sma-cross"), "strategy sma_cross exists, shipped; choose another name"),
        (("new", "none"), "name 'none' cannot be that of a strategy"),
    ],
)
def test_what_cannot_be_is_said_with_the_likely_fix(strategies: Command, words: tuple[str, ...], said: str):
    done = strategies("strategies", *words)

    assert (done.code, done.out) == (2, "")
    assert done.err.startswith("tcpdash: ")
    assert said in done.err


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("def f(:\n", "strategy 'broken' is not one of bollinger_reversion, "),
        ("def f(:\n", "; not read: {path}, line 1: SyntaxError: invalid syntax"),
        (BY_BARS, "{path}, line 10: KeyError: 'clsoe'"),
        (BY_BARS.replace('self.signal(data, Action.BUY if data["clsoe"].iloc[-1] > 1 else Action.SELL)', "1.0"), "AttributeError"),
        (BY_BARS.replace("return 2", "return 0"), "the lookback of broken is 0; expected was 1 or more"),
        (BY_BARS.replace("return 2", "return 1 / 0"), "{path}, line 7: ZeroDivisionError: division by zero"),
    ],
)
def test_a_users_own_fault_is_told_with_its_line(strategies: Command, folder: Path, text: str, said: str):
    path = broken(folder, text)
    done = strategies("strategies", "check", "broken", "--bars", "60")

    assert done.code == 2
    assert said.format(path=path) in done.err
    assert "Traceback" not in done.err


def test_a_folder_that_cannot_be_made_is_said(strategies: Command, tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    (tmp_path / "file").write_text("")
    monkeypatch.setenv("TCPDASH_STRATEGIES", str(tmp_path / "file" / "own"))
    done = strategies("strategies", "new", "mine")

    assert done.code == 2
    assert f"{tmp_path / 'file' / 'own' / 'mine.py'} cannot be written: Not a directory; the setting strategies says" in done.err


@pytest.mark.postgres
def test_stored_candles_are_checked_without_those_that_are_not_whole(tcpdash: Command, database):
    bars = generated_bars(300, 1, Timeframe.M1)
    closes_us = np.asarray(bars.index.view("int64"))
    candles = [
        Candle("OKX:BTC-USDT", Timeframe.M1, int(closes_us[row]), *map(float, bars.iloc[row]), complete=row != 7)
        for row in range(len(bars))
    ]
    database.market_data.upsert_candles(candles)
    words = ("strategies", "check", "sma_cross", "-p", "slow=20", "--symbol", "okx:btc-usdt", "--timeframe", "1m")
    checked = json.loads(tcpdash.out(*words, "--json"))
    few = tcpdash(*words, "--start", str(pd.Timestamp(bars.index[290]).isoformat()))

    assert (checked["bars"], checked["data"], checked["passed"]) == (299, "1m candles of OKX:BTC-USDT", True)
    assert "on 250 1m candles of OKX:BTC-USDT" in tcpdash.out(*words, "--bars", "250")
    assert few.code == 2
    assert "10 1m candles of OKX:BTC-USDT are too few: sma_cross has a lookback of 20" in few.err
    assert "did you mean 'OKX:BTC-USDT'" in tcpdash("strategies", "check", "sma_cross", "--symbol", "OKX:BTC-USDC").err
