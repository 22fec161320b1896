import re

import pytest

from app.reports.backtest import backtest_report
from app.reports.figures import NOTHING
from app.reports.resamples import words_of
from app.reports.sweep import sweep_report
from app.reports.walk_forward import walk_forward_report
from tests.app.documents import SYMBOL, document, lucky_sweep, monte_carlo, renamed, sweep, trade, walk_forward
from tests.app.reports.reading import Reading
from trading.backtest.metrics import METRICS

EVIL = "<script>alert(1)</script>\"'><img src=x onerror=alert(2)>"
KINDS = {
    "backtest": (backtest_report, document),
    "sweep": (sweep_report, sweep),
    "walk-forward": (walk_forward_report, walk_forward),
}


def bare(**changes):
    """Return a document without what takes time to be drawn."""
    return document(**{"curve": {}, "monthly": {}, "returns": {}, "trades": [], **changes})


@pytest.fixture(scope="module")
def page() -> str:
    return backtest_report(document())


@pytest.mark.parametrize("kind", KINDS)
def test_a_report_loads_nothing_and_runs_nothing(kind):
    report, made = KINDS[kind]
    read = Reading(report(made()))

    assert {tag for tag, _ in read.tags} & {
        "script",
        "link",
        "iframe",
        "img",
        "image",
        "use",
        "object",
        "embed",
        "base",
        "form",
    } == set()
    named = {name for _, attributes in read.tags for name in attributes}
    assert not any(name.startswith("on") or name in {"src", "href", "xlink:href", "action", "style"} for name in named)
    policy = next(each["content"] for each in read.all("meta") if each.get("http-equiv") == "Content-Security-Policy")
    assert policy == "default-src 'none'; style-src 'unsafe-inline'; base-uri 'none'; form-action 'none'"


def test_styles_load_nothing(page):
    [style] = re.findall(r"<style>(.*?)</style>", page, re.DOTALL)

    assert "prefers-color-scheme: dark" in style
    assert "@media print" in style
    assert not any(word in style for word in ("url(", "@import", "&"))
    assert re.findall(r"https?://[^\"]*", page) == ["http://www.w3.org/2000/svg"] * page.count("<svg")  # a name, not a place


@pytest.mark.parametrize("kind", KINDS)
def test_what_somebody_named_is_only_text(kind):
    report, made = KINDS[kind]
    evil = f"OKX:{EVIL}-USDT"
    changes = {
        "strategy": EVIL, "symbols": [evil], "code_version": EVIL, "listings": {evil: {"tick": 1.0}}, "id": EVIL,
        "coverage": [{**document()["coverage"][0], "symbol": evil}],
    }  # fmt: skip
    if kind in {"backtest", "walk-forward"}:
        changes["curve"] = changes["monthly"] = {}
        changes["trades"] = [trade(1, symbol=evil, reason=EVIL), trade(2, symbol=evil, side=EVIL)]

    read = Reading(report(made(**changes, **({} if kind == "sweep" else {"parameters": {EVIL: EVIL}}))))

    assert {tag for tag, _ in read.tags} & {"script", "img"} == set()
    assert not any(name.startswith("on") for _, attributes in read.tags for name in attributes)
    assert read.text.count(EVIL) > 3


def test_each_picture_has_words_and_each_table_a_head(page):
    read = Reading(page)

    pictures = read.all("svg")
    assert len(pictures) == 7
    assert all(each["role"] == "img" and each["aria-label"] for each in pictures)
    assert read.all("html") == [{"lang": "en"}]
    assert all(each.get("scope") in {"col", "row"} for each in read.all("th"))


def test_the_mouse_is_told_what_a_mark_is(page):
    titles = re.findall(r"<title>([^<]*)</title>", page)

    assert "month: Jan\nyear: 2024\nreturn: +10.00%" in titles
    assert any(each.startswith("trade: 2\nsymbol: OKX:BTC-USDT\nside: short") and "hole: touches a hole" in each for each in titles)
    assert any(each.startswith("time (UTC): 2024-02-02 00:00\nstrategy: 1,030.00") for each in titles)


