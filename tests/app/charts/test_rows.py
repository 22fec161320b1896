import json

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from app.charts.equity import equity_chart
from app.charts.house import LOSS, MAX_POINTS, amount_form, hole_bands, split_at_holes, thin
from app.charts.monthly import monthly_chart
from app.charts.parts import curve_rows, hole_rows, month_rows, return_rows, trade_rows, year_gains
from app.charts.search import (
    among_best,
    best_first,
    column_of,
    headings,
    kept_title,
    kept_windows,
    least_trades,
    set_rows,
    window_rows,
    with_enough_trades,
)
from app.charts.sweep import best_of, sweep_chart, sweep_distribution_chart
from app.charts.trades import profit_chart
from app.charts.walk_forward import chosen_chart, kept_chart
from tests.app.documents import coverage, document, long_curve, lucky_sweep, renamed, sweep, trade, walk_forward
from trading.backtest.metrics import METRICS, Metric

SHARPE, DRAWDOWN = METRICS["sharpe_ratio"], METRICS["max_drawdown"]


def layers_of(chart):
    return chart.to_dict()["layer"]


def rows_of(chart, layer):
    spec = chart.to_dict()
    return spec["datasets"][spec["layer"][layer].get("data", spec.get("data"))["name"]]


@given(rows=st.integers(0, 5_000), most=st.integers(2, 300))
def test_thinned_rows_are_few_enough_and_even_and_have_both_ends(rows, most):
    kept = thin(pd.DataFrame({"row": range(rows)}), most)["row"].tolist()

    assert len(kept) == min(rows, most)
    assert kept[:1] == list(range(rows))[:1]
    assert kept[-1:] == list(range(rows))[-1:]
    assert np.ptp(np.diff(kept)) <= 1 if len(kept) > 1 else True


@pytest.mark.parametrize(
    ("amounts", "form"),
    [
        ([-1_234.5, 0.01], "+,.2f"), ([10.0], "+,.2f"), ([-9.99, 0.5], "+,.4f"), ([0.00042, -0.1], "+,.8f"), ([0.0], "+,.2f"),
        ([np.nan], "+,.2f"), ([], "+,.2f"), ([None, 0.5], "+,.8f"),
    ],
)  # fmt: skip
def test_amounts_have_the_decimals_that_the_largest_asks_for(amounts: list[float], form: str):
    assert amount_form(pd.Series(amounts), sign="+") == form


def test_amounts_of_a_chart_are_shown_alike():
    small, large, none = pd.Series([0.0004]), pd.Series([500.0]), pd.Series([None], dtype="float64")

    assert (amount_form(small, large), amount_form(small, none)) == (",.2f", ",.8f")


def test_what_was_won_in_a_currency_of_which_one_is_much_is_told_with_its_digits():
    trades = trade_rows(document(trades=[trade(1, profit=0.00042), trade(2, profit=-0.00021)]))
    curve = curve_rows(document()).assign(equity=0.25, benchmark=0.5)
    sets = pd.DataFrame({column_of("fast"): [5, 10], "net_profit": [0.00042, -0.1]})
    net = METRICS["net_profit"]

    assert '"format": "+,.8f"' in json.dumps(profit_chart(trades, hole_rows({}), quote="BTC").to_dict())
    assert '"format": ",.8f"' in json.dumps(equity_chart(curve, hole_rows({}), quote="BTC").to_dict())
    for chart in (sweep_chart(sets, ["fast"], metric=net), sweep_distribution_chart(sets, metric=net)):
        told = json.dumps(chart.to_dict())
        assert ('"format": ",.3~r"' in told, '"format": ",.0f"' in told) == (True, False)
    large = sets.assign(net_profit=[420.0, -1.0])
    assert '"format": ",.0f"' in json.dumps(sweep_chart(large, ["fast"], metric=net).to_dict())


