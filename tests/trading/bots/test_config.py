"""Configurations of bots: what is taken, what is refused by the name of its field, and what stays of one that is kept."""

import json
import re
from decimal import Decimal
from pathlib import Path

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from market.errors import InputError
from tests.trading.bots.files import BROKEN, GOOD, VALID, raw, text
from trading.bots.config import BotConfig, ConfigError, Fees, Stops, as_dict, digest, from_dict, read_config
from trading.bots.sections import TIMEFRAMES
from trading.fills import Slippage
from trading.registry import Registry
from trading.rules import FillAt, Rules, Sizing

REGISTRY = Registry()
ROOT = Path(__file__).parents[3]


def read(data: bytes, registry: Registry = REGISTRY) -> BotConfig:
    return read_config(data, registry, file="config/bots/a.json")


def problems(data: bytes, registry: Registry = REGISTRY) -> list[str]:
    with pytest.raises(ConfigError) as error:
        read(data, registry)
    assert str(error.value).startswith("config/bots/a.json: ")
    return [str(problem) for problem in error.value.problems]


def test_there_are_fifty_of_each():
    assert (len(VALID), len(set(VALID.values()))) == (50, 50)
    assert len(BROKEN) >= 50


@pytest.mark.parametrize("data", VALID.values(), ids=VALID.keys())
def test_a_file_that_can_be_used_is_read_and_stays_what_it_is(data):
    config = read(data)

    assert isinstance(config.rules(), Rules)
    again = from_dict(json.loads(json.dumps(as_dict(config))))
    assert (again, digest(again)) == (config, digest(config))


@pytest.mark.parametrize(("data", "fields"), BROKEN.values(), ids=BROKEN.keys())
def test_a_broken_file_is_refused_with_each_field_that_is_wrong_and_no_other(data, fields):
    with pytest.raises(ConfigError) as error:
        read(data)

    found = error.value.problems
    assert sorted(problem.field for problem in found) == sorted(fields)
    assert all(problem.expected and problem.found for problem in found)
    assert "\n" not in str(error.value)


def test_a_good_file_says_what_it_says():
    config = read(
        text(
            sizing={"kind": "value", "size": 500, "short": True},
            orders={"fill_at": "close", "limit_offset": 0.01, "limit_bars": 2, "volume_share": 0.5},
            fees={"maker": -0.0001, "taker": 0.0005},
            slippage={"kind": "basis-points", "amount": 2},
            stops={"stop_loss": 0.05, "time_exit": 9},
            protections={"guard_stops": 3, "guard_within_bars": 10, "guard_pause_bars": 4, "daily_loss": 0.1},
        )
    )

    assert config.rules() == Rules(
        sizing=Sizing.VALUE, size=500.0, short=True, fill_at=FillAt.CLOSE, limit_offset=0.01, limit_bars=2, volume_share=0.5,
        maker_fee=-0.0001, taker_fee=0.0005, slippage=Slippage.BASIS_POINTS, slippage_amount=2.0, stop_loss=0.05, time_exit=9,
        guard_stops=3, guard_within_bars=10, guard_pause_bars=4, daily_loss=0.1,
    )  # fmt: skip
    assert (config.width.width_us, config.quote, config.balance) == (3_600_000_000, "USDT", Decimal(10_000))


def test_without_a_word_of_them_fees_are_those_of_the_venue_and_no_more_is_filled_than_was_traded():
    rules = read(text(symbols=["KRAKEN:BTC-USD", "OKX:BTC-USD"])).rules()

    assert rules == Rules(maker_fee=0.0025, taker_fee=0.004, volume_share=1.0)


def test_a_balance_stays_as_it_was_written():
    assert read(raw("balance", "0.3")).balance == Decimal("0.3")
    assert str(read(text(balance="10000.10")).balance) == "10000.10"
    assert as_dict(read(raw("balance", "10000.10")))["balance"] == "10000.10"


@pytest.mark.parametrize("balance", ["10000", "10000.0", "1e4", '"10000"', '"10000.00"'])
def test_equal_balances_have_one_digest(balance):
    assert digest(read(raw("balance", balance))) == digest(read(text()))


def test_a_digest_tells_what_differs():
    files = [text(), text(balance=10_001), text(name="x"), text(parameters={"fast": 5}), text(stops={"stop_loss": 0.1})]

    assert len({digest(read(data)) for data in files}) == len(files)


