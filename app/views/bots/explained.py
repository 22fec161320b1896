"""A bot beside a backtest over the same time: asked for with a button, done in the background, told with its reasons."""

from typing import TYPE_CHECKING, cast

import streamlit as st

from app.bots.seen import Seen
from app.bots.tables import difference_table
from app.data.background import Done, Failed, Pending, forget
from app.data.explanations import explanation, key_of, under_way
from app.markdown import escaped
from app.views.sidebar import zone
from db.bot_rows import StoredBot
from trading.bots.words import counted, exact

if TYPE_CHECKING:
    from trading.bots.explain import Explanation

_WAIT_SECONDS = 1.0
_ABOUT = (
    "Runs a backtest over the stored candles since the account began, with the rules that the bot has now, and holds both beside "
    "each other to the last digit. It takes seconds; with a year of minutes a minute or more."
)


def show_explanation(bot: Seen) -> None:
    """Show how a bot compares with a backtest, once somebody asks."""
    st.caption(_ABOUT)
    row = bot.line.bot
    found: Pending | Done[Explanation] | Done[object] | Failed | None = under_way(row)
    label = "Compare with a backtest" if found is None else "Compare again"
    if st.button(label, icon=":material/balance:", type="primary", disabled=isinstance(found, Pending)):
        forget(key_of(row))
        found = explanation(row)
    st.caption(f"The same on the command line: `tcpdash bots explain {bot.id}`")
    if isinstance(found, Pending):
        _wait(row)
    elif isinstance(found, Failed):
        st.error(escaped(f"It could not be compared: {found.reason}"), icon=":material/error:")
    elif isinstance(found, Done):
        _show(bot, cast("Explanation", found.result))


@st.fragment(run_every=_WAIT_SECONDS)
def _wait(bot: StoredBot) -> None:
    found = under_way(bot)
    if not isinstance(found, Pending):
        st.rerun()
    queue = "" if not found.ahead else f", {found.ahead} before it"
    st.info(f"The backtest runs, for {found.seconds:.0f} s by now{queue}\N{HORIZONTAL ELLIPSIS}", icon=":material/hourglass_top:")


def _show(bot: Seen, found: "Explanation") -> None:
    place = zone(found.until_us)
    sums = f"{counted(found.trades, 'execution')}, {counted(found.signals, 'signal')}, equity {exact(found.bot)}"
    until = f"Until {place.told(found.until_us)} ({place.name}): "
    later = f" {counted(found.later, 'execution')} of the bot came after that, and will be compared later." if found.later else ""
    if not found.differences:
        st.success(escaped(f"{until}no difference: {sums} = {exact(found.backtest)}.{later}"), icon=":material/check:")
        return
    sign = "=" if found.bot == found.backtest else "and not"
    follow = sum(each.follows for each in found.differences)
    rest = f", {follow:,} of them only {'follows' if follow == 1 else 'follow'} from others" if follow else ""
    told = f"{until}{counted(len(found.differences), 'difference')}{rest}; {sums} {sign} {exact(found.backtest)}.{later}"
    st.warning(escaped(told), icon=":material/difference:")
    shown = found.differences[:500]
    st.dataframe(difference_table(shown, place), hide_index=True, alt=f"Differences of {bot.id} and a backtest, with reasons")
    if len(found.differences) > len(shown):
        st.caption(f"The first {len(shown):,} of {len(found.differences):,}; the command line prints all.")
