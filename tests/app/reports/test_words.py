from dataclasses import asdict
from decimal import Decimal

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from app.reports.assumptions import assumptions
from app.reports.figures import NOTHING, duration, grouped, money, percent, plain, price, quote_of, told
from app.reports.honesty import coverage_words, warnings
from app.reports.page import page, tag
from tests.app.documents import coverage, document
from tests.app.reports.reading import Reading
from trading.backtest.document import rules_document
from trading.backtest.metrics import METRICS
from trading.fills import Slippage
from trading.rules import FillAt, Rules, Sizing


@pytest.mark.parametrize(
    ("name", "value", "text"),
    [
        ("total_return", 0.12345, "12.35 %"),
        ("total_return", -1.5, "-150.00 %"),
        ("sharpe_ratio", 1.234, "1.23"),
        ("sharpe_ratio", -0.01234, "-0.0123"),
        ("fees", 1234.5, "1,234.50 USDT"),
        ("fees", 0.012345678, "0.012346 USDT"),
        ("fees", 0.0000175, "0.00001750 USDT"),
        ("total_trades", 1234, "1,234"),
        ("longest_drawdown", 24, "24 bars"),
        ("average_drawdown_length", 2.5, "2.5 bars"),
        ("average_holding", 5400, "1.5 h"),
        ("average_holding", 30, "30 s"),
        ("total_return", None, NOTHING),
        ("total_return", float("nan"), NOTHING),
    ],
)
def test_a_figure_has_its_unit(name, value, text):
    assert told(METRICS[name], value, quote="USDT") == text


def test_signs_are_shown_where_they_are_asked_for():
    assert (percent(0.1, signed=True), money(5.0, signed=True), money(0.0), plain(0.0)) == ("+10.00 %", "+5.00", "0.00", "0.00")


@given(st.floats(1e-9, 1e9))
def test_a_price_is_never_a_power_of_ten_and_keeps_eight_digits(value):
    text = price(value)

    assert "e" not in text.lower()
    assert float(Decimal(text.replace(",", ""))) == pytest.approx(value, rel=1e-7)


def test_lengths_of_time_are_in_the_largest_fitting_unit():
    assert [duration(seconds) for seconds in (59, 60, 7_200, 86_400, 129_600)] == ["59 s", "1 min", "2 h", "1 d", "1.5 d"]


def test_every_metric_is_in_one_group():
    members = [each for group in grouped().values() for each in group]

    assert members == list(METRICS.values())
    assert list(grouped())[:2] == ["Returns", "Ratios"]


def test_the_currency_is_that_of_the_symbol():
    assert [quote_of({"symbols": each}) for each in (["OKX:BTC-USDT-SWAP"], [], ["odd"])] == ["USDT", "", ""]


@pytest.mark.parametrize(
    ("rules", "topic", "said"),
    [
        (Rules(), "orders", "market orders, filled at the open of the next bar"),
        (Rules(fill_at=FillAt.CLOSE), "orders", "market orders, filled at the close of the bar that decides"),
        (Rules(limit_offset=0.01, limit_bars=3), "orders", "entries are limit orders 1 % from the close, given up after 3 bars"),
        (Rules(maker_fee=-0.0001), "fees", "0.1 % of the value of market and stop orders, -0.01 % of limit orders"),
        (Rules(), "slippage", "none"),
        (Rules(slippage=Slippage.BASIS_POINTS, slippage_amount=2.5), "slippage", "2.5 basis points worse"),
        (Rules(slippage=Slippage.SPREAD, slippage_amount=0.5), "slippage", "half of a spread of 0.5 USDT"),
        (Rules(slippage=Slippage.IMPACT, slippage_amount=0.1), "slippage", "0.1 times the square of their share"),
        (Rules(volume_share=0.05), "liquidity", "at most 5 % of what was traded in a bar"),
        (Rules(), "exits", "none but the strategy's own"),
        (Rules(stop_loss=0.05, take_profit=0.1), "exits", "a bar that reaches stop and target counts as stopped"),
        (Rules(trailing_stop=0.02, time_exit=10), "exits", "trailing stop 2 % from the best price; after 10 bars"),
        (Rules(size=0.5, leverage=2), "size", "50 % of equity for a target of 1; all positions at most 2 times equity"),
        (Rules(sizing=Sizing.VALUE, size=500), "size", "500.00 USDT for a target of 1"),
        (Rules(sizing=Sizing.VOLATILITY, size=0.2, volatility_bars=30), "size", "yearly volatility of 20 %, taken over 30 bars"),
        (Rules(), "short sales", "none: a negative target is 0"),
        (Rules(short=True), "short sales", "allowed"),
        (Rules(cooldown_bars=1), "protections", "no entry for 1 bar after an exit"),
        (Rules(guard_stops=2, guard_within_bars=9, guard_pause_bars=5), "protections", "5 bars after 2 stops within 9 bars"),
        (Rules(max_drawdown=0.2), "protections", "out of the market for good after a drawdown of 20 %"),
        (Rules(max_drawdown=0.2, drawdown_pause_bars=4), "protections", "out of the market for 4 bars after a drawdown"),
        (Rules(daily_loss=0.03), "protections", "until midnight UTC after a loss of 3 % in a day"),
    ],
)
@pytest.mark.parametrize("made", [rules_document, asdict], ids=["words", "numbers"])
def test_rules_are_told_in_words(rules, topic, said, made):
    assert said in dict(assumptions(made(rules), quote="USDT"))[topic]


