"""Widgets of choices: what is chosen is what a browser begins with, whichever run it hears of first."""

from typing import Any

import pytest
from streamlit.testing.v1 import AppTest


def page() -> None:
    from app.views import choices

    options = ["first", "second", "third"]
    choices.choose("One", "one", options, "first")
    choices.choose_from("Of many", "of_many", options, "first")
    choices.choose_any("Any", "any", options)
    choices.choose_some("Some", "some", options, all_of="all")
    choices.choose_text("Text", "text", most=20)
    choices.choose_flag("Flag", "flag")
    choices.choose_number("Number", "number", 9, default=1)
    choices.choose_day("Day", "day", first_us=1_700_000_000_000_000, last_us=1_800_000_000_000_000)


def defaults(shown: AppTest) -> dict[str, Any]:
    """Return what each widget begins with in a browser, unless it hears that something was set."""
    return {
        "one": [shown.get("button_group")[0].proto.options[at].content for at in shown.get("button_group")[0].proto.default],
        "of_many": shown.selectbox(key="of_many").proto.default,
        "any": shown.selectbox(key="any").proto.default if shown.selectbox(key="any").proto.HasField("default") else None,
        "some": list(shown.multiselect(key="some").proto.default),
        "text": shown.text_input(key="text").proto.default,
        "flag": shown.toggle(key="flag").proto.default,
        "number": shown.number_input(key="number").proto.default,
        "day": list(shown.date_input(key="day").proto.default),
    }


ASKED = {"one": "second", "of_many": "third", "any": "second", "text": "some", "flag": "true", "number": "4", "day": "2024-01-01"}


@pytest.mark.parametrize("runs", [1, 2, 3])
def test_what_the_url_asks_for_is_the_default_in_each_run(runs: int):
    shown = AppTest.from_function(page)
    for name, value in ASKED.items():
        shown.query_params[name] = value
    shown.query_params["some"] = ["first", "third"]

    for _ in range(runs):
        shown.run()

    assert not shown.exception
    assert defaults(shown) == {
        "one": ["second"],
        "of_many": 2,
        "any": 1,
        "some": [0, 2],
        "text": "some",
        "flag": True,
        "number": 4.0,
        "day": ["2024-01-01"],
    }


def test_what_somebody_chose_is_the_default_from_then_on():
    shown = AppTest.from_function(page).run()

    shown.selectbox(key="of_many").select("second").run()
    shown.text_input(key="text").set_value("typed").run()

    found = defaults(shown)
    assert (found["of_many"], found["text"], found["any"], found["one"]) == (1, "typed", None, ["first"])
    assert (shown.query_params["of_many"], shown.query_params["text"]) == ("second", "typed")


@pytest.mark.parametrize(("seconds", "kept"), [(0.0, "second"), (60.0, "first")])
def test_a_click_right_behind_a_choice_still_has_the_url_from_before_and_does_not_undo_it(
    monkeypatch: pytest.MonkeyPatch, seconds: float, kept: str
):
    now = [1_000.0]
    monkeypatch.setattr("app.views.kept.monotonic", lambda: now[0])
    shown = AppTest.from_function(page).run()
    shown.selectbox(key="of_many").select("second").run()

    now[0] += seconds
    del shown.query_params["of_many"]
    shown.query_params["of a form"] = "something"  # Streamlit puts what it binds into the URL before it asks for a run
    shown.run()

    assert shown.selectbox(key="of_many").value == kept
    assert (shown.query_params.get("of_many"), shown.query_params["of a form"]) == (
        "second" if kept == "second" else None,
        "something",
    )