@pytest.mark.parametrize(
    ("data", "sentence"),
    [
        (text(stops={"stop_loss": "5%"}), "stops.stop_loss: expected a number from 0 to 0.999, found '5%'"),
        (text(stops={"stoploss": 1}),
         ("stops.stoploss: expected one of the fields stop_loss, take_profit, trailing_stop, time_exit, "
          "found an unknown one; did you mean 'stop_loss'?")),
        (text(orders={"volume_share": 0}), "orders.volume_share: expected a number above 0, up to 1, found 0"),
        (text(timeframe="6h"), "timeframe: expected one of 1m, 5m, 15m, 30m, 1h, 4h, 12h, 1d, 1w, found '6h'; did you mean '4h'?"),
        (text(mode="live"), "mode: expected paper, found 'live'"),
        (text(fees=3), "fees: expected an object with maker, taker or null, found 3"),
        (text(without="id"), "id: expected 1 to 63 lower-case letters, digits, - and _, a letter or digit first, found nothing"),
        (text(symbols=["OKX:A-B", "OKX:A-C"]),
         "symbols[1]: expected a symbol paid in B as OKX:A-B is, since the symbols of a bot share its cash, found 'OKX:A-C'"),
        (text(symbols=["OKX:A-B", "OKX:A-B"]), "symbols[1]: expected each symbol once, found 'OKX:A-B' as in symbols[0]"),
        (text(parameters={"fast": 30}), "parameters.fast: expected less than slow, which is 26, found 30"),
        (text(parameters={"fst": 3}),
         "parameters.fst: expected one of the parameters fast, slow, short, found an unknown one; did you mean 'fast'?"),
        (text(parameters={"fast": [3]}), "parameters.fast: expected a number, a text, true or false, found a list"),
        (text(name="x" * 101), f"name: expected a text of 100 characters at most, found '{'x' * 59}…"),
        (raw("sizing", '{"size": NaN}'), "sizing.size: expected a number, found NaN"),
        (raw("name", '"\\n", "id": "b"'), "id: expected each field once, found it more than once"),
        (b"{\n  'id': 1}",
         "expected JSON, found what is none in line 2, column 3: Expecting property name enclosed in double quotes"),
        (b'{"id":\n"\xfc"}', "expected text in UTF-8, found byte 0xfc in line 2, which is none"),
        (b"[]", "expected an object, { … }, found a list without anything in it"),
    ],
)  # fmt: skip
def test_a_problem_is_told_in_one_sentence(data, sentence):
    assert sentence in problems(data)


def test_an_unknown_strategy_is_told_with_what_was_meant_and_with_files_that_are_not_read(tmp_path):
    (tmp_path / "mine.py").write_text("class Mine(:\n")

    (told,) = problems(text(strategy="ema_kros"), Registry(tmp_path))

    assert re.search(r"found 'ema_kros'; did you mean 'ema_cross'\?; not read: .*mine\.py, line 1: SyntaxError", told)


STRATEGY = """
from trading import BaseStrategy
class Moody(BaseStrategy):
    def __init__(self, parameters):
        super().__init__(parameters)
        self.depth = self.number("depth", 1.0)
        self.mood = self.choice("mood", "calm", choices=("calm", "wild", "absent"))
        if self.mood == "wild":
            raise RuntimeError("not today")
    @property
    def lookback(self):
        return 0 if self.mood == "absent" else 1
    def targets(self, data):
        return [0.0] * len(data)
"""


@pytest.mark.parametrize(
    ("mood", "sentence"),
    [
        ("wild", "parameters: expected parameters with which the strategy can be made, found RuntimeError: not today"),
        ("absent", ("parameters: expected parameters with which the strategy looks back over a bar or more, "
                    "found those with which it looks back over 0")),
        ("clam", "parameters.mood: expected one of calm, wild, absent, found 'clam'; did you mean 'calm'?"),
    ],
)  # fmt: skip
def test_a_strategy_of_the_user_that_raises_is_a_problem_of_its_parameters(tmp_path, mood, sentence):
    (tmp_path / "moody.py").write_text(STRATEGY)

    assert problems(text(strategy="moody", parameters={"mood": mood}), Registry(tmp_path)) == [sentence]


@pytest.mark.parametrize("depth", ["1e300", "-5.0", "1e19"])
def test_parameters_of_any_size_are_kept(tmp_path, depth):
    (tmp_path / "moody.py").write_text(STRATEGY)
    data = text(strategy="moody").replace(b'"moody"', f'"moody", "parameters": {{"depth": {depth}}}'.encode())

    config = read(data, Registry(tmp_path))

    assert config.parameters == {"depth": float(depth)}
    assert read(msgspec.json.encode(config), Registry(tmp_path)) == config


def test_a_whole_number_of_more_than_64_bits_is_refused(tmp_path):
    (tmp_path / "moody.py").write_text(STRATEGY)

    (told,) = problems(text(strategy="moody", parameters={"depth": 2**63}), Registry(tmp_path))

    assert told == f"parameters.depth: expected a number that is not so large, found {2**63}"


@pytest.mark.parametrize(("symbol", "quote"), [("OKX:BTC-USDT", "USDT"), ("BINANCEUSDM:BTC-USD-240927", "USD")])
def test_the_cash_is_in_the_quote_currency(symbol, quote):
    assert read(text(symbols=[symbol])).quote == quote


