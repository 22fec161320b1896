"""The command as a whole: its help, and that it answers at once."""

import subprocess
import sys

import pytest

from tests.cli.command import Command


@pytest.mark.postgres
@pytest.mark.parametrize(
    ("verb", "example"), [("gaps", "tcpdash gaps OKX:BTC-USDT --state open"), ("coverage", "tcpdash coverage OKX:BTC-USDT --start")]
)
def test_a_verb_is_listed_and_shows_examples(tcpdash: Command, verb: str, example: str):
    listed = [line.split()[0] for line in tcpdash.out("--help").splitlines() if line.startswith("  ")]

    assert verb in listed
    assert example in tcpdash.out(verb, "--help")


def test_help_needs_neither_the_database_nor_pandas():
    script = "import sys, cli.main; print([name for name in ('pandas', 'numpy', 'sqlalchemy', 'streamlit') if name in sys.modules])"

    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True, timeout=60)

    assert done.stdout == "[]\n"
