from pathlib import Path

import pytest

from settings import load_settings
from settings.load import BadSettings


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


def test_every_setting_has_a_description():
    def fields(model):
        for name, field in model.model_fields.items():
            yield name, field
            if hasattr(field.annotation, "model_fields"):
                yield from fields(field.annotation)

    from settings import Settings

    undescribed = [n for n, f in fields(Settings) if not f.description and not hasattr(f.annotation, "model_fields")]
    assert undescribed == []