def test_pictures_take_the_ink_of_the_page(page):
    pictures = " ".join(re.findall(r"<svg.*?</svg>", page, re.DOTALL))

    assert 'fill="currentColor"' in pictures
    assert not any(colour in pictures for colour in ('"#000"', '"black"', '"white"', '"#fff"', '"#888"'))


def test_a_report_says_what_was_run_and_assumed(page):
    text = Reading(page).text

    for said in (
        "Backtest of sma_cross", "fast = 10, slow = 30", "2024-01-30 00:00 to 2024-02-03 00:00 UTC", "1,000.00 USDT", "f1n6",
        "0123456789abcdef0123456789abcdef", "0.1.0+abc", "tick 0.1, lot 0.00001, least value 5", "stop loss 5 % from the entry",
        "market orders, filled at the open of the next bar", "0.1 % of the value of market and stop orders, 0.1 % of limit orders",
    ):  # fmt: skip
        assert said in text


def test_what_makes_figures_doubtful_stands_above_them(page):
    above = Reading(page).text.partition("Result")[0]

    assert "1 hole in the candles, 24 bars in all; 1 trade touches one." in above
    assert "1 bar reached stop and target" in above
    assert "SYNTHETIC" not in above


def test_nothing_is_said_of_a_run_without_doubts():
    counts = {"both": 0, "refused": 0, "fills": 6, "trades": 3, "touching_holes": 0}

    report = backtest_report(bare(coverage=[], counts=counts, allow_holes=False))

    assert 'class="banner"' not in report


def test_an_invented_market_is_labelled():
    above = Reading(backtest_report(bare(symbols=["SYNTHETIC:BTC-USDT"]))).text.partition("Result")[0]

    assert "SYNTHETIC: the prices were generated; no venue ever printed them." in above


def test_all_metrics_are_there_with_their_formulas(page):
    titles = [each["title"] for each in Reading(page).all("span") if each.get("title")]

    for metric in METRICS.values():
        assert f"{metric.summary}\n{metric.formula}\nSource: {metric.source}" in titles


def test_a_figure_that_is_not_defined_is_a_dash(page):
    assert re.search(r"Deflated Sharpe ratio</span></th><td class=\"number\">\N{EN DASH}</td>", page)


def test_of_many_trades_the_ends_are_listed_and_those_at_holes():
    many = [trade(number, touches_hole=number == 77) for number in range(1, 152)]

    text = Reading(backtest_report(bare(trades=many))).text

    assert "The first 50 trades" in text
    assert "The last 50 trades" in text
    assert "51 more lie between them; all are in" in text
    assert "tcpdash backtests 0123456789abcdef0123456789abcdef --json" in text
    assert "1 of 1 between them that touch a hole" in text


def test_what_is_still_open_is_told_apart():
    held = {
        "symbol": SYMBOL, "side": "long", "entered": "2024-02-02T00:00:00Z", "size": 0.25, "entry_price": 100.0, "price": 90.0,
        "profit": -2.5,
    }  # fmt: skip

    text = Reading(backtest_report(bare(open=[held]))).text

    assert "No trade was made." in text
    assert "Still open at the end, and in no figure of trades" in text


def test_a_sweep_names_the_best_sets_first_and_how_many_were_tried():
    text = Reading(sweep_report(sweep())).text

    assert "The best 8 of 8 by Sharpe ratio" in text
    assert re.search(r"\n1\n10\n30\n1\n8\.00\n", text)
    assert "8 parameter sets were tried, so that the best of them looks better than it is" in text


