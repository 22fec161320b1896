"""The specification of the portfolio's chart, as it was when somebody looked at the picture; see golden.py."""

import json

import altair as alt
import pandas as pd

from app.charts.portfolio import portfolio_chart
from app.charts.zone import zone_at
from app.portfolio import portfolio_curve
from tests.app.charts.golden import check
from tests.app.samples import START_US

CURVE = pd.DataFrame(
    {
        "timestamp": pd.date_range("2024-08-08T23:54", periods=3, freq="1h", tz="UTC"),
        "level": [150.0, 149.0, 151.0],
        "equity": [100.0, 99.0, 151.0],
        "put_in": [100.0, 100.0, 150.0],
        "gain": [0.0, -1.0, 1.0],
        "accounts": [1, 1, 2],
    }
)


def test_the_chart_is_what_was_looked_at() -> None:
    check("portfolio", portfolio_chart(CURVE, money="USDT").to_dict())


def test_what_was_won_in_a_currency_of_which_one_is_much_is_told_with_its_digits() -> None:
    spec = json.dumps(portfolio_chart(CURVE.assign(gain=[0.0, -0.00042, 0.001]), money="BTC").to_dict())

    assert '"format": "+,.8f"' in spec


def test_the_chart_is_in_the_zone_of_the_screen() -> None:
    spec = json.dumps(portfolio_chart(CURVE, money="USDT", zone=zone_at("Europe/Berlin", START_US)).to_dict())

    assert "time in Europe/Berlin (UTC+02:00)" in spec
    assert "2024-08-09T01:54:00" in spec
    assert "2024-08-08T23:54:00" not in spec


def test_the_chart_can_be_made_of_nothing() -> None:
    empty = portfolio_curve(pd.DataFrame()).assign(timestamp=pd.to_datetime([], utc=True))

    assert alt.Chart.from_dict(portfolio_chart(empty, money="").to_dict()) is not None
