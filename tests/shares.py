"""How several processes share the tests: by file, what takes longest first, and some files one after another in one process."""

from xdist.scheduler import LoadScopeScheduling

# Those that start many processes wait for them, and these go on working meanwhile: in two of ours at once each would wait for what
# the other started, too. What needs TimescaleDB shares the one that takes seconds to start.
TOGETHER = (
    ("tests/flows/", "processes"),
    ("tests/system/", "processes"),
    ("tests/simulation/test_chaos.py", "processes"),
    ("tests/parity/", "processes"),
    ("tests/app/test_browser", "processes"),
    ("tests/app/sign_in/test_browser", "processes"),
    ("tests/history/backfill/test_killed.py", "processes"),
    ("tests/db/test_columnstore.py", "timescale"),
    ("timescale", "timescale"),
)
# What is begun first, the longest at the front; another order costs time and nothing else.
LONG = (
    "processes",
    "timescale",
    "tests/simulation/test_seeds.py",
    "tests/trading/",
    "tests/simulation/",
    "tests/exchanges/test_hostile.py",
    "tests/replay/",
    "tests/history/",
    "tests/app/",
)


def share_of(nodeid: str) -> str:
    """Return what a test is handed out with: the name of some files, or its file."""
    return next((name for part, name in TOGETHER if part in nodeid), nodeid.partition("::")[0])


def rank(nodeid: str) -> int:
    """Return how soon a test is begun."""
    share = share_of(nodeid)
    return next((number for number, begin in enumerate(LONG) if share.startswith(begin)), len(LONG))


class Shares(LoadScopeScheduling):
    """Hands shares to whichever process is free."""

    def _split_scope(self, nodeid: str) -> str:
        return share_of(nodeid)
