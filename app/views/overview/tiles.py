"""The tiles at the top of the overview: each a number, what is behind it, and a link to its page."""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING

import streamlit as st

from app import words
from app.charts.zone import Zone
from app.data.overview import Now, Stored
from app.data.system import scheduler
from app.glance import BOT_SIGNS, FEED_SIGNS, amount
from app.markdown import with_commands
from app.portfolio import purses, worth_of
from app.views.navigation import link
from app.views.overview.flows import told_flows
from trading.bots.rescue import Judged

if TYPE_CHECKING:
    from streamlit.delta_generator import DeltaGenerator

_UNKNOWN = "unknown"
_ENDED = ("filled", "never_existed", "unrecoverable", "alarm")


def show_tiles(now: Now | None, stored: Stored | None, judged: Iterable[Judged], at_us: int, zone: Zone) -> None:
    """Show all tiles in a row; Prefect is asked beside the page, which waits for it a fifth of a second once.

    Args:
        now: What Redis says; None while it is away.
        stored: What the database says; None likewise.
        judged: How the bots are.
        at_us: Now.
        zone: Of all times.
    """
    columns = st.columns(6)
    with columns[0]:
        _show_feeds(now, at_us)
    with columns[1]:
        _show_holes(stored)
    with columns[2]:
        _show_bots(stored, judged)
    _show_money(stored, now, zone, columns[3:5])
    with columns[5]:
        _tile("Next flow", *told_flows(scheduler(), at_us), "system", "Flows", view="flows")


def _show_feeds(now: Now | None, at_us: int) -> None:
    """Show how many feeds are live."""
    states = Counter(words.feed_state(feed, at_us)[0] for feed in now.feeds.values()) if now else Counter[str]()
    well = states["live"] + states["quiet"]
    value = _UNKNOWN if now is None else f"{well:,} of {states.total():,}"
    told = _told(states, FEED_SIGNS) or ("Redis is away" if now is None else "none is followed")
    _tile("Feeds live or quiet", value, told, "market", "Market")


def _show_holes(stored: Stored | None) -> None:
    """Show how many holes are open."""
    holes: Mapping[str, int] = stored.lately.holes if stored else {}
    ended = ", ".join(f"{holes[state]:,} {state.replace('_', ' ')}" for state in _ENDED if holes.get(state))
    told = "the database is away" if stored is None else ended or "none was ever found"
    _tile("Open holes", _UNKNOWN if stored is None else f"{holes.get('open', 0):,}", told, "data", "Data", view="holes")


def _show_bots(stored: Stored | None, judged: Iterable[Judged]) -> None:
    """Show how many bots run."""
    states = Counter(str(each.verdict.state) for each in judged)
    value = _UNKNOWN if stored is None else f"{states['running']:,} of {states.total():,}"
    told = _told(states, BOT_SIGNS) or ("the database is away" if stored is None else "there are none yet")
    _tile("Bots running", value, told, "bots", "Bots")


def _show_money(stored: Stored | None, now: Now | None, zone: Zone, columns: "Sequence[DeltaGenerator]") -> None:
    """Show what all bots have and what they won today: a tile each, for the purse of the most bots; others are named below."""
    found = purses(stored.bots) if stored else {}
    live = now.bots if now else {}
    worths = {name: worth_of(bots, live) for name, bots in found.items()}
    name, *others = list(worths) or [""]
    quote, _, label = name.partition(" ")
    equity = told = gain = won = words.NOTHING
    if name:
        worth = worths[name]
        counted = "1 account" if worth.accounts == 1 else f"{worth.accounts:,} accounts"
        equity, gain = amount(worth.equity), amount(worth.gain, sign=True)
        told = _joined(label, counted, *(f"{amount(worths[each].equity)} {each}" for each in others))
        share = "" if worth.fraction is None else f"{worth.fraction:+.2%} "
        since = f"{share}since {zone.told(worth.day_us, '%d %b %H:%M')} {zone.name}"
        won = _joined(label, since, *(f"{amount(worths[each].gain, sign=True)} {each}" for each in others))
    else:
        told = won = "the database is away" if stored is None else "there are no bots yet"
    with columns[0]:
        _tile(f"Equity {quote}".strip(), equity, told, "bots", "Bots")
    with columns[1]:
        _tile(f"Won today {quote}".strip(), gain, won, "bots", "Bots")


def _joined(*texts: str) -> str:
    return "; ".join(filter(None, texts))


def _tile(label: str, value: str, told: str, page: str, title: str, **selection: str) -> None:
    with st.container(border=True, gap=None, height="stretch"):
        st.metric(label, value)
        st.caption(with_commands(told))
        link(page, title, icon=":material/arrow_forward:", **selection)


def _told(states: Counter[str], signs: Mapping[str, str]) -> str:
    return ", ".join(f"{signs[state]} {states[state]:,} {state}" for state in signs if states[state])
