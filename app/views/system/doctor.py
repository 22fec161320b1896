"""What `tcpdash doctor` says, and how to mend it."""

import pandas as pd
import streamlit as st

from app.data.doctor import AGAIN_SECONDS, FRESH_SECONDS, Finding, findings
from app.data.system import mask
from app.markdown import with_commands
from app.views.sidebar import zone
from app.words import NOTHING
from market.clock import now_us

_SIGNS = {"bad": "✖", "warning": "▲", "ok": "●"}


@st.fragment(run_every=2)
def show_doctor() -> None:
    """Show what it last said; it is run beside the page, once for all who look, and again where that is older than a minute."""
    st.subheader("Doctor", anchor=False)
    wanted = st.button("Run again", icon=":material/refresh:")
    heard = findings(oldest_seconds=AGAIN_SECONDS if wanted else FRESH_SECONDS)
    when = "" if heard.at_us is None else f"As of {zone(heard.at_us).told(heard.at_us)} {zone(heard.at_us).name}."
    st.caption(f"{when} {'`tcpdash doctor` runs now …' if heard.asking else ''}".strip() or zone(now_us()).name)
    if heard.failed:
        st.warning(f"{heard.failed}.", icon=":material/warning:")
    if heard.answer is not None:
        _show(heard.answer)


def _show(found: list[Finding]) -> None:
    counts = {state: sum(each.state == state for each in found) for state in _SIGNS}
    told = ", ".join(f"{_SIGNS[state]} {count:,} {state}" for state, count in counts.items() if count)
    st.write(told or "It found nothing to look at.")
    hidden, order = mask(), list(_SIGNS)
    rows = [
        {
            "state": f"{_SIGNS.get(each.state, '?')} {each.state}",
            "what": each.subject,
            "found": with_commands(hidden(each.found)),
            "how to mend it": with_commands(hidden(each.fix)) or NOTHING,
        }
        for each in sorted(found, key=lambda one: order.index(one.state) if one.state in order else -1)
    ]
    st.table(pd.DataFrame(rows))
