"""The curve of all bots together."""

import streamlit as st

from app.charts.portfolio import portfolio_chart
from app.data.overview import Stored, worth
from app.glance import amount
from app.markdown import escaped
from app.portfolio import portfolio_curve, purses
from app.views.choices import choose
from app.views.sidebar import zone
from db.repositories.bot_sums import BotGlance
from market.clock import from_datetime
from market.timeframe import DAY_US

_SPANS = {"day": DAY_US, "week": 7 * DAY_US, "month": 30 * DAY_US, "year": 365 * DAY_US}
_MEANS = (
    "It ends at the equity of all accounts; before that it is so much higher or lower as was lost or won since. What is between it "
    "and the dashed line was won or lost since the curve began; a new bot or a reset is no step in it. A stopped bot counts "
    "with what it was last known to be worth."
)


def show_portfolio(found: Stored | None) -> None:
    """Show the curve of one purse over one span; it is read once a minute for all sessions."""
    st.subheader("Portfolio", anchor=False, help=_MEANS)
    if found is None:
        st.write("It cannot be read while the database is away.")
    elif not any(each.base is not None for each in found.bots):
        st.write("No bot has an account yet: it begins with the first candle that a bot acts on.")
    else:
        _show(found)


def _show(found: Stored) -> None:
    by_purse = purses(found.bots)
    left, right = st.columns([3, 2], vertical_alignment="bottom")
    with left:
        span = choose("Span", "span", list(_SPANS), "day", label_visibility="collapsed")
    name = next(iter(by_purse))
    if len(by_purse) > 1:
        with right:
            name = choose("Currency", "purse", list(by_purse), name, label_visibility="collapsed")
    rows = worth([each.bot.id for each in by_purse[name]], end_us=_end(by_purse[name]), span_us=_SPANS[span], lost={})
    curve = portfolio_curve(rows) if rows is not None else None
    if curve is None or len(curve) < 2:
        st.write("There is no curve yet: it begins with the second minute that a bot acted on.")
        return
    first, last, own = curve.iloc[0], curve.iloc[-1], zone(_end(by_purse[name]))
    since = own.told(from_datetime(first["timestamp"].to_pydatetime()), "%d %b %H:%M")
    told = f"{amount(float(last['gain']), sign=True)} {name} won since {since} {own.name}"
    told += f"; accounts: {int(first['accounts']):,} then, {int(last['accounts']):,} now"
    chart = portfolio_chart(curve, money=name, zone=own)
    st.altair_chart(chart, key="portfolio", alt=f"Equity of all bots over a {span}, in {name}: {told}")
    st.caption(escaped(told))


def _end(bots: list[BotGlance]) -> int:
    """Return the newest moment that one of some bots acted on, in the time of the market."""
    return max((each.bot.acted_until_us for each in bots if each.bot.acted_until_us is not None), default=bots[0].at_us)
