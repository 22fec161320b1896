"""Charts of the page of backtests: in the zone of the screen, and as they were when somebody looked at them."""

import json
from collections.abc import Callable
from typing import Any

import pytest

from app.charts.drawdown import drawdown_chart, exposure_chart
from app.charts.equity import equity_chart
from app.charts.parts import curve_rows, hole_rows, trade_rows
from app.charts.search import window_rows
from app.charts.trades import profit_chart, trade_marks_chart
from app.charts.walk_forward import windows_chart
from app.charts.zone import Zone, zone_at
from market.clock import parse_time
from tests.app.documents import SYMBOL, document, walk_forward

TOKYO = zone_at("Asia/Tokyo", parse_time("2024-02-01"))
RUN = document()


def rows_in(zone: Zone) -> tuple[Any, Any, Any, Any]:
    return curve_rows(RUN, zone=zone), hole_rows(RUN, zone=zone), trade_rows(RUN, zone=zone), window_rows(walk_forward(), zone=zone)


CURVE, HOLES, TRADES, WALK = rows_in(TOKYO)
IN_TOKYO: dict[str, Callable[[], Any]] = {
    "equity": lambda: equity_chart(CURVE, HOLES, quote="USDT", windows=WALK[["test_begin"]], zone=TOKYO),
    "drawdown": lambda: drawdown_chart(CURVE, HOLES, zone=TOKYO),
    "exposure": lambda: exposure_chart(CURVE, HOLES, zone=TOKYO),
    "profit": lambda: profit_chart(TRADES, HOLES, quote="USDT", zone=TOKYO),
    "trade_marks": lambda: trade_marks_chart(None, TRADES, HOLES, symbol=SYMBOL, title=SYMBOL, zone=TOKYO),
    "windows": lambda: windows_chart(WALK, zone=TOKYO),
}


@pytest.mark.parametrize("name", IN_TOKYO)
def test_a_chart_of_a_run_names_the_zone_of_the_screen_and_no_other(name: str) -> None:
    told = json.dumps(IN_TOKYO[name]().to_dict())

    assert "time in Asia/Tokyo (UTC+09:00)" in told
    assert "UTC)" not in told.replace("(UTC+09:00)", "")
    assert "in UTC" not in told


def test_windows_are_moved_into_the_zone() -> None:
    assert str(WALK["train_begin"][0]) == "2024-01-01 09:00:00+00:00"
    assert WALK["train_start"][0] == "2024-01-01T00:00:00Z"
