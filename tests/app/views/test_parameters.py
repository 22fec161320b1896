"""The form of a strategy's parameters: a widget for each kind, what was declared kept to."""

from typing import Any

from streamlit.testing.v1 import AppTest


def form() -> None:
    import streamlit as st

    from app.views.parameters import parameter_form
    from trading.parameters import Kind, Parameter

    declared = [
        Parameter(name="fast", kind=Kind.WHOLE, default=10, low=1, high=50, about="bars of the *fast* average"),
        Parameter(name="width", kind=Kind.NUMBER, default=2.5, low=0.1),
        Parameter(name="mode", kind=Kind.CHOICE, default="b", choices=("a", "b")),
        Parameter(name="go_short", kind=Kind.FLAG, default=False),
    ]
    st.session_state["found"] = parameter_form(declared, "x_mine_", disabled=st.session_state.get("off", False))


def found(page: AppTest) -> dict[str, Any]:
    return page.session_state["found"]


def test_it_begins_with_what_is_declared() -> None:
    page = AppTest.from_function(form).run()

    assert not page.exception
    assert found(page) == {"fast": 10, "width": 2.5, "mode": "b", "go_short": False}
    assert [type(value) for value in found(page).values()] == [int, float, str, bool]


def test_what_is_entered_comes_back_with_its_type() -> None:
    page = AppTest.from_function(form).run()
    page.number_input(key="x_mine_fast").set_value(7)
    page.number_input(key="x_mine_width").set_value(3.25)
    page.selectbox(key="x_mine_mode").set_value("a")
    page.toggle(key="x_mine_go_short").set_value(True)
    page.run()

    assert found(page) == {"fast": 7, "width": 3.25, "mode": "a", "go_short": True}


def test_bounds_and_words_are_those_that_were_declared() -> None:
    page = AppTest.from_function(form).run()
    fast, width = page.number_input(key="x_mine_fast"), page.number_input(key="x_mine_width")

    assert (fast.min, fast.max, fast.step) == (1, 50, 1)
    assert (width.min, width.max) == (0.1, None)
    assert fast.help == "Bars of the \\*fast\\* average\\: a whole number from 1 to 50; 10 where nothing else is said\\."
    assert page.toggle(key="x_mine_go_short").label == "go short"
    assert page.toggle(key="x_mine_go_short").help == "True or false; false where nothing else is said\\."


def test_a_form_can_be_only_looked_at() -> None:
    page = AppTest.from_function(form)
    page.session_state["off"] = True
    page.run()

    assert all(widget.disabled for widget in (*page.number_input, *page.selectbox, *page.toggle))


def test_no_parameters_are_told() -> None:
    def nothing() -> None:
        import streamlit as st

        from app.views.parameters import parameter_form

        st.session_state["found"] = parameter_form([], "x_")

    page = AppTest.from_function(nothing).run()

    assert found(page) == {}
    assert "no parameters" in page.caption[0].value
