"""The text of a bot's file keeps the order and the way of who wrote it."""

import json
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.bots.text import at, cloned, number_of, put, shown, text_of, tree_of, without

SHIPPED = sorted((Path(__file__).parents[2] / "config" / "bots").glob("[!_]*.json"))
VALUES = st.recursive(
    st.none() | st.booleans() | st.integers(-(10**15), 10**15) | st.floats(allow_nan=False, allow_infinity=False) | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=5), inner, max_size=4),
    max_leaves=12,
)


@pytest.mark.parametrize("path", SHIPPED, ids=lambda path: path.name)
def test_a_shipped_file_is_written_as_it_is(path: Path):
    text = path.read_text()

    assert text_of(tree_of(text)) == text


@given(st.dictionaries(st.text(max_size=8), VALUES, max_size=6))
def test_what_is_written_is_read_again_in_its_order(tree):
    again = tree_of(text_of(tree))

    assert again == tree
    assert list(again) == list(tree)


def test_a_long_section_has_a_line_for_each_field():
    text = text_of({"protections": {f"field_{number}": number for number in range(12)}, "symbols": ["A:B-C"] * 30})

    assert all(len(line) <= 112 for line in text.splitlines())
    assert '    "field_11": 11\n  },' in text
    assert json.loads(text)["symbols"] == ["A:B-C"] * 30


@pytest.mark.parametrize("text", ["", "[]", "{", '{"a": 1, "a": 2}', '{"a": {"b": 1, "b": 2}}', "[" * 100_000])
def test_what_a_form_cannot_keep_is_no_tree(text):
    assert tree_of(text) is None


@pytest.mark.parametrize(
    ("typed", "value"),
    [
        ("5", 5),
        (" 0.50 ", 0.5),
        ("1e-7", 1e-7),
        *((word, word) for word in ("0,5", "nan", "inf", "five", "9" * 5_000, "0.1234567890123456789", "1e999")),
    ],
)
def test_what_is_typed_is_a_number_or_what_it_is(typed, value):
    assert number_of(typed) == value


def test_a_field_is_changed_in_its_place_and_a_new_one_comes_last():
    tree = {"a": 1, "b": {"c": 2, "d": 3}}

    assert list(put(tree, ("a",), 5).items()) == [("a", 5), ("b", {"c": 2, "d": 3})]
    assert put(tree, ("b", "c"), 9) == {"a": 1, "b": {"c": 9, "d": 3}}
    assert put(tree, ("e", "f"), 1) == {**tree, "e": {"f": 1}}
    assert tree == {"a": 1, "b": {"c": 2, "d": 3}}


def test_a_section_that_is_left_without_fields_goes():
    tree = {"a": 1, "b": {"c": 2}}

    assert without(tree, ("b", "c")) == {"a": 1}
    assert without(tree, ("x", "y")) == tree
    assert at(tree, ("b", "c")) == 2
    assert at(tree, ("a", "c"), "none") == "none"


def test_a_clone_has_another_id_and_a_name_that_says_what_it_is():
    assert cloned({"id": "a", "name": "A", "x": 1}, "b") == {"id": "b", "name": "A (copy)", "x": 1}
    assert cloned({"id": "a"}, "b") == {"id": "b"}
    assert len(cloned({"name": "n" * 100}, "b")["name"]) == 100


@pytest.mark.parametrize(("value", "text"), [(None, ""), ("0.10", "0.10"), (0.5, "0.5"), (True, "true"), ([1], "[1]")])
def test_a_value_is_shown_as_in_the_file(value, text):
    assert shown(value) == text
