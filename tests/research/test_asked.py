"""What is asked for is checked before it runs, and says the same as a flow and as a command."""

import inspect
import shlex
from typing import Any

import pytest

from market.errors import InputError
from research.asked import BACKTEST, SWEEP, WALK_FORWARD, Asked, Search, check, command, flow_parameters, of_document, of_flow
from research.lengths import length_words, read_length
from tests.app.documents import document, sweep, walk_forward
from trading.registry import Registry

SYMBOL = "OKX:BTC-USDT"
PLAIN = Asked(kind=BACKTEST, strategy="sma_cross", symbols=(SYMBOL,))
SEARCHED = Asked(kind=SWEEP, strategy="sma_cross", symbols=(SYMBOL,), search=Search(ranges={"fast": "5:10:5", "slow": "20,30"}))
WALKED = Asked(
    kind=WALK_FORWARD, strategy="sma_cross", symbols=(SYMBOL,), search=Search(ranges={"fast": "5"}, train="90d", test="36h")
)


def changed(asked: Asked, **changes: Any) -> Asked:
    return Asked(**{**{name: getattr(asked, name) for name in Asked.__dataclass_fields__}, **changes})


def searched(**changes: Any) -> Asked:
    return changed(SEARCHED, search=Search(**{"ranges": {"fast": "5:10:5", "slow": "20,30"}, **changes}))


def test_what_is_tried_is_counted() -> None:
    assert check(PLAIN, Registry()) == 1
    assert check(SEARCHED, Registry()) == 4
    assert check(searched(sampler="random", sets=3), Registry()) == 3
    assert check(WALKED, Registry()) > 1


@pytest.mark.parametrize(
    ("asked", "why"),
    [
        (changed(PLAIN, kind="swep"), "did you mean 'sweep'"),
        (changed(PLAIN, strategy="sma_cros"), "did you mean 'sma_cross'"),
        (changed(PLAIN, symbols=()), "a symbol is needed"),
        (changed(PLAIN, symbols=(SYMBOL, SYMBOL)), "different ones"),
        (changed(PLAIN, parameters={"fast": 40}), "less than slow"),
        (changed(PLAIN, timeframe="7m"), "7m"),
        (changed(PLAIN, start="2024-02-02", end="2024-02-01"), "no room for a candle"),
        (changed(PLAIN, rules={"stop_loss": 2}), "stop_loss"),
        (changed(SEARCHED, search=None), "needs to know what is searched"),
        (searched(ranges={"fast": "a:b"}), "range of fast"),
        (searched(sampler="gird"), "did you mean 'grid'"),
        (searched(sets=3), "a grid of 4 sets is tried whole"),
        (searched(metric="fees_paid"), "cannot rank"),
        (changed(WALKED, search=Search(train="90", test="1d")), "train '90' is not a length of time"),
    ],
)
def test_what_cannot_be_is_refused_with_what_was_expected(asked: Asked, why: str) -> None:
    with pytest.raises(InputError, match=why):
        check(asked, Registry())


def test_a_command_says_what_is_unusual_and_nothing_else() -> None:
    assert command(PLAIN) == "tcpdash backtest --strategy sma_cross --symbol OKX:BTC-USDT --timeframe 1h"
    asked = changed(
        PLAIN, parameters={"fast": 5, "short": True}, start="2024-01-01", rules={"stop_loss": 0.05}, fee=0.0, balance=500.0,
        allow_holes=True, inside="1m", monte_carlo=100, seed=3,
    )  # fmt: skip
    assert command(asked).split("--timeframe 1h ")[1] == (
        "--start 2024-01-01 --param fast=5 --param short=true --rule stop_loss=0.05 --fee 0 --balance 500 --allow-holes "
        "--inside 1m --monte-carlo 100 --seed 3"
    )
    assert command(WALKED).endswith("--param fast=5 --train 90d --test 36h")


def test_a_command_keeps_what_a_shell_would_take_for_its_own() -> None:
    asked = changed(PLAIN, symbols=("OKX:BTC-USDT; rm -rf ~",), parameters={"mode": "$(id)"})

    assert shlex.split(command(asked))[5] == "OKX:BTC-USDT; rm -rf ~"
    assert "mode=$(id)" in shlex.split(command(asked))
    assert "'mode=$(id)'" in command(asked)


def test_parameters_are_those_of_the_flow() -> None:
    from flows.backtests import backtest, sweep, walk_forward

    for asked, flow in ((PLAIN, backtest), (SEARCHED, sweep), (WALKED, walk_forward)):
        told = flow_parameters(asked)
        inspect.signature(flow.fn).bind(**told)
        assert flow.validate_parameters(told)
    assert flow_parameters(WALKED)["train_days"] == 90.0
    assert flow_parameters(WALKED)["test_days"] == 1.5


@pytest.mark.parametrize(
    "asked",
    [
        PLAIN,
        changed(
            PLAIN,
            parameters={"fast": 5},
            start="2024-01-01",
            rules={"stop_loss": 0.05},
            fee=0.0,
            inside="1m",
            monte_carlo=9,
            seed=3,
        ),
        searched(sampler="random", sets=3, seed=7, metric="total_return", least_trades=2),
        WALKED,
        changed(WALKED, search=Search(train="2d", test="36h", step="90m", anchored=True)),
    ],
)
def test_what_a_flow_was_asked_for_can_be_asked_for_again(asked: Asked) -> None:
    assert command(of_flow(asked.kind, flow_parameters(asked))) == command(asked)


def test_a_run_can_be_asked_for_again() -> None:
    again = of_document({**document(), "inside": None})
    assert (again.kind, again.parameters, again.rules) == (
        BACKTEST,
        {"fast": 10, "slow": 30},
        {"stop_loss": 0.05, "take_profit": 0.1},
    )
    assert (again.start, again.end, again.balance, again.allow_holes, again.seed) == (
        "2024-01-30T00:00:00Z", "2024-02-03T00:00:00Z", 1_000.0, True, 7,
    )  # fmt: skip

    searched = of_document(sweep()).search
    assert searched is not None
    assert searched.ranges == {"fast": "5,10", "slow": "20,30", "size": "0.5,1"}
    assert (searched.sampler, searched.sets, searched.metric) == ("grid", None, "sharpe_ratio")

    walk = of_document(walk_forward(train_us=864_000_000_000, test_us=86_400_000_000, step_us=86_400_000_000)).search
    assert walk is not None
    assert (walk.train, walk.test, walk.step, walk.anchored) == ("10d", "1d", "", False)


def test_a_set_of_a_search_is_asked_for_as_a_backtest() -> None:
    one = of_document(sweep(), parameters={"fast": 5, "slow": 20})

    assert one.kind == BACKTEST
    assert "--param fast=5 --param slow=20" in command(one)
    assert one.search is None


@pytest.mark.parametrize(("text", "minutes"), [("90m", 90), ("2h", 120), ("1d", 1440), ("2w", 20160)])
def test_lengths_come_back_as_they_were(text: str, minutes: int) -> None:
    assert read_length(text, "train") == minutes * 60_000_000
    assert read_length(length_words(minutes * 60_000_000), "train") == minutes * 60_000_000
