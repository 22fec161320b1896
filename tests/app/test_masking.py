"""No secret is shown in what somebody else wrote."""

import pytest

from app.masking import Mask


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("url=postgresql://me:hunter22@here/app", "url=postgresql://***@here/app"),
        ("connected as hunter22 again", "connected as *** again"),
        ("password=abc next", "password=*** next"),
        ('{"api_key": "abc", "x": 1}', '{"api_key": "***", "x": 1}'),
        ("Authorization: Bearer abc.def", "Authorization: ***"),
        ("telegram_token: 12:ab", "telegram_token: ***"),
        ("DB_PASSWORD=abc", "DB_PASSWORD=***"),
        ("x-api-key:abc", "x-api-key:***"),
        ("my-token:abc", "my-token:***"),
        ("tokens: abc", "tokens: ***"),
        ("GET https://here/x?token=abc&y=1", "GET https://here/x?token=***&y=1"),
        ("3 tokens of a bucket; gap symbol=OKX:BTC-USDT", "3 tokens of a bucket; gap symbol=OKX:BTC-USDT"),
    ],
)
def test_secrets_are_hidden_and_the_rest_stays(text: str, shown: str):
    assert Mask(["hunter22"])(text) == shown


def test_without_known_secrets_addresses_are_still_without_logins():
    assert Mask([])("redis://:a@b@here and hunter22") == "redis://***@here and hunter22"


@pytest.mark.timeout(30)  # it takes a second; where the time grew with the square it would be minutes
@pytest.mark.parametrize("part", ["a-", "token", "token-"])
def test_no_text_of_a_stranger_takes_long_to_mask(part: str):
    text = part * 200_000

    assert Mask([])(f"{text}\npassword=abc") == f"{text}\npassword=***"
