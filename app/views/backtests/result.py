"""What came of one run: what to know before believing it, its figures, charts, trades and data, one part at a time."""

from collections.abc import Callable

import streamlit as st

from app.backtests.links import query_of
from app.backtests.rows import DIGITS
from app.charts.zone import Zone
from app.data.backtests import Run, runs
from app.data.strategies import defaults_of
from app.markdown import escaped
from app.stores import Lost
from app.views.backtests import about, figures, searched, trades
from app.views.backtests.back import lead_back
from app.views.backtests.downloads import show_downloads
from app.views.backtests.progress import show_running
from app.views.banner import show_lost
from app.views.choices import choose
from app.views.navigation import page_at
from market.errors import InputError
from research.asked import of_document

_Part = tuple[tuple[str, ...], Callable[[Run, Zone], None]]
"""Which parts of its document it reads, and what draws it."""

_RESULT: _Part = (("curve", "monthly"), figures.show_result)
_PARTS: dict[str, _Part] = {
    "Result": _RESULT,
    "All metrics": ((), figures.show_metrics),
    "Returns": (("monthly", "returns", "monte_carlo"), figures.show_returns),
    "Trades": ((), trades.show_trades),
    "Data and rules": ((), about.show_about),
}
_OF_KIND: dict[str, dict[str, _Part]] = {
    "backtest": _PARTS,
    "walk-forward": {"Result": _RESULT, "Windows": (("windows", "curve"), searched.show_windows), **_PARTS},
    "sweep": {"Sets": (("results", "errors"), searched.show_sets), "Data and rules": _PARTS["Data and rules"]},
}

_OF_PARTS = ("trade", "trades", "shown", "across", "up")
"""What is chosen inside of parts."""


def show_run(prefix: str, zone: Zone) -> None:
    """Show what came of the run whose id begins so, or how far it is."""
    lead_back()
    run = _read(prefix, ())
    if run is None:
        return
    _head(run, zone)
    if run.kept.state != "done":
        show_running(run.kept.id, zone)
        return
    parts = _OF_KIND.get(run.kept.kind, _PARTS)
    first = next(iter(parts))
    chosen = choose("Part", "part", list(parts), first, drop=_OF_PARTS, label_visibility="collapsed")
    names, draw = parts[chosen]
    whole = _read(run.kept.id, names) if names else run
    if whole is not None:
        draw(whole, zone)


def _read(prefix: str, names: tuple[str, ...]) -> Run | None:
    lost: Lost = {}
    try:
        found = runs([prefix], names, lost)
    except InputError as error:
        st.error("That is no id of a run.", icon=":material/error:")
        st.text(str(error))
        return None
    if found is None:
        _wait(prefix)
    elif not found:
        st.info(f"No run has an id that begins with {escaped(prefix[:32])}; it may be deleted, or in another database.")
    return found[0] if found else None


@st.fragment(run_every=2)
def _wait(prefix: str) -> None:
    lost: Lost = {}
    if runs([prefix], (), lost) is not None:
        st.rerun()
    show_lost(lost)


def _head(run: Run, zone: Zone) -> None:
    from app.reports.honesty import coverage_words, is_synthetic, warnings  # noqa: PLC0415 - half a second that a list does without

    kept, form = run.kept, "%Y-%m-%d %H:%M"
    badge = " :orange-badge[:material/science: SYNTHETIC]" if is_synthetic(run.document) else ""
    st.subheader(f"{kept.kind.capitalize()} of {escaped(kept.strategy)}{badge}", anchor=False)
    window = f"{zone.told(kept.start_us, form)} to {zone.told(kept.end_us, form)} {zone.name}"
    ran = "" if kept.ended_us is None else f" · ran {zone.told(kept.ended_us, form)}"
    st.text(
        f"{', '.join(kept.symbols)} {kept.timeframe} · {window} · data {coverage_words(run.document)} · {kept.id[:DIGITS]}{ran}"
    )
    if kept.state != "done":
        return
    told = warnings(run.document)
    if told:
        st.warning("  \n".join(map(escaped, told)), icon=":material/warning:")
    with st.container(horizontal=True, vertical_alignment="center"):
        show_downloads(run)
        st.page_link(page_at("backtests"), label="Run it again, or change it", icon=":material/edit:",
                     query_params=query_of(of_document(run.document), defaults=defaults_of(run.kept.strategy)))  # fmt: skip
