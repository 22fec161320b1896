"""What is shown where something heavy will be: once, in the place that it has later."""

from xml.etree import ElementTree as ET

import pandas as pd
import pytest
import streamlit as st
from streamlit.testing.v1 import AppTest

from app.index_page import WIDTH
from app.views import first_sight
from app.views.first_sight import width_told


def page() -> None:
    import pandas as pd
    import streamlit as st

    from app.views.first_sight import first_table

    st.header("Above", anchor=False)
    table = pd.DataFrame({"bot": [f"<b>{number}</b>" for number in range(40)], "return": [0.125, None] * 20})
    place = first_table("bots", table, alt="All & sundry", told={"return": "{:.1%}".format})
    place.dataframe(table, key="bots")
    st.header("Below", anchor=False)


def chart_page() -> None:
    from app.views.first_sight import first_chart

    place = first_chart("chart", lambda width, theme: f"<svg width='{width}' class='{theme}'/>", alt='"Candles" & more')
    place.vega_lite_chart(None, {"mark": "point"}, alt="Candles")


def _kinds(shown: AppTest) -> list[str]:
    return [element.type for element in shown.main.children.values()]


def test_a_table_is_there_in_plain_html_first_and_itself_from_then_on(monkeypatch: pytest.MonkeyPatch) -> None:
    with monkeypatch.context() as interrupted:
        interrupted.setattr(first_sight, "let_paint", lambda _: st.stop())
        shown = AppTest.from_function(page).run()

    assert _kinds(shown) == ["header", "html"]
    html = shown.main.children[1].proto.body
    rows = ET.fromstring(html[html.index("<table") : html.index("</table>") + len("</table>")])
    assert rows.attrib["aria-label"] == "All & sundry"
    assert [["".join(cell.itertext()) for cell in row] for row in rows.iter("tr")][:3] == [
        ["bot", "return"], ["<b>0</b>", "12.5%"], ["<b>1</b>", ""],
    ]  # fmt: skip
    assert len(list(rows.iter("tr"))) < 40, "what does not fit on a screen would make it slow"

    for _ in range(2):
        shown.run()
        assert not shown.exception
        assert _kinds(shown) == ["header", "dataframe", "header"]


def test_all_of_it_has_the_same_place_in_each_run() -> None:
    shown = AppTest.from_function(page).run()
    first = list(shown.main.children)

    assert _kinds(shown) == ["header", "dataframe", "header"]
    assert list(shown.run().main.children) == first


def test_a_chart_is_an_image_of_the_width_of_the_page_first(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(first_sight, "let_paint", lambda _: st.stop())

    shown = AppTest.from_function(chart_page).run()

    image = ET.fromstring(shown.main.children[0].proto.body.replace('">', '"/>'))
    assert image.tag == "img"
    assert image.attrib["alt"] == '"Candles" & more'
    assert image.attrib["src"].startswith("data:image/svg+xml;base64,")


@pytest.mark.parametrize(
    ("cookie", "width"),
    [("1280", 1_120), ("1920", 1_760), ("0", 160), ("99999", 3_840), ("1e3", 1_120), ("-5", 1_120), ("9" * 900, 1_120)],
)
def test_the_width_of_a_window_is_what_its_cookie_says_within_limits(cookie: str, width: int) -> None:
    assert width_told({WIDTH: cookie}) == width
    assert width_told({}) == 1_120


def test_a_column_of_nothing_is_told_as_nothing() -> None:
    assert first_sight._words(pd.Series([None, float("nan"), pd.NA]), str) == ["", "", ""]
