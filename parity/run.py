"""One tape from its begin to the verdicts on all bots."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from market.timeframe import BASE
from parity.bots import STYLES, bots_of, write
from parity.chain import chain
from parity.check import Verdict, verdict_on
from parity.play import play
from parity.tapes import Played
from trading.registry import Registry

if TYPE_CHECKING:
    from db.operations import DatabaseOperations
    from db.repositories.gaps import Gap

_MOST_BOTS = 0.75


@dataclass(frozen=True, kw_only=True)
class Outcome:
    """What came of a tape.

    Attributes:
        verdicts: On each bot, by id.
        told: What happened to the feed, in words.
        nothing: Why it proves nothing, in words; empty where it does.
    """

    verdicts: Sequence[Verdict]
    told: str
    nothing: str


def run(home: Path, played: Played, names: list[str] | None = None) -> Outcome:
    """Play a tape to bots and return the verdicts on them.

    Args:
        home: An empty folder.
        played: The tape.
        names: Of the strategies; None for all that are shipped.

    Raises:
        PlatformError: If something does not start, or the tape is not played and acted on to its end in time.
    """
    registry, bots = Registry(), bots_of(played, names)
    with chain(home, played) as processes:
        write(bots, processes.folder)
        play(processes, played, len(bots))
        db = processes.db
        verdicts = [verdict_on(db, bot["id"], registry) for bot in sorted(bots, key=lambda bot: str(bot["id"]))]
        gaps, waits = db.gaps.list(), len(db.bots.events(kind="waiting"))
        leases = Counter(str(event.details["owner"]) for event in db.bots.events(kind="leased"))
        told = [_stored(db, symbol) for symbol in played.symbols]
    holes = Counter(f"{gap.cause}, {gap.state}" for gap in gaps)
    told += [f"{count} holes: {kind};" for kind, count in sorted(holes.items())]
    told += [f"{count} leases of runner {owner};" for owner, count in sorted(leases.items())]
    return Outcome(
        verdicts=verdicts, told=f"{' '.join(told)} bots waited {waits} times;",
        nothing=proves_nothing(verdicts) or _too_few(played, gaps, waits),
    )  # fmt: skip


def _too_few(played: Played, gaps: "Sequence[Gap]", waits: int) -> str:
    """Return in words that there were too few holes, or that no bot waited for them; empty where there were enough."""
    healed = interruptions(gaps)
    if healed < played.holes:
        return f"there were {healed} moments with holes that were healed, {played.holes} were expected"
    return f"bots waited only {waits} times for {healed} moments with holes" if waits < played.holes else ""


def interruptions(gaps: "Sequence[Gap]") -> int:
    """Return how often something was missed and filled; what several symbols missed at one time counts once."""
    count, until_us = 0, -1
    for gap in sorted((gap for gap in gaps if gap.state == "filled"), key=lambda gap: gap.start_us):
        count += gap.start_us > until_us
        until_us = max(until_us, gap.end_us)
    return count


def _stored(db: "DatabaseOperations", symbol: str) -> str:
    columns = db.market_data.get_series(symbol, BASE).columns
    healed, unproven = int((columns["revision"] > 0).sum()), int((columns["complete"] == 0).sum())
    return f"{symbol}: {len(columns['timestamp'])} minutes, {healed} revised, {unproven} not whole;"


def proves_nothing(verdicts: Sequence[Verdict]) -> str:
    """Return why what came of a tape proves nothing, in words; empty where most bots traded, in parts in each style."""
    traded = sum(verdict.fills > 0 for verdict in verdicts)
    if traded < _MOST_BOTS * len(verdicts):
        return f"only {traded} of {len(verdicts)} bots traded; take a longer tape"
    whole = [style for style in STYLES if not any(verdict.parts for verdict in verdicts if f"-{style}-" in verdict.bot)]
    return f"no {' or '.join(whole)} order was filled in part" if whole else ""
