"""Text of users is never markup."""

import pytest

from app.markdown import escaped


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("ema-btc", r"ema\-btc"),
        ("[x](http://y)", r"\[x\]\(http\:\/\/y\)".replace(r"\/", "/")),
        ("a\n# b", r"a \# b"),
        (":red[x] $1$ <b>", r"\:red\[x\] \$1\$ \<b\>"),
    ],
)
def test_marks_are_shown_as_they_are(text: str, shown: str):
    assert escaped(text) == shown
