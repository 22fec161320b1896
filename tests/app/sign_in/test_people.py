"""Who may come in, and as what."""

from pathlib import Path
from typing import Any

import pytest

from app.sign_in.passwords import hash_password
from app.sign_in.people import Identity, People
from app.sign_in.user import Role, User
from tests.app.sign_in.served import PASSWORD, hashed, settings_of

OIDC = {
    "client_id": "dash",
    "client_secret": "s3cret",
    "server_metadata_url": "https://id.example.org/.well-known/openid-configuration",
    "operators": ["Ada@Example.org", "sub-1"],
    "viewers": ["vic@example.org", "boss@example.org"],
}


def people(tmp_path: Path, **app: Any) -> People:
    return People(settings_of(tmp_path, **{"oidc": OIDC, "public_url": "https://dash.example.org", **app}).app, "secret")


def test_a_name_and_its_password_make_a_user(tmp_path: Path):
    known = people(tmp_path)
    ada, vic = known.by_password("ada", PASSWORD), known.by_password("vic", PASSWORD)

    assert known.user(ada) == User(name="ada", role=Role.OPERATOR)
    assert known.user(vic) == User(name="vic", role=Role.VIEWER)


@pytest.mark.parametrize(("name", "password"), [("ada", "wrong"), ("eve", PASSWORD), ("", ""), ("ada@example.org", PASSWORD)])
def test_anything_else_is_nobody(tmp_path: Path, name: str, password: str):
    assert people(tmp_path).by_password(name, password) is None


def test_a_name_that_nobody_has_costs_as_much(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    known, tried = people(tmp_path), []
    monkeypatch.setattr("app.sign_in.people.is_password", lambda _, against: bool(tried.append(against)))

    known.by_password("eve", "x")
    known.by_password("ada", "x")

    assert [text.split(":")[:4] for text in tried] == [hashed().split(":")[:4]] * 2


def test_who_is_removed_or_has_a_new_password_is_nobody_from_then_on(tmp_path: Path):
    ada = people(tmp_path).by_password("ada", PASSWORD)
    gone = people(tmp_path, users={"vic": {"password_hash": hashed()}})
    changed = people(tmp_path, users={"ada": {"password_hash": hash_password(PASSWORD)}})

    assert gone.user(ada) is None
    assert changed.user(ada) is None


def test_a_role_is_that_of_the_settings_of_now(tmp_path: Path):
    ada = people(tmp_path).by_password("ada", PASSWORD)
    lowered = people(tmp_path, users={"ada": {"password_hash": hashed(), "role": "viewer"}})

    assert lowered.user(ada).role is Role.VIEWER


@pytest.mark.parametrize(
    ("claims", "who"),
    [
        ({"email": "ada@example.org", "email_verified": True, "sub": "9"}, User(name="ada@example.org", role=Role.OPERATOR)),
        ({"email": "VIC@example.org", "email_verified": True, "sub": "9"}, User(name="vic@example.org", role=Role.VIEWER)),
        ({"email": "x@example.org", "email_verified": True, "sub": "sub-1"}, User(name="sub-1", role=Role.OPERATOR)),
        ({"sub": "sub-1"}, User(name="sub-1", role=Role.OPERATOR)),
        ({"email": "ada@example.org", "email_verified": False, "sub": "9"}, None),
        ({"email": "ada@example.org", "email_verified": "true", "sub": "9"}, None),
        ({"email": "ada@example.org", "sub": "9"}, None),
        ({"email": ["ada@example.org"], "email_verified": True, "sub": ["sub-1"]}, None),
        ({"sub": "SUB-1"}, None),
        ({"sub": "boss@example.org"}, None),  # a subject that looks like an address
        ({"email": "sub-1", "email_verified": True, "sub": "9"}, None),
        ({"sub": "ada"}, None),  # the name of somebody with a password
        ({}, None),
    ],
)
def test_a_provider_vouches_for_verified_addresses_and_subjects(tmp_path: Path, claims: dict[str, Any], who: User | None):
    known = people(tmp_path)
    found = known.by_claims(claims)

    assert (None if found is None else known.user(found)) == who


def test_a_proof_is_needed_of_who_has_a_password(tmp_path: Path):
    assert people(tmp_path).user(Identity("password", "ada", "")) is None
    assert people(tmp_path).user(Identity("subject", "ada", "")) is None
