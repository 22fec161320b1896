"""Text of users is never markup."""

import pytest

from app.markdown import escaped, with_commands


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


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("start `tcpdash up --no-flows`, or not", "start `tcpdash up --no-flows`, or not"),
        ("run `tcp*`.", r"run `tcp*`\."),
        ("an empty `` one", r"an empty \`\` one"),
        ("'[a](//evil)' is none", r"'\[a\]\(//evil\)' is none"),
        ("`a` and [b](c)", r"`a` and \[b\]\(c\)"),
        ("one ` alone [b](c)", r"one \` alone \[b\]\(c\)"),
        ("``a`b``[x](y)`c", r"\`\`a\`b\`\`\[x\]\(y\)\`c"),
        ("a\n\n# b", r"a \# b"),
    ],
)
def test_commands_stay_commands_and_all_else_is_shown_as_it_is(text: str, shown: str):
    assert with_commands(text) == shown
