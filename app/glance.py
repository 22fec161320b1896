"""What the overview says of feeds, bots and happenings, in rows and in words; pure.

A state is a word with a sign before it, so that neither colour nor the word alone has to tell it.
"""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType
from urllib.parse import urlencode

import pandas as pd

from app import words
from app.charts.zone import Zone
from app.portfolio import Live, equity_of, gain_of, purse_of, purses
from db.repositories.bot_sums import BotGlance
from db.repositories.happenings import Recent
from trading.bots.rescue import Judged

FEED_SIGNS = {"down": "✖", "silent": "?", "stale": "▲", "healing": "◐", "quiet": "○", "live": "●"}
"""Signs of the states of feeds, the worst first."""

BOT_SIGNS = {
    "stuck": "✖", "crashed": "✖", "parked": "■", "late": "▲", "waiting": "○", "starting": "◔", "running": "●", "stopped": "□",
}  # fmt: skip
"""Signs of what bots are, the worst first."""

NOTHING_CARRIED: Mapping[str, str] = MappingProxyType({})


@dataclass(frozen=True, slots=True, kw_only=True)
class Rows:
    """Rows of a table, and what is not in it.

    Attributes:
        table: The first rows, the worst first.
        counts: How many there are of which state, in words: `8 live, 2 stale`.
        more: What was left out, in words; empty where nothing was.
    """

    table: pd.DataFrame
    counts: str
    more: str


def feed_rows(feeds: Mapping[str, words.Feed], at_us: int, *, most: int, carried: Mapping[str, str] = NOTHING_CARRIED) -> Rows:
    """Return a row for each feed, the worst first, venue by venue; of many feeds only so many, and how the others are.

    Args:
        feeds: By symbol.
        at_us: Now.
        most: How many rows there are at most.
        carried: What links have in their URL besides the selection, as the time zone.
    """
    states = {symbol: words.feed_state(feed, at_us)[0] for symbol, feed in feeds.items()}
    worst: dict[str, int] = {}
    for symbol, state in states.items():
        venue = feeds[symbol]["venue"]
        worst[venue] = min(worst.get(venue, len(FEED_SIGNS)), _rank(FEED_SIGNS, state))
    order = sorted(feeds, key=lambda one: (_rank(FEED_SIGNS, states[one]), worst[feeds[one]["venue"]], feeds[one]["venue"], one))
    shown = sorted(order[:most], key=lambda one: (worst[feeds[one]["venue"]], feeds[one]["venue"], order.index(one)))
    mixed = any(words.tape_label(symbol, None) != words.tape_label(symbol, feed) for symbol, feed in feeds.items())
    rows = [
        {
            "symbol": _page("market", {"symbol": symbol, **carried}),
            "state": f"{FEED_SIGNS.get(states[symbol], '?')} {states[symbol]}",
            "price": words.price(feeds[symbol]["price"]),
            "last trade": words.trade_age(feeds[symbol], at_us),
            "completeness": _completeness(feeds[symbol]),
            **({"data": words.tape_label(symbol, feeds[symbol]) or "live"} if mixed else {}),
        }
        for symbol in shown
    ]
    counts = " · ".join(f"{venue}: {_counted(of, FEED_SIGNS)}" for venue, of in _by_venue(feeds, states).items())
    left = Counter(states[symbol] for symbol in order[most:])
    return Rows(table=pd.DataFrame(rows), counts=counts, more=f"and {_counted(left, FEED_SIGNS)} more" if left else "")


def bot_rows(
    bots: Sequence[BotGlance], judged: Mapping[str, Judged], live: Live, *, most: int, carried: Mapping[str, str] = NOTHING_CARRIED
) -> Rows:
    """Return a row for each bot, the worst first; of many bots only so many, and how the others are.

    Args:
        bots: All there are.
        judged: How each is, by id.
        live: What they say on Redis.
        most: How many rows there are at most.
        carried: As of `feed_rows`.
    """
    states = {each.bot.id: str(judged[each.bot.id].verdict.state) for each in bots}
    order = sorted(bots, key=lambda each: (_rank(BOT_SIGNS, states[each.bot.id]), each.bot.id))
    mixed = len(purses(bots)) > 1
    rows = [
        {
            "bot": _page("bots", {"bot": each.bot.id, **carried}),
            "state": f"{BOT_SIGNS.get(states[each.bot.id], '?')} {states[each.bot.id]}",
            "equity": amount(equity_of(each, live)),
            "today": amount(gain_of(each, live), sign=True),
            **({"in": purse_of(each.bot.config)} if mixed else {}),
            "why": judged[each.bot.id].verdict.reason,
        }
        for each in order[:most]
    ]
    left = Counter(states[each.bot.id] for each in order[most:])
    more = f"and {_counted(left, BOT_SIGNS)} more" if left else ""
    return Rows(table=pd.DataFrame(rows), counts=_counted(Counter(states.values()), BOT_SIGNS), more=more)


def recent_rows(recent: Iterable[Recent], zone: Zone, *, carried: Mapping[str, str] = NOTHING_CARRIED) -> pd.DataFrame:
    """Return a row for each thing that happened, in their order; `carried` is as of `feed_rows`."""
    return pd.DataFrame(
        [
            {
                "when": zone.told(each.at_us, "%d %b %H:%M:%S"),
                "what": f"{each.source} {each.kind.replace('_', ' ')}",
                "of": each.subject or words.NOTHING,
                "more": _page_of(each, carried),
                "in words": f"by {each.text}" if each.source == "wish" else each.text,
            }
            for each in recent
        ]
    )


def amount(value: float | None, *, sign: bool = False) -> str:
    """Return an amount with as many decimals as its size asks for; `sign` puts + before what is above 0."""
    if value is None:
        return words.NOTHING
    size = abs(value)
    decimals = 2 if size >= 100 or round(size, 8) == 0 else 4 if size >= 1 else 8
    return f"{value:{'+' if sign else ''},.{decimals}f}"


def _page_of(each: Recent, carried: Mapping[str, str]) -> str:
    name, selection = _PLACES.get(each.source, ("system", ""))
    view = {"view": _VIEWS[each.source]} if each.source in _VIEWS else {}
    return _page(name, {**view, **({selection: each.subject} if each.subject and selection else {}), **carried})


_PLACES = {"bot": ("bots", "bot"), "hole": ("data", "symbols"), "feed": ("market", "symbol")}
_VIEWS = {"wish": "wishes", "hole": "holes"}


def _page(name: str, selection: Mapping[str, str]) -> str:
    return f"./{name}?{urlencode(selection, safe=':')}" if selection else f"./{name}"


def _completeness(feed: words.Feed) -> str:
    if not words.is_provable(feed):
        return words.UNPROVABLE
    holes = feed["open_holes"]
    return "no hole open" if not holes else "1 hole open" if holes == 1 else f"{holes:,} holes open"


def _by_venue(feeds: Mapping[str, words.Feed], states: Mapping[str, str]) -> dict[str, Counter[str]]:
    found: dict[str, Counter[str]] = {}
    for symbol, feed in feeds.items():
        found.setdefault(feed["venue"], Counter())[states[symbol]] += 1
    return dict(sorted(found.items()))


def _counted(counts: Mapping[str, int], signs: Mapping[str, str]) -> str:
    ordered = sorted(counts.items(), key=lambda one: _rank(signs, one[0]))
    return ", ".join(f"{count:,} {state}" for state, count in ordered if count)


def _rank(signs: Mapping[str, str], state: str) -> int:
    names = list(signs)
    return names.index(state) if state in names else 0
