"""Settings of the pages: what is refused, and that no secret is shown."""

from pathlib import Path

import pytest

from settings import load_settings
from settings.load import BadSettings
from settings.pages import is_loopback

HASH = f"scrypt:15:8:3:{'a' * 22}:{'b' * 43}"
PROVIDER = {
    "TCPDASH_APP__OIDC__CLIENT_ID": "dash",
    "TCPDASH_APP__OIDC__CLIENT_SECRET": "hunter2",
    "TCPDASH_APP__OIDC__SERVER_METADATA_URL": "https://id.example.org/.well-known/openid-configuration",
    "TCPDASH_APP__OIDC__OPERATORS": "ada@example.org,sub-1",
    "TCPDASH_APP__PUBLIC_URL": "https://Dash.example.org/",
}


@pytest.mark.parametrize(
    ("environment", "sentence"),
    [
        ({"TCPDASH_APP__ADDRESS": "dash.example.org"}, "expected an IP address of this computer"),
        ({"TCPDASH_APP__ADDRESS": ""}, "expected an IP address of this computer"),
        ({"TCPDASH_APP__PUBLIC_URL": "https://dash.example.org/path"}, "expected an address without path"),
        ({"TCPDASH_APP__PUBLIC_URL": "dash.example.org"}, "expected an address without path"),
        ({"TCPDASH_APP__USERS__ADA__ROLE": "viewer"}, "setting 'app.users.ada.password_hash': Field required"),
        ({"TCPDASH_APP__USERS__ADA__PASSWORD_HASH": "hunter2"}, "scrypt:15:8:3:SALT:HASH; found ***"),
        ({"TCPDASH_APP__USERS__ADA__PASSWORD_HASH": HASH.replace("15", "10")}, "scrypt:15:8:3:SALT:HASH; found ***"),
        ({"TCPDASH_APP__USERS__ADA__PASSWORD_HASH": HASH, "TCPDASH_APP__USERS__ADA__ROLE": "root"}, "'viewer' or 'operator'"),
        ({"TCPDASH_APP__USERS__A B__PASSWORD_HASH": HASH}, "expected names of letters, digits"),
        ({"TCPDASH_APP__COOKIE_SECRET": "hunter2"}, "found ***"),
        ({"TCPDASH_APP__SESSION_HOURS": "0"}, "greater than or equal to 0.05"),
        ({**PROVIDER, "TCPDASH_APP__PUBLIC_URL": ""}, "app.oidc needs app.public_url"),
        ({**PROVIDER, "TCPDASH_APP__OIDC__CLIENT_SECRET": ""}, "expected client_id, client_secret and server_metadata_url"),
        ({**PROVIDER, "TCPDASH_APP__OIDC__OPERATORS": ""}, "without them nobody gets in"),
        (
            {**PROVIDER, "TCPDASH_APP__OIDC__SERVER_METADATA_URL": "http://id.example.org/x"},
            "expected an address like https://PROVIDER",
        ),
    ],
)
def test_what_cannot_be_used_is_told_without_a_secret(environment: dict[str, str], sentence: str):
    with pytest.raises(BadSettings) as error:
        load_settings(environment={"TCPDASH_CONFIG": "", **environment})

    assert sentence in str(error.value)
    assert "hunter2" not in str(error.value)
    assert "aaaa" not in str(error.value)


def test_people_and_a_provider_are_read_and_their_secrets_hidden():
    app = load_settings(environment={"TCPDASH_CONFIG": "", **PROVIDER, "TCPDASH_APP__USERS__ADA__PASSWORD_HASH": HASH}).app

    assert (app.asks, app.published, app.public_url) == (True, True, "https://dash.example.org")
    assert (app.users["ada"].role, app.oidc.operators) == ("operator", ("ada@example.org", "sub-1"))
    assert "hunter2" not in f"{app!r} {app.model_dump_json()}"
    assert HASH not in f"{app!r} {app.model_dump_json()}"


def test_a_file_may_name_people_too(tmp_path: Path):
    file = tmp_path / "t.toml"
    file.write_text(f'[app.users.Ada]\npassword_hash = "{HASH}"\nrole = "viewer"\n')

    assert {name: person.role for name, person in load_settings(file, {}).app.users.items()} == {"ada": "viewer"}


@pytest.mark.parametrize(
    ("address", "loopback"),
    [("127.0.0.1", True), ("127.8.8.8", True), ("::1", True), ("[::1]", True), ("localhost", True), ("LOCALHOST", True),
     ("0.0.0.0", False), ("::", False), ("192.168.1.2", False), ("localhost.example", False), ("", False), ("127.1", False)],
)  # fmt: skip
def test_loopback_is_this_computer_alone(address: str, loopback: bool):
    assert is_loopback(address) is loopback
