"""The JSON schema of bots: what it says of each field, and that it takes and refuses what the program does."""

import json
from dataclasses import fields

import msgspec
import pytest
from jsonschema import Draft202012Validator

from market.errors import InputError
from tests.trading.bots.files import BROKEN, VALID, text
from trading.bots.config import as_dict, from_dict, read_config, schema
from trading.bots.schema import expected_words
from trading.bots.sections import BotConfig
from trading.registry import Registry
from trading.rules import Rules

VALIDATOR = Draft202012Validator(schema())
NAMES = list(BROKEN)
SEEN = [each for each in NAMES[NAMES.index("nothing") : NAMES.index("a symbol in lower case")] if each != "an id with a new line"]
"""What is broken so that a JSON schema can say so; in Python a `$` of a pattern is also before a new line at the end."""


def parts():
    """Return each field of the schema with its path."""
    whole = schema()
    for name, part in whole["properties"].items():
        yield name, part
    for section, inner in whole["$defs"].items():
        yield section, inner
        for name, part in inner["properties"].items():
            yield f"{section}.{name}", part


def test_the_schema_is_one():
    Draft202012Validator.check_schema(schema())

    assert json.loads(json.dumps(schema())) == schema()
    assert schema()["title"] == "BotConfig"


@pytest.mark.parametrize("data", VALID.values(), ids=VALID.keys())
def test_the_schema_takes_what_can_be_used(data):
    assert [error.message for error in VALIDATOR.iter_errors(json.loads(data.decode("utf-8-sig")))] == []


@pytest.mark.parametrize("name", SEEN)
def test_the_schema_refuses_what_it_can_see(name):
    assert list(VALIDATOR.iter_errors(json.loads(BROKEN[name][0]))) != []


def test_every_field_is_described_and_has_what_it_takes_in_words():
    found = dict(parts())

    assert [path for path, part in found.items() if not part.get("description")] == []
    assert all(expected_words(part) for part in found.values())
    assert len(found) > 40


def test_every_field_that_can_be_left_out_says_what_holds_then():
    whole = schema()
    named = [(whole, name, part) for name, part in whole["properties"].items()]
    named += [(inner, name, part) for inner in whole["$defs"].values() for name, part in inner["properties"].items()]

    assert [name for owner, name, part in named if name not in owner["required"] and "default" not in part] == []


@pytest.mark.parametrize(
    ("path", "words"),
    [
        ("Stops.stop_loss", "a number from 0 to 0.999"),
        ("Stops.time_exit", "a whole number from 0 to 1e+18"),
        ("Orders.volume_share", "a number above 0, up to 1"),
        ("Orders.fill_at", "one of close, next-open"),
        ("autostart", "true or false"),
        ("sizing", "an object with kind, size, volatility_bars, short, leverage"),
    ],
)
def test_what_a_field_takes_is_said_in_words(path, words):
    assert expected_words(dict(parts())[path]) == words


RULES = {
    ("orders", "limit_offset"): "limit_offset", ("orders", "limit_bars"): "limit_bars", ("orders", "volume_share"): "volume_share",
    ("fees", "maker"): "maker_fee", ("fees", "taker"): "taker_fee", ("slippage", "amount"): "slippage_amount",
    **{("sizing", name): name for name in ("size", "volatility_bars", "leverage")},
    **{("stops", name): name for name in ("stop_loss", "take_profit", "trailing_stop", "time_exit")},
    **{("protections", name): name for name in (
        "cooldown_bars", "guard_stops", "guard_within_bars", "guard_pause_bars",
        "max_drawdown", "drawdown_pause_bars", "daily_loss",
    )},
}  # fmt: skip
"""The field of a bot for each number of the rules."""


def test_each_number_of_the_rules_has_its_field():
    numbers = {each.name for each in fields(Rules)} - {"fill_at", "slippage", "sizing", "short"}

    assert set(RULES.values()) == numbers


def bounds_of(section: str, name: str) -> dict[str, float]:
    part = next(part for path, part in parts() if path.lower().replace("_.", ".") == f"{section}.{name}")
    return {key: part[key] for key in ("minimum", "maximum", "exclusiveMinimum") if key in part}


@pytest.mark.parametrize(("place", "rule"), RULES.items(), ids=RULES.values())
def test_the_bounds_of_a_field_are_those_of_its_rule(place, rule):
    bounds = bounds_of(*place)

    for key, value in bounds.items():
        beyond = value - 0.001 if "inimum" in key else value * 1.01
        with pytest.raises(InputError, match=f"rule {rule} is"):
            Rules(**{rule: beyond})
        assert getattr(Rules(**{rule: value}), rule) == value
    assert len(bounds) == 2


@pytest.mark.parametrize("place", RULES, ids=RULES.values())
def test_a_number_at_its_bounds_is_taken_and_reaches_the_rules(place):
    section, name = place
    for value in {key: value for key, value in bounds_of(section, name).items() if key != "exclusiveMinimum"}.values():
        whole = {"maker": 0, "taker": 0, name: value} if section == "fees" else {name: value}

        config = read_config(text({section: whole}), Registry(), file="a.json")

        assert getattr(config.rules(), RULES[place]) == value


@pytest.mark.parametrize("data", VALID.values(), ids=VALID.keys())
def test_what_is_kept_is_valid_too(data):
    config = read_config(data, Registry(), file="a.json")

    assert list(VALIDATOR.iter_errors(json.loads(msgspec.json.encode(config)))) == []
    assert list(VALIDATOR.iter_errors(json.loads(json.dumps(as_dict(config))))) == []
    assert isinstance(from_dict(as_dict(config)), BotConfig)
