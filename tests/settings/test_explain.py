"""Settings one by one: where each comes from, and nothing that is secret."""

from pathlib import Path

import pytest

from settings import load_settings
from settings.explain import explain, secrets_of, without_logins

PASSWORD, TOKEN = "p4ssw0rd", "110201543:AAHdqTcvCH1vGWJxfSeofSAs0K5PALDsaw"


@pytest.fixture
def file(tmp_path: Path) -> Path:
    file = tmp_path / "t.toml"
    file.write_text(
        f'[stream]\nexchange = "okx"\n[venues.OKX]\nrest_url = "https://me:{PASSWORD}@there?token=abc&x=1"\n'
        f'[database]\nurl = "postgresql://me:{PASSWORD}@there/app"\n[alerts]\nurls = ["tgram://{TOKEN}/-100"]\n'
    )
    return file


def told(file: Path, environment: dict[str, str], now: dict[str, str] | None = None) -> dict:
    settings = load_settings(file, environment)
    return {each.name: each for each in explain(settings, file, environment if now is None else now)}


def test_each_says_where_it_comes_from_and_what_it_means(file):
    found = told(file, {"TCPDASH_BOTS__MOST": "7"})

    assert (found["bots.most"].value, found["bots.most"].source) == ("7", "TCPDASH_BOTS__MOST")
    assert (found["stream.exchange"].value, found["stream.exchange"].source) == ("okx", str(file))
    assert (found["stream.symbols"].value, found["stream.symbols"].source) == ("BTC-USDT, ETH-USDT", "default")
    assert found["venues.okx.rest_url"].source == str(file)
    assert found["app.port"].description.startswith("port of the pages")
    assert all(each.pending is None for each in found.values())


def test_secrets_are_set_or_not_and_addresses_have_no_logins(file):
    found = told(file, {})

    assert (found["database.url"].value, found["redis.url"].value, found["alerts.urls"].value) == ("set", "not set", "1 set")
    assert found["venues.okx.rest_url"].value == "https://***@there?token=***&x=1"
    assert PASSWORD not in str(found)
    assert TOKEN not in str(found)


def test_what_changed_since_the_start_waits_for_a_restart(file):
    found = told(file, {}, {"TCPDASH_BOTS__MOST": "7", "TCPDASH_DATABASE__URL": "postgresql://other:word@there/app"})

    assert (found["bots.most"].value, found["bots.most"].pending) == ("2000", "7")
    assert (found["database.url"].value, found["database.url"].pending) == ("set", "set, another one")
    assert found["redis.url"].pending is None


def test_the_secret_texts_are_whole_settings_passwords_and_tokens(file):
    found = secrets_of(load_settings(file, {}))

    assert f"postgresql://me:{PASSWORD}@there/app" in found
    assert {PASSWORD, TOKEN.partition(":")[2]} <= set(found)
    assert found == sorted(found, key=len, reverse=True)
    assert secrets_of(load_settings(Path("/dev/null"), {"TCPDASH_REDIS__URL": "redis://:pw@here"})) == ["redis://:pw@here"]


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("at postgresql://me:it@here/app: no", "at postgresql://***@here/app: no"),
        ("redis://:a@b@here:1/0", "redis://***@here:1/0"),
        ("https://here/x?api_key=1&y=2#z", "https://here/x?api_key=***&y=2#z"),
        ("https://here/x?y=1&a?my_token?b=1&z=2", "https://here/x?y=1&a?my_token?b=***&z=2"),
        ("mail me@here or https://here/@x", "mail me@here or https://here/@x"),
    ],
)
def test_a_text_is_told_without_the_logins_of_its_addresses(text, shown):
    assert without_logins(text) == shown


@pytest.mark.timeout(30)  # it takes a moment; where the time grew with the square it would be minutes
@pytest.mark.parametrize("part", ["?", "?a", "?token", "&key"])
def test_no_text_of_a_stranger_takes_long_to_mask(part: str):
    text = part * 100_000

    assert without_logins(f"{text} http://here/x?token=abc") == f"{text} http://here/x?token=***"


@pytest.mark.timeout(30)
def test_an_option_without_an_end_takes_not_long_to_mask():
    text = "?" + "token" * 100_000

    assert without_logins(text) == text
