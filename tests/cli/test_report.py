from io import StringIO

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from rich.console import Console

from cli.report import print_report, show, table, terminal
from tests.app.documents import SYMBOL, coverage, document, lucky_sweep, monte_carlo, renamed, sweep, trade, walk_forward


def printed(run, *, width=80, colours=False) -> str:
    out = StringIO()
    system = "truecolor" if colours else None
    print_report(
        run, console=Console(file=out, width=width, markup=False, highlight=False, force_terminal=colours, color_system=system)
    )
    return "\n".join(line.rstrip() for line in out.getvalue().splitlines())


RUN = document(
    trades=[trade(1, profit=1234.5), trade(2, touches_hole=True, reason="hole"), *(trade(number) for number in range(3, 8))],
    metrics={
        **dict.fromkeys(document()["metrics"], 1.0), "final_value": 1030.0, "net_profit": 30.0, "total_return": 0.03,
        "benchmark_return": -0.03, "cagr": 1.25, "excess_return": 0.06, "max_drawdown": 0.0123, "benchmark_drawdown": 0.4,
        "sharpe_ratio": 1.234, "sortino_ratio": None, "total_trades": 7.0, "win_rate": 0.5714, "profit_factor": 2.5,
        "exposure_time": 0.5, "fees": 3.5, "expectancy": 4.2857,
    },
)  # fmt: skip


def test_a_run_is_told_on_one_screen_of_80_columns():
    assert (
        printed(RUN)
        == """\
Backtest of sma_cross on OKX:BTC-USDT 1h
2024-01-30 00:00 to 2024-02-03 00:00 UTC, balance 1,000.00 USDT
fast = 10, slow = 30
data 75 %: 72 of 96 candles, 1 hole
! 1 hole in the candles, 24 bars in all; 1 trade touches one. What was open
before a hole was left at the last known close, and nothing was earned inside.
! 1 bar reached stop and target: which came first cannot be known of a bar, and
the worse, the stop, was taken.

final value     1,030.00 USDT   profit                30.00 USDT
return                 3.00 %   buy and hold             -3.00 %
a year (CAGR)        125.00 %   beyond holding            6.00 %
max drawdown           1.23 %   drawdown of holding      40.00 %
Sharpe ratio             1.23   Sortino ratio                  –
trades                      7   win rate                 57.14 %
profit factor            2.50   time in the market       50.00 %
fees                3.50 USDT   profit a trade         4.29 USDT

%    Jan  Feb Mar Apr May Jun Jul Aug Sep Oct Nov Dec year
2024 +10 -5.0                                         +4.5

      trade side  entered (UTC)    bars    profit   return reason
best      1 long  2024-01-01 01:00    2 +1,234.50 +40.00 % take profit
          7 long  2024-01-07 01:00    2    +20.00 +40.00 % take profit
worst     2 short 2024-01-02 01:00    2    -10.00 -20.00 % hole        hole
          4 short 2024-01-04 01:00    2    -10.00 -20.00 % stop loss
last      6 short 2024-01-06 01:00    2    -10.00 -20.00 % stop loss
          7 long  2024-01-07 01:00    2    +20.00 +40.00 % take profit
holes     2 short 2024-01-02 01:00    2    -10.00 -20.00 % hole        hole"""
    )


def test_a_wide_terminal_shows_more_of_each_trade():
    [head] = [line for line in printed(RUN, width=140).splitlines() if "entered (UTC)" in line]

    assert head.split()[-5:] == ["left", "(UTC)", "entry", "exit", "fees"]


@settings(max_examples=25, deadline=None)
@given(st.integers(20, 200), st.floats(1e-6, 1e13))
def test_no_number_is_cut_or_broken(width, profit):
    text = printed(document(trades=[trade(1, profit=profit)], final_value=profit), width=width)

    assert f"+{profit:,.2f}" in text if profit >= 1 else f"+{profit:,.6f}" in text
    assert "…" not in text


def test_colour_is_only_where_it_is_wanted(monkeypatch):
    assert "\x1b" not in printed(RUN)
    assert "\x1b[36m" in printed(RUN, colours=True)
    monkeypatch.setenv("NO_COLOR", "1")
    assert terminal().no_color


def test_a_name_cannot_steer_the_terminal():
    text = printed(document(strategy="[red]x\x1b[2J\x07", parameters={"a\x1b": "[/]"}))

    assert "Backtest of [red]x?[2J? on" in text
    assert "a? = [/]" in text


def test_a_run_without_trades_says_so():
    assert "no trade was made" in printed(document(trades=[], monthly={}, metrics={}))


