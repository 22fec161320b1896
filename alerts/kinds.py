"""The kinds of happenings that a person is told of, and how several of one are called."""

from enum import StrEnum


class Kind(StrEnum):
    """What happened. Those of bots are named as their events are."""

    PARKED = "parked"
    STOP_HIT = "stop-hit"
    DAILY_LOSS = "daily-loss"
    FEED = "feed"
    HOLE = "hole"
    QUALITY = "quality"


KINDS = tuple(str(kind) for kind in Kind)
"""All of them, as they stand in the settings."""

_SEVERAL = {
    Kind.PARKED: "{} bots were parked",
    Kind.STOP_HIT: "{} stops were hit",
    Kind.DAILY_LOSS: "{} daily losses were reached",
    Kind.FEED: "{} feeds do not deliver",
    Kind.HOLE: "{} holes cannot be recovered",
    Kind.QUALITY: "{} checks failed",
}


def told_several(kind: str, count: int) -> str:
    """Return half a sentence for several happenings of a kind: `3 bots were parked`."""
    return _SEVERAL[Kind(kind)].format(f"{count:,}")