@pytest.mark.parametrize("name", ["value", "max_drawdown", "rank"])
def test_a_sweep_may_have_a_parameter_that_is_called_as_something_else(name):
    report = sweep_report(renamed(sweep(), name))

    text = Reading(report).text
    assert f"the best is 8.00 at {name} = 10, slow = 30" in report
    assert re.search(r"\n1\n10\n30\n8\.00\n", text)
    assert ("\nparameter rank\n" in text) == (name == "rank")


def test_a_set_with_too_few_trades_is_not_the_best():
    report = sweep_report(lucky_sweep())

    text = Reading(report).text
    assert "the best is 1.00 at fast = 5." in report
    assert re.search(r"\n1\n5\n1\.00\n10\.00 %\n50\n2\n10\n9\.00\n", text)
    assert "Sets with fewer than 10 trades come last." in text


def test_a_walk_forward_run_lists_its_windows():
    text = Reading(walk_forward_report(walk_forward(curve={}, monthly={}, returns={}, trades=[]))).text

    assert re.search(r"\n2\n2024-01-02 00:00\n2024-01-12 00:00\n2024-01-13 00:00\n10\na\n1\.50\n-0\.50\n", text)


def test_a_walk_forward_run_says_of_a_drawdown_that_lower_is_better():
    run = walk_forward(metric="max_drawdown", curve={}, monthly={}, returns={}, trades=[])
    for each, inside in zip(run["windows"], (0.1, 0.2), strict=True):
        each |= {"in_sample": {"max_drawdown": inside}, "out_of_sample": {"max_drawdown": 2 * inside}}

    assert "it was not worse out of sample in 0 of 2 windows" in walk_forward_report(run)


def test_resamples_say_how_often_they_end_badly():
    drawn = Reading(backtest_report(bare(monte_carlo=monte_carlo()["monte_carlo"])))

    assert "The same trades in other orders" in drawn.text
    assert "all end at one value, by other ways; 1.00 % were at 50 % of the balance or below at some time." in drawn.text
    assert re.search(r"\nMaximum drawdown\n10\.00 %\n20\.00 %\n30\.00 %\n20\.00 %\n40\.00 %\n", drawn.text)
    assert "Final value, USDT" in drawn.text
    assert len(drawn.all("svg")) == 1


def test_draws_that_may_end_elsewhere_say_how_many_lost():
    [found] = monte_carlo()["monte_carlo"]

    assert words_of({**found, "method": "return-bootstrap"}) == (
        "1,000 runs of 3 bars each: 25.00 % end below the balance; 1.00 % were at 50 % of the balance or below at some time."
    )


def test_a_sweep_says_how_much_is_luck():
    luck = {"deflated_sharpe_ratio": 0.4567, "trials": {"count": 7, "variance": 1.0}, "failed": 1, "undefined": 3, "left_out": 0}

    text = Reading(sweep_report(sweep(**luck))).text

    assert "The deflated Sharpe ratio of the best is 0.457" in text
    assert "Without a result: 1 set that failed, 2 sets that never gained or lost anything." in text


def test_a_window_without_a_choice_is_a_dash():
    run = walk_forward(curve={}, monthly={}, returns={}, trades=[])
    run["windows"][1] |= {"parameters": {}, "out_of_sample": {}}

    assert re.search(rf"\n2024-01-13 00:00\n{NOTHING}\n{NOTHING}\n1\.50\n{NOTHING}\n", Reading(walk_forward_report(run)).text)


def test_a_search_that_tried_nothing_says_so():
    assert "No parameter set was tried." in Reading(sweep_report(sweep(results=[], sets=0))).text


def test_a_sweep_of_which_only_the_best_are_kept_says_so():
    report = sweep_report(sweep(sets=1_000_000))

    assert "Sharpe ratio of the best 8 of 1,000,000 parameter sets" in Reading(report).text
    assert "Sharpe ratio of the best 8 of 1,000,000 parameter sets; half of them are below 4.00." in report
    assert "Sharpe ratio of all sets; half of them are below 4.00." in sweep_report(sweep())
