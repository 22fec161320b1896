"""Specifications of the charts of runs, as they were when somebody looked at the pictures; see golden.py."""

from collections.abc import Callable
from typing import Any

import altair as alt
import pandas as pd
import pytest

from app.charts.drawdown import drawdown_chart, exposure_chart
from app.charts.equity import equity_chart
from app.charts.monte_carlo import fan_chart
from app.charts.monthly import monthly_chart
from app.charts.parts import curve_rows, hole_rows, month_rows, return_rows, trade_rows
from app.charts.returns import returns_chart
from app.charts.search import column_of, fan_rows, parameter_names, set_rows, window_rows
from app.charts.sweep import sweep_chart, sweep_distribution_chart
from app.charts.trades import profit_chart, trade_marks_chart
from app.charts.walk_forward import chosen_chart, kept_chart, windows_chart
from tests.app.charts.golden import check
from tests.app.documents import SYMBOL, document, monte_carlo, sweep, walk_forward
from trading.backtest.metrics import METRICS

SHARPE = METRICS["sharpe_ratio"]
RUN, WALK, SETS = document(), window_rows(walk_forward()), set_rows(sweep())
CURVE, HOLES, TRADES = curve_rows(RUN), hole_rows(RUN), trade_rows(RUN)
FAN = fan_rows(monte_carlo()["monte_carlo"][0])
PRICES = pd.DataFrame({"timestamp": CURVE["timestamp"], "close": [100.0, 141.0, 119.0, 120.0]})

CHARTS: dict[str, Callable[[], Any]] = {
    "equity": lambda: equity_chart(CURVE, HOLES, quote="USDT", windows=WALK[["test_begin"]]),
    "drawdown": lambda: drawdown_chart(CURVE, HOLES),
    "exposure": lambda: exposure_chart(CURVE, HOLES),
    "monthly": lambda: monthly_chart(month_rows(RUN)),
    "returns": lambda: returns_chart(return_rows(RUN)),
    "profit": lambda: profit_chart(TRADES, HOLES, quote="USDT"),
    "trade_marks": lambda: trade_marks_chart(PRICES, TRADES, HOLES, symbol=SYMBOL, title=SYMBOL),
    "sweep": lambda: sweep_chart(SETS, parameter_names(sweep()), metric=SHARPE),
    "sweep_of_one": lambda: sweep_chart(SETS[SETS[column_of("slow")] == 20], ["fast"], metric=SHARPE),
    "sweep_distribution": lambda: sweep_distribution_chart(SETS, metric=SHARPE),
    "windows": lambda: windows_chart(WALK),
    "chosen": lambda: chosen_chart(WALK, ["fast", "mode"]),
    "kept": lambda: kept_chart(WALK, metric=SHARPE),
    "fan": lambda: fan_chart(FAN[0], quote="USDT", actual=FAN[1]),
}


@pytest.mark.parametrize("name", CHARTS)
def test_a_chart_is_what_was_looked_at(name: str) -> None:
    check(name, CHARTS[name]().to_dict())


@pytest.mark.parametrize("name", CHARTS)
def test_a_chart_can_be_made_of_nothing(name: str) -> None:
    empty = {
        "equity": lambda: equity_chart(CURVE.head(0), HOLES.head(0), quote=""),
        "drawdown": lambda: drawdown_chart(CURVE.head(0), HOLES.head(0)),
        "exposure": lambda: exposure_chart(CURVE.head(0), HOLES.head(0)),
        "monthly": lambda: monthly_chart(month_rows({})),
        "returns": lambda: returns_chart(return_rows({})),
        "profit": lambda: profit_chart(trade_rows({}), hole_rows({}), quote=""),
        "trade_marks": lambda: trade_marks_chart(None, trade_rows({}), hole_rows({}), symbol=SYMBOL, title=""),
        "sweep": lambda: sweep_chart(SETS.head(0), ["fast", "slow"], metric=SHARPE),
        "sweep_of_one": lambda: sweep_chart(SETS.head(1), ["fast"], metric=SHARPE),
        "sweep_distribution": lambda: sweep_distribution_chart(SETS.head(0), metric=SHARPE),
        "windows": lambda: windows_chart(WALK.head(0)),
        "chosen": lambda: chosen_chart(WALK.head(0), ["fast"]),
        "kept": lambda: kept_chart(WALK.head(0), metric=SHARPE),
        "fan": lambda: fan_chart(FAN[0].head(0), quote=""),
    }

    assert alt.Chart.from_dict(empty[name]().to_dict()) is not None
