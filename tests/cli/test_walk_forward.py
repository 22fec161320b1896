"""`tcpdash walk-forward`: a choice for each window, and what came behind them."""

import json

import pytest

from market.errors import InputError
from research.lengths import read_length
from tests.cli.command import Command
from tests.research.stored import SYMBOL, fill

WALK = ("walk-forward", "--strategy", "sma_cross", "--symbol", SYMBOL, "--timeframe", "15m", "--workers", "1")
RANGES = ("--param", "fast=2:6:2", "--param", "slow=5:20:5")


@pytest.mark.postgres
class TestCommand:
    @pytest.fixture(autouse=True)
    def stored(self, database) -> None:
        fill(database)

    def test_each_window_is_told_and_what_they_make_together(self, tcpdash: Command):
        out = tcpdash.out(*WALK, *RANGES, "--train", "1d", "--test", "12h")

        assert "Walk-forward" in out
        assert "kept as " in out

    def test_json_has_the_windows_and_is_the_same_the_second_time(self, tcpdash: Command):
        words = (*WALK, *RANGES, "--train", "1d", "--test", "12h", "--anchored", "--metric", "total_return", "--json")
        first = tcpdash.out(*words)
        told = json.loads(first)

        assert tcpdash.out(*words) == first
        assert len(told["windows"]) == 4
        assert {window["train_start"] for window in told["windows"]} == {"2024-08-05T00:00:00Z"}
        assert (told["anchored"], told["metric"]) == (True, "total_return")

    def test_windows_that_do_not_fit_are_refused(self, tcpdash: Command):
        done = tcpdash(*WALK, "--train", "90d", "--test", "30d")

        assert (done.code, done.out) == (2, "")
        assert "leave nothing behind a --train of 90 days" in done.err


@pytest.mark.parametrize(("text", "minutes"), [("30m", 30), ("36h", 36 * 60), (" 90D ", 90 * 1_440), ("2w", 14 * 1_440)])
def test_a_length_is_a_number_and_a_unit(text, minutes):
    assert read_length(text, "--train") == minutes * 60_000_000


@pytest.mark.parametrize("text", ["90", "d", "0d", "-3d", "1.5h", "3y", ""])
def test_what_is_no_length_is_refused(text):
    with pytest.raises(InputError, match=r"--train .* is not a length of time such as 90d"):
        read_length(text, "--train")