def test_coverage_is_complete_only_without_a_hole():
    hole = {"start": "2024-01-31T00:00:00Z", "end": "2024-01-31T01:00:00Z", "bars": 1}

    assert coverage_words({"coverage": [coverage(holes=[])]}) == "complete: all 96 candles"
    assert coverage_words({"coverage": [coverage(holes=[hole])]}) == "98.95 %: 95 of 96 candles, 1 hole"
    assert coverage_words({}) == "coverage is not known"


def test_coverage_is_rounded_down():
    almost = {**coverage(holes=[]), "expected": 1_000_000, "present": 999_999, "unproven": 3}

    assert coverage_words({"coverage": [almost]}) == "99.99 %: 999,999 of 1,000,000 candles, 3 of them unproven, 0 holes"


def test_allowed_holes_that_are_not_there_are_told():
    run = document(coverage=[coverage(holes=[])], counts={"both": 0, "refused": 2})

    assert warnings(run) == [
        "Holes were allowed; there is none in the candles.",
        "2 orders were refused: too small, or nothing to pay with.",
    ]


@settings(max_examples=50)
@given(st.text(), st.text())
def test_any_text_is_only_text(inside, attribute):
    made = page("title", [tag("p", inside, title=attribute)])

    tags = [name for name, _ in Reading(made).tags]
    assert tags == ["html", "head", "meta", "meta", "meta", "title", "style", "body", "main", "p"]


def clean(**changes):
    return warnings(document(allow_holes=False, coverage=[coverage(holes=[])], **{"counts": {"both": 0, "refused": 0}, **changes}))


def test_a_wish_to_be_short_that_the_rules_left_out_is_told():
    [told] = clean(counts={"short_left_out": 1})

    assert told.startswith("The strategy wants to be short, and the rules do not allow it")
    assert clean(counts={"short_left_out": 0}) == []
    assert clean(windows=[{"parameters": {"short": True}}]) == [told]
    assert clean(windows=[{"parameters": {"short": True}}], rules=rules_document(Rules(short=True))) == []


def test_a_run_that_wanted_nothing_says_how_many_candles_decide():
    [told] = clean(signals=0, lookback=30)

    assert told == "No position was wanted in 96 candles; the strategy decides on the last 30 candles without a hole."
    assert clean(signals=1, lookback=30) == []


@pytest.mark.parametrize(("depth", "told"), [(0.999, 0), (1.0, 1), (2.7, 1), (None, 0)])
def test_the_loss_of_the_whole_account_is_told(depth, told):
    assert [each.startswith("The account lost all") for each in clean(metrics={"max_drawdown": depth})] == [True] * told


def test_sets_that_failed_in_windows_are_told():
    windows = [{"failed": 2, "error": "KeyError: 1"}, {"failed": 0, "error": None}, {"failed": 1, "error": "KeyError: 2"}]

    assert clean(windows=windows) == ["3 sets failed in the search of 2 windows; the first said: KeyError: 1"]


def test_orders_of_several_symbols_that_nothing_could_pay_say_what_to_do():
    [told] = clean(symbols=["OKX:BTC-USDT", "OKX:ETH-USDT"], counts={"refused": 1})

    assert told == (
        "1 order was refused: too small, or nothing to pay with; each position takes all of it, where no rule `size` says less."
    )
