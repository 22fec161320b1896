"""Settings: the file, the environment over it, and what is said of what cannot be used."""

import re
from pathlib import Path

import pytest

from exchanges import VENUES, Synthetic
from settings import load_settings
from settings.load import BadSettings
from settings.tree import Bots, Stream, Venue


def test_defaults_need_no_file():
    settings = load_settings(environment={"TCPDASH_CONFIG": ""}, path=None) if not Path("config/tcpdash.toml").exists() else None

    assert settings is None or settings.database.url is None


def test_the_environment_wins_over_the_file(tmp_path: Path):
    file = tmp_path / "t.toml"
    file.write_text('[stream]\nexchange = "okx"\nsymbols = ["A-B"]\n')

    settings = load_settings(file, {"TCPDASH_STREAM__SYMBOLS": "BTC-USDT, ETH-USDT", "TCPDASH_HOME": str(tmp_path)})

    assert settings.stream.symbols == ("BTC-USDT", "ETH-USDT")
    assert settings.stream.exchange == "okx"
    assert settings.home == tmp_path


@pytest.mark.parametrize(
    ("text", "environment", "sentence"),
    [
        ("[strem]\n", {}, "setting 'strem' does not exist; did you mean 'stream'?"),
        ("[stream]\nsymbol = ['A-B']\n", {}, "setting 'stream.symbol' does not exist; did you mean 'symbols'?"),
        ("", {"TCPDASH_HOMEE": "x"}, "TCPDASH_HOMEE names no setting; did you mean 'home'?"),
        ("", {"TCPDASH_APP__PORT": "99999"}, "(from TCPDASH_APP__PORT): Input should be less than or equal to 65535"),
        ("", {"TCPDASH_REDIS__URL": "localhost:6379"}, "setting 'redis.url' (from TCPDASH_REDIS__URL): expected an address like redis://"),
        ("[venues.kraken]\nchanel = 'trade'\n", {}, "setting 'venues.kraken.chanel' does not exist; did you mean 'channel'?"),
        ("", {"TCPDASH_VENUES__KRAKEN__MOOD": "x"}, "names no setting; there are stream_url, rest_url, channel"),
        ("", {"TCPDASH_VENUES__BYBIT__REST_URL": "api.bybit.com"}, "expected an address like https://host"),
        ("", {"TCPDASH_BOTS__MAX_DAILY_LOSS": "5"}, "(from TCPDASH_BOTS__MAX_DAILY_LOSS): Input should be less than or equal to 1"),
        ("[bots]\nmost = 0\n", {}, "setting 'bots.most': Input should be greater than or equal to 1; found 0"),
        ("stream = 3\n", {}, "setting 'stream': Input should be a valid dictionary or instance of Stream; found 3"),
        ("not toml", {}, "is not TOML"),
    ],
)  # fmt: skip
def test_what_cannot_be_used_is_told_in_one_sentence(tmp_path: Path, text: str, environment: dict[str, str], sentence: str):
    file = tmp_path / "t.toml"
    file.write_text(text)

    with pytest.raises(BadSettings) as error:
        load_settings(file, environment)

    assert sentence in str(error.value)
    assert "\n" not in str(error.value)


def test_a_password_is_never_shown(tmp_path: Path):
    with pytest.raises(BadSettings) as error:
        load_settings(None, {"TCPDASH_DATABASE__URL": "mysql://me:hunter2@host/x"})

    assert "hunter2" not in str(error.value)
    good = load_settings(None, {"TCPDASH_DATABASE__URL": "postgresql://me:hunter2@host/x"})
    assert "hunter2" not in repr(good)


def test_a_missing_file_that_was_named_is_an_error(tmp_path: Path):
    with pytest.raises(BadSettings, match="does not exist; give another with TCPDASH_CONFIG"):
        load_settings(environment={"TCPDASH_CONFIG": str(tmp_path / "none.toml")})


def test_the_examples_of_the_settings_file_are_the_venues_own_addresses_and_channels(tmp_path: Path):
    examples = Path(__file__).parents[2].joinpath("config", "tcpdash.toml").read_text()
    file = tmp_path / "t.toml"
    file.write_text(re.sub(r"^# (\[venues\.|channel =|stream_url =|rest_url =)", r"\1", examples, flags=re.MULTILINE))

    settings = load_settings(file, {})

    assert {name.upper(): (one.channel, one.stream_url, one.rest_url) for name, one in settings.venues.items()} == {
        name: (venue.channels[0], venue.home.stream, venue.home.rest) for name, venue in VENUES.items() if venue is not Synthetic
    }


def test_descriptions_name_every_venue_and_channel():
    exchange, channel = Stream.model_fields["exchange"].description, Venue.model_fields["channel"].description

    for name, venue in VENUES.items():
        assert re.search(rf"\b{name.lower()}\b", exchange), name
        assert re.search(rf"{', '.join(venue.channels)} \([^)]*\b{name.lower()}\b", channel), name


def test_every_setting_has_a_description():
    def fields(model):
        for name, field in model.model_fields.items():
            yield name, field
            if hasattr(field.annotation, "model_fields"):
                yield from fields(field.annotation)

    from settings import Settings

    undescribed = [n for n, f in fields(Settings) if not f.description and not hasattr(f.annotation, "model_fields")]
    assert undescribed == []


def test_the_examples_of_the_settings_file_for_bots_are_the_defaults(tmp_path: Path):
    examples = Path(__file__).parents[2].joinpath("config", "tcpdash.toml").read_text()
    section = examples[examples.index("# [bots]") : examples.index("# [app]")]
    file = tmp_path / "t.toml"
    file.write_text(section.replace("# [bots]", "[bots]").replace("\n# ", "\n"))

    bots = load_settings(file, {}).bots

    assert bots.model_fields_set == set(Bots.model_fields)
    assert bots == Bots()


def test_bots_are_found_and_bounded_as_the_environment_says():
    bots = load_settings(None, {"TCPDASH_BOTS__FOLDER": "/srv/bots", "TCPDASH_BOTS__MAX_DAILY_LOSS": "0.05"}).bots

    assert (bots.folder, bots.most, bots.max_daily_loss, bots.max_exposure) == (Path("/srv/bots"), 2_000, 0.05, 0.0)


@pytest.mark.parametrize("urls", ["nothing", "telegram:hunter2", "json://a,hunter2", '["json://hunter2"', '["json://a", 3]'])
def test_an_address_of_alerts_that_is_none_is_refused_and_not_shown(urls: str):
    with pytest.raises(BadSettings, match=r"setting 'alerts.urls(\.1)?'.*: .*(expected addresses|Input should)") as error:
        load_settings(None, {"TCPDASH_ALERTS__URLS": urls})

    assert "hunter2" not in str(error.value)


def test_addresses_of_alerts_are_secrets_and_may_have_commas_in_a_list():
    settings = load_settings(None, {"TCPDASH_ALERTS__URLS": '["mailto://me:hunter2@host?to=a,b", "json://c/hunter2"]'})

    assert [url.get_secret_value() for url in settings.alerts.urls] == ["mailto://me:hunter2@host?to=a,b", "json://c/hunter2"]
    assert "hunter2" not in repr(settings)


def test_a_kind_of_alerts_that_there_is_not_is_told_with_those_that_there_are():
    with pytest.raises(BadSettings, match=r"setting 'alerts.kinds.1'.*'parked', 'stop-hit', .* or 'quality'; found 'holes'"):
        load_settings(None, {"TCPDASH_ALERTS__KINDS": "parked,holes"})
