"""Up to six runs beside each other: figures, equity from 100 on, and in what they were not the same."""

import streamlit as st

from app.backtests.rows import DIGITS
from app.charts.zone import Zone
from app.data.backtests import Run, runs
from app.markdown import escaped
from app.stores import Lost
from app.views.backtests.back import lead_back
from app.views.banner import show_lost
from app.views.charts import show_chart
from app.views.choices import choose_flag
from app.views.navigation import page_at
from market.errors import InputError

MOST = 6


def show_comparison(ids: list[str], zone: Zone) -> None:
    """Show some runs beside each other, by the begins of their ids."""
    lead_back()
    lost: Lost = {}
    try:
        found = runs([each for each in ids if each][:MOST], ("curve",), lost)
    except InputError as error:
        st.error("These are no ids of runs.", icon=":material/error:")
        st.text(str(error))
        return
    show_lost(lost)
    if found is None:
        _wait(ids)
        return
    _tell_left_out(ids, found)
    done = [each for each in found if each.kept.state == "done" and each.kept.kind != "sweep"]
    if len(done) < 2:
        st.info("Choose two to six runs that are done in the list; of a sweep, backtest its best set, and compare that.")
        return
    _show(done, zone)


@st.fragment(run_every=2)
def _wait(ids: list[str]) -> None:
    lost: Lost = {}
    if runs(ids[:MOST], (), lost) is not None:
        st.rerun()


def _tell_left_out(ids: list[str], found: list[Run]) -> None:
    left = [
        f"{each.kept.kind} {each.kept.id[:DIGITS]} ({each.kept.state})"
        for each in found
        if each.kept.state != "done" or each.kept.kind == "sweep"
    ]
    missing = max(len(ids[:MOST]) - len(found), 0)
    words = [*([f"Not compared: {', '.join(left)}."] if left else []), *([f"{missing} of them are not stored."] if missing else [])]
    words += [f"Only the first {MOST} are compared."] if len(ids) > MOST else []
    if words:
        st.caption(" ".join(words))


def _show(done: list[Run], zone: Zone) -> None:
    from app.backtests.comparisons import BEST, cautions, differences, figure_table  # noqa: PLC0415 - see above
    from app.charts.compared import compared_chart  # noqa: PLC0415 - numba comes along below, which a list does without
    from app.charts.parts import curve_rows  # noqa: PLC0415 - see above
    from app.reports.figures import HEADLINES  # noqa: PLC0415 - see above
    from trading.backtest.metrics import METRICS  # noqa: PLC0415 - see above

    named = {name_of(each): each.document for each in done}
    for sentence in cautions(named):
        st.warning(sentence, icon=":material/balance:")
    curves = {name: curve_rows(document, zone=zone) for name, document in named.items()}
    balances = {name: float(document["balance"]) for name, document in named.items() if document.get("balance")}
    drawn = compared_chart({name: curve for name, curve in curves.items() if len(curve)}, balances=balances, zone=zone)
    show_chart(drawn, alternative=f"Equity of {len(curves)} runs, each begun at 100; the table has the figures")
    st.subheader("Figures", anchor=False)
    whole = choose_flag("All metrics", "all")
    table = figure_table(named, list(METRICS) if whole else list(HEADLINES))
    st.dataframe(table, hide_index=True, alt=f"Figures of {len(named)} runs; {BEST} marks the best of a row")
    st.caption(f"{BEST} marks the best of a row, where one way is better.")
    st.subheader("In what they were not the same", anchor=False)
    differing = differences(named)
    if differing.empty:
        st.write("In nothing: the same data, costs and rules.")
    else:
        st.dataframe(differing, hide_index=True, alt="In what the runs were not the same")
    with st.container(horizontal=True):
        for name, each in zip(named, done, strict=True):
            st.page_link(page_at("backtests"), label=f"Open {escaped(name)}", query_params={"run": each.kept.id})


def name_of(run: Run) -> str:
    """Return a short name of a run that no other has."""
    return f"{run.kept.strategy} {run.kept.id[:DIGITS]}"