def test_no_chart_draws_more_points_than_a_screen_shows():
    run = document(curve=long_curve(4_500))

    spec = equity_chart(curve_rows(run), hole_rows(run), quote="USDT").to_dict()

    assert max(len(rows) for rows in spec["datasets"].values()) in range(MAX_POINTS // 2, MAX_POINTS + 2)


def test_a_line_breaks_where_a_hole_is():
    curve, holes = curve_rows(document()), hole_rows(document())

    rows = split_at_holes(curve, holes)

    assert rows["timestamp"].tolist()[2] == pd.Timestamp("2024-01-31T12:00Z")
    assert rows["equity"].isna().tolist() == [False, False, True, False, False]


def test_a_line_goes_on_where_another_symbol_was_traded_inside_the_hole():
    curve = curve_rows(document(curve=long_curve(96)))
    holes = hole_rows(document()).assign(begin=pd.Timestamp("2024-01-02T00:00Z"), end=pd.Timestamp("2024-01-03T00:00Z"))

    assert len(split_at_holes(curve, holes)) == 96


def test_a_line_goes_on_over_holes_that_are_narrower_than_its_points_are_apart():
    curve = curve_rows(document(curve=long_curve(96))).iloc[::2]  # one hour is there, the next one is not
    ends = curve["timestamp"].iloc[1:].reset_index(drop=True)

    assert len(split_at_holes(curve, pd.DataFrame({"begin": ends - pd.Timedelta(hours=1), "end": ends}))) == 48


def test_a_run_with_thousands_of_holes_is_still_drawn_as_a_line():
    hours = np.datetime_as_string(np.datetime64("2024-01-01T00", "h") + np.arange(12_001), unit="s").tolist()
    holes = [{"start": f"{begin}Z", "end": f"{end}Z", "bars": 1} for begin, end in zip(hours[1::3], hours[2::3], strict=False)]
    curve = {name: [value for at, value in enumerate(values) if at % 3 != 2] for name, values in long_curve(12_000).items()}
    run = document(curve=curve, coverage=[coverage(holes=holes)])

    spec = equity_chart(curve_rows(run), hole_rows(run), quote="USDT").to_dict()

    assert len(holes) == 4_000
    drawn = max(spec["datasets"].values(), key=len)
    assert len(drawn) <= MAX_POINTS
    assert all(row["equity"] is not None for row in drawn)


@settings(max_examples=50)
@given(st.sets(st.integers(0, 200), min_size=2), st.lists(st.tuples(st.integers(0, 200), st.integers(1, 40)), max_size=30))
def test_a_line_breaks_once_between_two_points_at_most_and_only_inside_of_holes(hours, spans):
    begin, hour = pd.Timestamp("2024-01-01T00:00Z"), pd.Timedelta(hours=1)
    curve = pd.DataFrame({"timestamp": [begin + at * hour for at in sorted(hours)], "equity": 1.0})
    holes = pd.DataFrame({"begin": [begin + at * hour for at, _ in spans], "end": [begin + sum(each) * hour for each in spans]})

    rows = split_at_holes(curve, holes)

    empty = rows["equity"].isna()
    assert not (empty & empty.shift(fill_value=False)).any()
    assert not empty.iloc[[0, -1]].any()
    assert all(((holes["begin"] < at) & (at < holes["end"])).any() for at in rows["timestamp"][empty])


def test_a_hole_is_shaded_and_says_so():
    band, words = hole_bands(hole_rows(document()))

    assert band.to_dict()["encoding"]["x2"] == {"field": "end"}
    assert words.to_dict()["mark"]["text"] == "no data"
    assert hole_rows(document())["told"].tolist() == ["2024-01-31 00:00 to 2024-02-01 00:00 UTC"]


def test_without_holes_nothing_is_shaded():
    assert hole_bands(hole_rows(document(coverage=[]))) == []


def test_months_of_a_year_are_compounded():
    run = document(monthly={"2023-12": 0.5, "2024-01": 0.1, "2024-02": -0.5})

    assert year_gains(run) == {"2023": pytest.approx(0.5), "2024": pytest.approx(-0.45)}
    assert month_rows(run)[["year", "month"]].to_numpy().tolist() == [["2023", "Dec"], ["2024", "Jan"], ["2024", "Feb"]]


def test_a_month_tells_its_number_and_not_only_a_colour():
    words = layers_of(monthly_chart(month_rows(document())))[1]

    assert (words["mark"]["type"], words["encoding"]["text"]["field"]) == ("text", "gain")


def test_bins_of_returns_lie_side_by_side():
    assert return_rows(document()).to_numpy().tolist() == [[-0.02, -0.01, 1], [-0.01, 0.0, 0], [0.0, 0.01, 2]]


def test_of_many_trades_the_largest_are_drawn_and_the_title_says_so():
    many = [trade(number, profit=float(number if number % 2 else -number)) for number in range(1, 11)]
    chart = profit_chart(trade_rows(document(trades=many)), hole_rows({}), quote="USDT", most=4)

    assert [row["number"] for row in rows_of(chart, 0)] == [7, 8, 9, 10]
    assert chart.to_dict()["title"]["text"] == "Profit of each trade (the 4 largest of 10)"


def test_a_trade_at_a_hole_has_a_ring():
    ring = layers_of(profit_chart(trade_rows(document()), hole_rows({}), quote="USDT"))[1]

    assert (ring["transform"], ring["mark"]["shape"]) == ([{"filter": "datum.touches_hole"}], "circle")


def test_a_cell_is_the_best_over_the_parameters_that_are_not_drawn():
    names = [column_of("fast"), column_of("slow")]

    cells = best_of(set_rows(sweep()), names, SHARPE)

    # Sets count 1 to 8, size turning fastest; the fifth (10, 20, 0.5) has no value and counts as tried.
    assert cells[[*names, "value", "sets", "best"]].to_numpy().tolist() == [
        [5, 20, 2.0, 2, False], [5, 30, 4.0, 2, False], [10, 20, 6.0, 2, False], [10, 30, 8.0, 2, True],
    ]  # fmt: skip


def test_where_lower_is_better_the_lowest_is_the_best():
    rows = pd.DataFrame({"fast": [1, 1, 2], "max_drawdown": [0.3, 0.2, 0.4]})

    assert best_of(rows, ["fast"], DRAWDOWN)[["value", "best"]].to_numpy().tolist() == [[0.2, True], [0.4, False]]
    assert best_first(rows, DRAWDOWN, least=0)["max_drawdown"].tolist() == [0.2, 0.3, 0.4]


def test_a_set_with_too_few_trades_comes_last_and_is_no_mark_of_the_best():
    found = lucky_sweep()
    rows = set_rows(found)
    counted = with_enough_trades(rows, SHARPE, least=least_trades(found))

    assert best_first(rows, SHARPE, least=10)["sharpe_ratio"].tolist() == [1.0, 9.0]
    assert best_first(rows, SHARPE, least=0)["sharpe_ratio"].tolist() == [9.0, 1.0]
    assert best_of(counted, [column_of("fast")], SHARPE)["best"].tolist() == [True, False]
    assert rows_of(sweep_distribution_chart(counted, metric=SHARPE), 1) == [{"low": 1.0, "name": "best"}]
    assert with_enough_trades(rows.drop(columns="total_trades"), SHARPE, least=10)["sharpe_ratio"].tolist() == [1.0, 9.0]


@pytest.mark.parametrize(
    ("metric", "tried", "among", "spread"),
    [
        (SHARPE, 8, "", ""), (DRAWDOWN, 8, "", ""), (SHARPE, 9, "", "Sharpe ratio of the best 8 of 9 parameter sets"),
        (DRAWDOWN, 9, " among the 8 best by Sharpe ratio", "Maximum drawdown of the best 8 of 9 parameter sets by Sharpe ratio"),
    ],
)  # fmt: skip
def test_what_is_told_of_the_best_by_another_metric_says_so(metric: Metric, tried: int, among: str, spread: str):
    found = sweep(sets=tried)
    rows = set_rows(found)

    assert (among_best(found, rows, metric), kept_title(found, rows, metric)) == (among, spread)


@settings(max_examples=30)
@given(st.lists(st.tuples(st.integers(0, 3), st.integers(0, 3), st.none() | st.floats(-5, 5)), min_size=1, max_size=40))
def test_cells_are_what_a_loop_finds(rows):
    frame = pd.DataFrame(rows, columns=["a", "b", "sharpe_ratio"]).astype({"sharpe_ratio": "float64"})
    found = {(cell.a, cell.b): cell.value for cell in best_of(frame, ["a", "b"], SHARPE).itertuples()}

    assert found.keys() == {(a, b) for a, b, _ in rows}
    for (a, b), best in found.items():
        values = [value for left, right, value in rows if (left, right) == (a, b) and value is not None]
        assert best == max(values) if values else np.isnan(best)


def test_many_values_of_a_parameter_become_ranges():
    columns = {column_of("a"): np.linspace(0, 1, 3_000), column_of("b"): [1, 2, 3] * 1_000}
    rows = pd.DataFrame({**columns, "sharpe_ratio": np.arange(3_000.0)})

    spec = sweep_chart(rows, ["a", "b"], metric=SHARPE).to_dict()

    assert max(len(each) for each in spec["datasets"].values()) == 20 * 3


@pytest.mark.parametrize("name", ["value", "sets", "best", "across", "up", "number", "inside", "fees", "sharpe_ratio"])
def test_a_parameter_may_be_called_as_anything_of_ours(name: str):
    found = renamed(sweep(), name), renamed(walk_forward(), name)
    rows, windows = set_rows(found[0]), window_rows(found[1])

    assert rows[column_of(name)].tolist() == [5, 5, 5, 5, 10, 10, 10, 10]
    assert rows["sharpe_ratio"].dropna().tolist() == [1.0, 2.0, 3.0, 4.0, 6.0, 7.0, 8.0]
    chart = sweep_chart(rows, [name, "slow"], metric=SHARPE)
    assert chart.to_dict()["title"] == f"Sharpe ratio by {name} and slow"
    assert [(row["across"], row["up"], row["value"]) for row in rows_of(chart, 0)] == [
        (5, 20, 2.0), (5, 30, 4.0), (10, 20, 6.0), (10, 30, 8.0),
    ]  # fmt: skip
    assert windows[["number", "inside"]].to_numpy().tolist() == [[1, 1.5], [2, 1.5]]
    assert next(iter(chosen_chart(windows, [name]).to_dict()["datasets"].values())) == [
        {"number": 1, "value": 5}, {"number": 2, "value": 10},
    ]  # fmt: skip


def test_a_window_keeps_what_it_promised_by_what_is_better():
    windows = pd.DataFrame({"number": [1, 2, 3], "inside": [0.1, 0.2, 0.2], "outside": [0.3, 0.1, None]})

    assert (kept_windows(windows, DRAWDOWN), kept_windows(windows.head(1), DRAWDOWN)) == (1, 0)
    assert (kept_windows(windows, SHARPE), kept_windows(windows.head(1), SHARPE)) == (1, 1)
    for metric, worse in ((DRAWDOWN, "datum.outside > datum.inside"), (SHARPE, "datum.outside < datum.inside")):
        colour = layers_of(kept_chart(windows, metric=metric))[0]["encoding"]["color"]
        assert colour["condition"] == [{"test": worse, "value": LOSS}]


def test_headings_tell_parameters_from_what_is_called_the_same():
    assert headings(["fast", "fees"], {"fees", "rank"}) == ["fast", "parameter fees"]


def test_parameters_that_do_not_vary_are_not_drawn():
    rows = set_rows(sweep())

    spec = sweep_chart(rows[rows[column_of("fast")] == 5], ["fast", "slow", "size"], metric=SHARPE).to_dict()

    assert spec["title"] == "Sharpe ratio by slow and size"
    chart = sweep_chart(rows, ["fast", "slow"], metric=SHARPE, among=" among the 8 best by Sortino ratio")
    assert chart.to_dict()["title"] == "Sharpe ratio by fast and slow among the 8 best by Sortino ratio"


def test_a_distribution_counts_what_has_a_value():
    chart = sweep_distribution_chart(set_rows(sweep()), metric=SHARPE)

    assert chart.to_dict()["title"] == "Sharpe ratio of 7 parameter sets"
    assert sum(row["sets"] for row in rows_of(chart, 0)) == 7
    assert rows_of(chart, 1) == [{"low": 8.0, "name": "best"}]


def test_windows_have_their_times_and_what_was_chosen():
    rows = window_rows(walk_forward())

    assert rows["chosen"].tolist() == ["fast = 5, mode = a", "fast = 10, mode = a"]
    assert (rows["train_end"] == rows["test_begin"]).all()
    assert rows["outside"].tolist() == [2.0, -0.5]
