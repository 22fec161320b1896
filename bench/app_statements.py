"""The statements that the page sent, as the server's log has them."""

import re
from pathlib import Path
from typing import NamedTuple

APPLICATION = "<tcpdash app>"
_TOLD = re.compile(r"duration: (?P<ms>[\d.]+) ms  (?:statement|execute [^:]*): (?P<text>.*)", re.DOTALL)
_BEGIN = re.compile(r"^\d{4}-\d\d-\d\d ")
# Begin and end of transactions, what a driver asks of a new connection, and whether an old one is alive still.
_FRAME = re.compile(
    r"(begin|commit|rollback|set |show |select 1$|select pg_catalog\.version\(\)|select current_schema\(\)|select t\.oid)",
    re.IGNORECASE,
)


class Statement(NamedTuple):
    """One that was sent, and how long the server took, in milliseconds."""

    text: str
    milliseconds: float

    @property
    def short(self) -> str:
        text = " ".join(self.text.split())
        return text if len(text) <= 160 else f"{text[:160]}…"


def size_of(log: Path) -> int:
    """Return where the log ends now."""
    return log.stat().st_size


def sent_since(log: Path, position: int) -> list[Statement]:
    """Return the statements of the page behind a place in the log, less those that every connection sends."""
    with log.open("rb") as file:
        file.seek(position)
        lines = file.read().decode("utf-8", "replace").splitlines()
    records: list[str] = []
    for line in lines:
        if _BEGIN.match(line):
            records.append(line)
        elif records:
            records[-1] += f"\n{line}"
    told = [_TOLD.search(record) for record in records if APPLICATION in record]
    found = [Statement(match["text"].strip(), float(match["ms"])) for match in told if match is not None]
    return [each for each in found if not _FRAME.match(each.text)]
