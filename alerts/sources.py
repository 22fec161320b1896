"""Finds what a person is told of: reads the store and turns rows into alerts, each with a key that is the same whoever reads."""

from collections.abc import Callable, Collection, Iterator, Mapping

from alerts.kinds import Kind
from db.gap_words import told_length
from db.repositories.alerts import Alert
from db.repositories.gaps import Gap
from db.repositories.quality import QualityRun
from db.store import Store
from market.clock import to_datetime

_SILENT = {"stale", "down"}
_OF_BOTS = {
    Kind.PARKED: "{} was parked",
    Kind.STOP_HIT: "{} hit a stop",
    Kind.DAILY_LOSS: "{} reached the daily loss",
}
_SHOWN_RULES = 5
_LONGEST = 1_000


def find(store: Store, kinds: Collection[str], *, since_us: int, now_us: int, feed_seconds: float) -> list[Alert]:
    """Return what happened since a moment; what was found before is found again, with the same keys.

    Args:
        store: Where to look.
        kinds: What is looked for.
        since_us: From when on, UTC epoch microseconds.
        now_us: The time.
        feed_seconds: For so long a feed has to be stale or down.
    """
    found = list(_bots(store, [kind for kind in kinds if kind in _OF_BOTS], since_us))
    if Kind.FEED in kinds:
        found += _feeds(store, since_us, now_us - round(feed_seconds * 1_000_000))
    for kind, source in _SOURCES.items():
        if kind in kinds:
            found += source(store, since_us)
    return found


def _bots(store: Store, kinds: Collection[str], since_us: int) -> Iterator[Alert]:
    for event in store.happenings.bot_events(kinds, since_us) if kinds else ():
        kind, who = Kind(event.kind), "all bots together" if event.bot is None else f"bot {event.bot}"
        yield Alert(
            key=f"bot:{event.bot or ''}:{kind}:{event.id}", kind=kind, title=_OF_BOTS[kind].format(who),
            text=_short(event.text), at_us=event.at_us,
        )  # fmt: skip


def _feeds(store: Store, since_us: int, until_us: int) -> Iterator[Alert]:
    """Yield the feeds that are silent since a moment of that time; of one whose worker is gone for weeks nobody is told."""
    for feed in store.feeds.list():
        if feed.state in _SILENT and since_us <= feed.since_us <= until_us:
            yield Alert(
                key=f"feed:{feed.symbol}:{feed.since_us}", kind=Kind.FEED, title=f"{feed.symbol}: the feed is {feed.state}",
                text=_short(f"{feed.reason or feed.state}; since {_moment(feed.since_us)}"), at_us=feed.since_us,
            )  # fmt: skip


def _holes(store: Store, since_us: int) -> Iterator[Alert]:
    for number, gap in store.happenings.unrecoverable_gaps(since_us).items():
        title = f"{gap.symbol}: a hole cannot be recovered"
        at_us = since_us if gap.closed_us is None else gap.closed_us
        yield Alert(key=f"gap:{number}", kind=Kind.HOLE, title=title, text=_told_hole(gap), at_us=at_us)


def _checks(store: Store, since_us: int) -> Iterator[Alert]:
    for run in store.happenings.failed_checks(since_us):
        what = run.suite if run.timeframe is None else f"{run.timeframe} candles"
        how = "could not be checked" if run.success is None else "failed a check"
        at_us = run.started_us if run.ended_us is None else run.ended_us
        yield Alert(
            key=f"quality:{run.id}",
            kind=Kind.QUALITY,
            title=f"{run.symbol}: {what} {how}",
            text=_short(_told_check(run)),
            at_us=at_us,
        )


_SOURCES: Mapping[Kind, Callable[[Store, int], Iterator[Alert]]] = {Kind.HOLE: _holes, Kind.QUALITY: _checks}


def _told_hole(gap: Gap) -> str:
    lost = "trades are" if gap.missing_ids is None else "1 trade is" if gap.missing_ids == 1 else f"{gap.missing_ids:,} trades are"
    length = told_length(gap.end_us - gap.start_us)
    return f"{lost} missing for good, from {_moment(gap.start_us)} to {_moment(gap.end_us)} ({length}); cause: {gap.cause}"


def _told_check(run: QualityRun) -> str:
    if run.success is None:
        return f"the check broke off: {run.error}"
    failed = [result for result in run.results if result.success is False and result.severity == "critical"]
    told = [f"{result.rule} ({result.unexpected_count:,})" for result in failed[:_SHOWN_RULES]]
    more = [f"{len(failed) - _SHOWN_RULES} more"] if len(failed) > _SHOWN_RULES else []
    return f"{', '.join(told + more)}; from {_moment(run.start_us)} to {_moment(run.end_us)}"


def _moment(moment_us: int) -> str:
    return f"{to_datetime(moment_us):%Y-%m-%d %H:%M:%S} UTC"


def _short(text: str) -> str:
    line = " ".join(text.split())
    return line if len(line) <= _LONGEST else line[: _LONGEST - 1] + "…"
