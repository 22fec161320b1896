"""Hashes of passwords."""

import pytest

from app.sign_in import passwords
from app.sign_in.passwords import decoy, hash_password, is_password
from market.errors import InputError
from settings.pages import PASSWORD_HASH
from tests.app.sign_in.served import PASSWORD, hashed


def test_only_the_password_itself_fits_its_hash():
    assert is_password(PASSWORD, hashed())
    for other in ("", PASSWORD.upper(), PASSWORD + " ", PASSWORD[:-1], hashed()):
        assert not is_password(other, hashed())


def test_the_same_password_has_another_hash_each_time_and_settings_take_it():
    again = hash_password(PASSWORD)

    assert again != hashed()
    assert PASSWORD_HASH.fullmatch(again)
    assert not set(again) & set("$'\"\\ `")  # what a shell or Docker Compose reads as theirs


def test_it_is_scrypt_as_everybody_knows_it(monkeypatch: pytest.MonkeyPatch):
    # The second vector of RFC 7914 has N=1024, r=8, p=16.
    found = passwords._scrypt("password", b"NaCl", 10, 8, 16)

    assert found.hex() == "fdbabe1c9d3472007856e7190d01e9fe7c6ad7cbc8237830e77376634b373162"


def test_one_letter_written_in_two_ways_is_one_letter():
    composed, decomposed = "caf\u00e9 au lait tous les jours", "cafe\u0301 au lait tous les jours"

    assert is_password(decomposed, hash_password(composed))


@pytest.mark.parametrize("length", [0, 11, 1025])
def test_a_password_that_is_too_short_or_too_long_is_refused(length: int):
    with pytest.raises(InputError, match=f"12 to 1024 characters, this one has {length}"):
        hash_password("x" * length)


def test_a_decoy_takes_as_long_as_what_it_is_like_and_no_password_fits():
    slow = hashed().replace(":3:", ":4:", 1)

    assert decoy(slow).startswith("scrypt:15:8:4:")
    assert PASSWORD_HASH.fullmatch(decoy(None))
    assert not is_password(PASSWORD, decoy(hashed()))


def test_text_that_is_no_unicode_is_a_wrong_password():
    assert not is_password("\udc80" * 12, hashed())