@pytest.mark.parametrize(
    ("data", "bot"),
    [(text(balance=0), "a-bot"), (text(id="A", balance=0), None), (raw("name", '"x", "id": "b"'), None), (b"", None)],
)
def test_a_broken_file_says_which_bot_it_means_to_be_where_that_is_clear(data, bot):
    with pytest.raises(ConfigError) as error:
        read(data)

    assert error.value.id == bot


def test_all_that_is_wrong_is_told_at_once():
    data = text(id="A", stops={"stop_loss": 2}, fees={"maker": 1}, parameters={"fast": 0}, symbols=["X", "OKX:A-B", "OKX:A-C"])

    fields = [line.partition(":")[0] for line in problems(data)]

    assert sorted(fields) == sorted(
        ["id", "stops.stop_loss", "fees.maker", "fees.taker", "parameters.fast", "symbols[0]", "symbols[2]"]
    )


def test_what_is_stored_and_is_no_configuration_is_refused():
    with pytest.raises(InputError, match=r"the configuration of a bot cannot be used: .*`\$\.stops`"):
        from_dict({**GOOD, "stops": 3})


def configs() -> st.SearchStrategy[bytes]:
    """Return files that can be used, of any fields."""
    fractions = st.floats(0, 0.999)
    bars = st.integers(0, 10**18)
    sizing = st.fixed_dictionaries(
        {},
        optional={
            "kind": st.sampled_from(["fraction", "value", "volatility"]),
            "size": st.floats(0, 1e18),
            "short": st.booleans(),
            "leverage": st.floats(0.01, 100),
            "volatility_bars": st.integers(2, 10**6),
        },
    )
    pairs = st.lists(st.sampled_from("ABCDEFGH"), min_size=1, unique=True)
    balances = st.decimals(min_value="0.01", max_value=10**12, places=2)
    return st.builds(
        lambda **fields: json.dumps(fields).encode(),
        id=st.from_regex(r"\A[a-z0-9][a-z0-9_-]{0,62}\Z"),
        name=st.text(st.characters(categories=("L", "N", "P", "Zs")), max_size=100),
        strategy=st.just("ema_cross"),
        parameters=st.fixed_dictionaries({}, optional={"fast": st.integers(1, 25), "slow": st.integers(26, 1_000)}),
        symbols=pairs.map(lambda names: [f"OKX:{name}-USDT" for name in names]),
        timeframe=st.sampled_from(TIMEFRAMES),
        balance=st.one_of(balances.map(str), balances.map(float)),
        autostart=st.booleans(),
        sizing=sizing,
        fees=st.none() | st.fixed_dictionaries({"maker": st.floats(-0.01, 0.1), "taker": st.floats(0, 0.1)}),
        stops=st.fixed_dictionaries({}, optional={"stop_loss": fractions, "take_profit": st.floats(0, 1_000), "time_exit": bars}),
        protections=st.fixed_dictionaries({}, optional={"max_drawdown": fractions, "guard_stops": bars}),
    )


@given(configs())
def test_any_configuration_survives_being_kept_and_has_the_same_digest(data):
    config = read(data)

    for again in (read(msgspec.json.encode(config)), from_dict(json.loads(json.dumps(as_dict(config))))):
        assert again == config
        assert digest(again) == digest(config)


@given(st.binary(max_size=60) | st.text(max_size=60).map(str.encode))
def test_any_bytes_are_refused_with_reasons(data):
    with pytest.raises(ConfigError) as error:
        read(data)

    assert error.value.problems


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=6,
)


@given(st.dictionaries(st.sampled_from(BotConfig.__struct_fields__), JSON, min_size=1))
def test_any_value_in_any_field_is_refused_by_its_path_or_taken(fields):
    data = json.dumps({**GOOD, **fields}).encode()

    try:
        config = read(data)
    except ConfigError as error:
        assert {re.split(r"[.\[]", problem.field)[0] for problem in error.problems} <= {*fields, "symbols"}  # noqa: PT017
    else:
        assert digest(read(msgspec.json.encode(config))) == digest(config)


def test_a_configuration_can_be_made_in_code():
    config = BotConfig(
        id="x",
        strategy="rsi",
        symbols=["OKX:BTC-USDT"],
        balance=Decimal(5),
        fees=Fees(maker=0, taker=0),
        stops=Stops(stop_loss=0.5),
    )

    assert read(msgspec.json.encode(config)) == config


@pytest.mark.parametrize("path", sorted(ROOT.joinpath("config", "bots").glob("*.json")), ids=lambda path: path.name)
def test_the_shipped_files_can_be_used_and_come_with_an_installation(path: Path):
    config = read(path.read_bytes())

    assert not config.autostart  # those of the demo are started by it, as their venue is the generated one
    assert ROOT.joinpath("cli", "bots_example", path.name).read_bytes() == path.read_bytes()


def test_the_example_names_every_field():
    example = json.loads(ROOT.joinpath("config", "bots", "_example.json").read_text())
    config = read(text())

    assert list(example) == list(BotConfig.__struct_fields__)
    for name, section in as_dict(config).items():
        if isinstance(section, dict) and section:
            assert list(example[name]) == list(section), name
