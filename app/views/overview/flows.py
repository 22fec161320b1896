"""What the tile of the flows says: which runs next, and how the last one ended; pure."""

from app import words
from app.scheduler.standings import Scheduler
from market.clock import parse_time

_ILL = {"Failed", "Crashed", "TimedOut"}


def told_flows(found: Scheduler, at_us: int) -> tuple[str, str]:
    """Return when the next flow runs, and which it is, how the last one ended and which ended badly."""
    due = sorted((flow.next, flow.flow) for flow in found.flows if flow.next is not None)
    ran = sorted(((flow.last, flow.flow, flow.state) for flow in found.flows if flow.last is not None), reverse=True)
    if not due and not ran:
        return words.NOTHING, found.said if not found.flows else "no flow is planned, and none ran yet"
    value = words.NOTHING if not due else "due" if parse_time(due[0][0]) <= at_us else words.age(parse_time(due[0][0]) - at_us)
    told = [due[0][1]] if due else []
    if ran:
        told.append(_last(*ran[0], at_us))
    ill = [name for _, name, state in ran[1:] if state in _ILL]
    return value, "; ".join([*told, *([f"✖ ended badly: {', '.join(ill)}"] if ill else [])])


def _last(last: str, name: str, state: str | None, at_us: int) -> str:
    told = "" if state == "Completed" else f"{(state or 'unknown').lower()} "
    return f"{'✖ ' if state in _ILL else ''}last {name} {told}{words.age(at_us - parse_time(last))} ago"
