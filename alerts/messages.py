"""What is written to people: one happening as it is, several of a kind as a list."""

from collections.abc import Sequence
from typing import NamedTuple

from alerts.kinds import told_several
from db.repositories.alerts import HOUR_US, Alert
from market.clock import to_datetime

LONGEST_BODY = 1_800
"""Characters; Discord takes 2,000, the other chats more."""

_NAME = "TCPDashboard"
_LONGEST_LINE = 300
_ROOM = 250  # for what stands behind the list


class Message(NamedTuple):
    """What one service is sent."""

    title: str
    body: str


def message(alerts: Sequence[Alert], *, now_us: int, left: int) -> Message:
    """Return the message that tells alerts of one kind.

    Args:
        alerts: At least one, oldest first.
        now_us: The time.
        left: How many messages of the kind may follow within the hour; with none it says when the next one comes at the latest.
    """
    note = (
        ""
        if left > 0
        else f"\n\nThat is much within an hour: what follows of this kind is told together, by {_clock(now_us + HOUR_US)}."
    )
    if len(alerts) == 1:
        only = alerts[0]
        return Message(
            f"{_NAME}: {only.title}", f"{_cut(only.text or only.title, LONGEST_BODY - _ROOM)}\n{_moment(only.at_us)}{note}"
        )
    return Message(f"{_NAME}: {told_several(alerts[0].kind, len(alerts))}", _listed(alerts) + note)


def _listed(alerts: Sequence[Alert]) -> str:
    lines: list[str] = []
    room = LONGEST_BODY - _ROOM
    for alert in alerts:
        line = _cut(f"- {_moment(alert.at_us)} {alert.title}" + (f": {alert.text}" if alert.text else ""), _LONGEST_LINE)
        room -= len(line) + 1
        if room < 0:
            break
        lines.append(line)
    if len(lines) < len(alerts):
        lines.append(f"and {len(alerts) - len(lines):,} more; `tcpdash alerts list` has all")
    return "\n".join(lines)


def _cut(text: str, longest: int) -> str:
    return text if len(text) <= longest else text[: longest - 1] + "…"


def _moment(moment_us: int) -> str:
    return f"{to_datetime(moment_us):%Y-%m-%d %H:%M:%S} UTC"


def _clock(moment_us: int) -> str:
    return f"{to_datetime(moment_us):%H:%M} UTC"
