"""What names are claimed for; apart from the claims, for what reads them must not need an engine."""

from enum import IntEnum


class Purpose(IntEnum):
    """What something is claimed for; numbers that nobody else uses as the first half of an advisory lock of this database."""

    FOLLOW = 72_265
    BACKFILL = 72_267
    RESEARCH = 72_268
