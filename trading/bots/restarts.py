"""When a bot that crashed is started again, and when it is not any more."""

BUDGET = 3
"""So often within an hour."""
WITHIN_SECONDS = 3_600.0
_PAUSES = (2.0, 10.0, 30.0)


def pause_after(crashes: int) -> float | None:
    """Return after how many seconds a bot is started again that crashed so often within an hour; None parks it.

    Args:
        crashes: The newest one counts.
    """
    return _PAUSES[crashes - 1] if 1 <= crashes <= BUDGET else None