def test_a_complete_run_has_no_warnings():
    text = printed(document(coverage=[coverage(holes=[])], allow_holes=False, counts={"both": 0, "refused": 0}))

    assert "data complete: all 96 candles" in text
    assert "!" not in text


def test_an_invented_market_is_labelled():
    assert "! SYNTHETIC: the prices were generated" in printed(document(symbols=["SYNTHETIC:BTC-USDT"]))


def test_trades_of_several_symbols_name_them():
    trades = [trade(1), trade(2, symbol="OKX:ETH-USDT")]

    text = printed(document(symbols=[SYMBOL, "OKX:ETH-USDT"], trades=trades), width=160)

    assert "OKX:ETH-USDT" in text.partition("entered")[2]


def test_a_sweep_is_a_table_of_the_best_sets():
    lines = printed(sweep()).splitlines()

    at = next(at for at, line in enumerate(lines) if line.startswith("rank"))
    assert lines[at].split() == ["rank", "fast", "slow", "size", "Sharpe", "return", "drawdown"]
    assert lines[at + 1].split() == ["1", "10", "30", "1", "8.00", "8.00", "%", "10.00", "%"]
    assert lines[at + 8].split()[4] == "–"
    assert "8 parameter sets, ranked by Sharpe ratio" in lines


def test_a_set_with_too_few_trades_is_not_of_rank_1():
    lines = printed(lucky_sweep()).splitlines()

    at = next(at for at, line in enumerate(lines) if line.startswith("rank"))
    assert [line.split()[:3] for line in lines[at + 1 : at + 3]] == [["1", "5", "1.00"], ["2", "10", "9.00"]]
    assert "Sets with fewer than 10 trades come last." in lines


def test_a_search_may_have_a_parameter_that_is_called_as_something_else():
    lines, windows = printed(renamed(sweep(), "max_drawdown")).splitlines(), printed(renamed(walk_forward(), "number"))

    at = next(at for at, line in enumerate(lines) if line.startswith("rank"))
    assert lines[at].split() == ["rank", "max_drawdown", "slow", "Sharpe", "return", "drawdown"]
    assert lines[at + 1].split() == ["1", "10", "30", "8.00", "8.00", "%", "10.00", "%"]
    assert "     2  2024-01-12   2024-01-13      10     –       1.50          -0.50" in windows


def test_a_sweep_drops_columns_that_do_not_fit():
    [head] = [line for line in printed(sweep(), width=40).splitlines() if line.startswith("rank")]

    assert head.split() == ["rank", "fast", "slow", "size", "Sharpe", "return"]


def test_a_walk_forward_run_is_its_windows_and_the_joined_result():
    text = printed(walk_forward())

    assert "2 rolling windows, chosen by Sharpe ratio" in text
    assert "     2  2024-01-12   2024-01-13    10     a       1.50          -0.50" in text
    assert "Joined, out of sample:" in text.partition("window  traded from")[2]


def test_resamples_are_their_quantiles():
    text = printed(monte_carlo())

    assert "The same trades in other orders: 1,000 runs of 3 trades each: all end at one" in text
    assert "Maximum drawdown    10.00 %   20.00 %   30.00 %   20.00 %        40.00 %" in text


@pytest.mark.parametrize("kind", [sweep, walk_forward])
def test_a_search_that_found_nothing_is_told(kind):
    assert "sma_cross" in printed(kind(results=[], windows=[]))


def test_a_table_wider_than_the_terminal_runs_on():
    out = StringIO()
    show(Console(file=out, width=10), table(["a", "b"], [["1,234,567.89", "x" * 20]], right=(0,)))

    assert out.getvalue().splitlines()[1].rstrip() == "1,234,567.89  " + "x" * 20


OPEN = {
    "symbol": SYMBOL, "side": "long", "entered": "2024-01-31T01:00:00Z", "size": 0.02, "entry_price": 100.5, "price": 120.0,
    "profit": 0.39,
}  # fmt: skip


def test_what_is_still_held_is_told():
    line = "still held: long 0.02 OKX:BTC-USDT since 2024-01-31 01:00 at 100.5, now 120: +0.390000 USDT"

    assert line in " ".join(printed(document(open=[OPEN]), width=120).splitlines())
    alone = printed(document(open=[OPEN], trades=[]), width=120)
    assert "no trade was closed" in alone
    assert line in alone
    assert "no trade was made" in printed(document(trades=[]))


def test_a_reader_that_goes_away_is_no_error_of_the_report(monkeypatch):
    class Closed(StringIO):
        def write(self, text: str) -> int:
            raise BrokenPipeError

    monkeypatch.setattr("sys.stdout", Closed())

    with pytest.raises(BrokenPipeError):  # `cli.main` ends with 0 and says nothing
        print_report(RUN)
