"""The form of a new run: what is tried on what, checked as it is typed, and the command that does the same."""

from collections.abc import Sequence
from typing import Any

import streamlit as st

from app.actions import backtests as wishes
from app.backtests.links import OWN_WINDOW, PARAMETER, STARTED, USUAL
from app.charts.zone import Zone
from app.data.backtests import spans
from app.data.flows import flows_available, look_again
from app.data.strategies import being_read, form_desk, strategies
from app.data.windows import Stored, stored_of, window_of
from app.markdown import with_commands
from app.stores import Lost
from app.views.backtests.coverage import show_window
from app.views.backtests.rules import rule_form
from app.views.backtests.search import search_form
from app.views.banner import show_lost
from app.views.kept import lead
from app.views.parameters import changed, parameter_form
from app.views.pickers import TIMEFRAMES, is_symbol, offered
from app.views.reading import wait_for_strategies
from app.views.runs import show_no_flows
from app.views.wishes import MAY_NOT, may_act, told
from db.stored_spans import Span
from exchanges.fees import fees_of
from market.errors import PlatformError
from market.timeframe import Timeframe
from research.asked import BACKTEST, KINDS, Asked, check, command
from trading.parameters import Parameter

_DAY_US = 86_400_000_000
_WINDOWS: dict[str, int | None] = {
    "all that is stored": None, "last day": _DAY_US, "last 7 days": 7 * _DAY_US, "last 30 days": 30 * _DAY_US,
    "last 365 days": 365 * _DAY_US,
}  # fmt: skip
_MOST_SYMBOLS = 20


def show_form(zone: Zone) -> None:
    """Show the form, what is wrong with it, and the button that starts it."""
    lost: Lost = {}
    stored = spans(lost)
    show_lost(lost)
    if stored == []:
        st.info(
            "No candle is stored yet, so there is nothing to try a strategy on. Start `tcpdash demo` or `tcpdash up`, or load "
            "files with `tcpdash import`."
        )
        return
    if lost:
        _wait_for_database()
    asked = _asked(stored or [], zone, lost)
    if asked is None:
        return
    problem = _problem(asked)
    if problem:
        st.error(with_commands(f"{problem[:1].upper()}{problem[1:]}."), icon=":material/error:")
    _start(asked, problem=problem)


@st.fragment(run_every=1.0)
def _wait_for_database() -> None:
    if spans({}) is not None:
        st.rerun()


def _asked(stored: list[Span], zone: Zone, lost: Lost) -> Asked | None:
    kind = st.segmented_control("What is run", KINDS, default=BACKTEST, key="new_kind", bind="query-params", required=True)
    columns = st.columns([3, 5, 2])
    known, pending = strategies(), being_read()
    names = _names(known.names(), pending=pending)
    usual = names.index(USUAL["new_strategy"]) if USUAL["new_strategy"] in names else 0
    strategy = columns[0].selectbox("Strategy", names, index=usual, key="new_strategy", bind="query-params")
    symbols = columns[1].multiselect(
        "Symbols", list(filter(is_symbol, offered({each.symbol for each in stored}, "new_symbols", lost))), key="new_symbols",
        bind="query-params", max_selections=_MOST_SYMBOLS, placeholder="Choose one or more; they share the cash",
    )  # fmt: skip
    width = columns[2].selectbox(
        "Timeframe", list(map(str, TIMEFRAMES)), index=_place(USUAL["new_timeframe"]), key="new_timeframe", bind="query-params"
    )
    if pending:
        wait_for_strategies(form_desk())
    for each in known.problems if not pending else ():
        st.text(f"A file of strategies cannot be used: {each}")
    if not kind or strategy is None or not symbols:
        st.info("Choose a symbol: what a strategy is tried on.")
        return None
    if strategy not in known.names():
        st.info("The rest of the form is shown once this strategy is read.")
        return None
    timeframe = Timeframe(width)
    found = stored_of(stored, symbols, timeframe)
    window = _window(found)
    if not lost:
        show_window(symbols, timeframe, window, stored=found, zone=zone)
    searched = kind != BACKTEST
    st.subheader("Ranges that are tried" if searched else "Parameters", anchor=False)
    own: dict[str, Any] = {} if searched else {"parameters": _parameters(known.get(strategy).declared())}
    search = search_form(known.get(strategy), kind) if searched else None
    return Asked(
        kind=kind, strategy=strategy, symbols=tuple(symbols), timeframe=width, start=window[0], end=window[1], search=search, **own,
        **_account(symbols, timeframe, searched=searched),
    )  # fmt: skip


def _names(known: list[str], *, pending: bool) -> list[str]:
    """Return the strategies to choose from; while some are being read, what the URL asks for may be among them."""
    asked = st.session_state.get("new_strategy", st.query_params.get("new_strategy"))
    return sorted({*known, asked}) if pending and asked else known


def _parameters(declared: Sequence[Parameter]) -> dict[str, Any]:
    """Return those that differ from what is declared: a run keeps these."""
    return changed(declared, parameter_form(declared, PARAMETER, bind=True))


def _window(found: Stored | None) -> tuple[str | None, str | None]:
    columns = st.columns([3, 3, 3, 3], vertical_alignment="bottom")
    chosen = columns[0].selectbox("Window", [*_WINDOWS, OWN_WINDOW], key="new_window", bind="query-params")
    if chosen != OWN_WINDOW:
        return window_of(found, _WINDOWS[chosen])
    example = "2024-08-09 or 2024-08-09T12:30"
    start = columns[1].text_input("From (UTC)", key="new_from", bind="query-params", placeholder=example, max_chars=40)
    end = columns[2].text_input("To (UTC)", key="new_to", bind="query-params", placeholder=example, max_chars=40)
    return (start or "").strip() or None, (end or "").strip() or None


def _account(symbols: list[str], timeframe: Timeframe, *, searched: bool) -> dict[str, Any]:
    fees = fees_of(symbols)
    columns = st.columns(4, vertical_alignment="bottom")
    balance = columns[0].number_input("Balance", min_value=0.01, value=10_000.0, format="%.6g", key="balance", bind="query-params",
                                      help="What the account begins with, in the quote currency.")  # fmt: skip
    fee = columns[1].number_input(
        "Fee", min_value=0.0, max_value=0.1, value=None, format="%.6g", key="fee", bind="query-params",
        placeholder=f"the venue's: {fees.taker:g}",
        help=f"A fraction of the value of a trade; empty for the venue's: {fees.maker:g} of limit orders, {fees.taker:g} else.",
    )  # fmt: skip
    holes = columns[2].checkbox(
        "Allow holes", key="holes", bind="query-params",
        help="Go on though candles are missing: nothing is held over a hole, and its jump wins nothing. Else it is refused.",
    )  # fmt: skip
    told: dict[str, Any] = {"balance": balance, "fee": fee, "allow_holes": holes}
    with st.expander("Advanced: orders, exits, size, protections" + ("" if searched else ", resampling")):
        told["rules"] = rule_form()
        told |= {} if searched else _resampling(timeframe)
    return told


def _resampling(timeframe: Timeframe) -> dict[str, Any]:
    st.markdown("**Inside of bars, and chance**")
    columns = st.columns(4)
    finer = [str(each) for each in TIMEFRAMES if each.width_us < timeframe.width_us and each.divides(timeframe)]
    inside = columns[0].selectbox(
        "Fill inside", finer, index=None, key="inside", bind="query-params", placeholder="no finer candles",
        help="Orders are filled inside finer candles where they are stored: what came first is seen.",
    )  # fmt: skip
    resamples = columns[1].number_input(
        "Resamples", min_value=0, max_value=100_000, value=0, step=100, key="monte_carlo", bind="query-params",
        help="So often its trades are put into other orders and drawn anew, and its returns too (Monte Carlo).",
    )  # fmt: skip
    seed = columns[2].number_input("Seed", min_value=0, max_value=2**31, value=0, step=1, key="chance", bind="query-params",
                                   help="Of that chance: the same seed, the same numbers.")  # fmt: skip
    return {"inside": inside, "monte_carlo": resamples, "seed": seed}


def _problem(asked: Asked) -> str:
    """Return what is wrong with what is asked for, as the command would say it; empty where nothing is."""
    try:
        sets = check(asked, strategies())
    except PlatformError as error:
        return str(error)
    if asked.kind != BACKTEST:
        st.caption(
            f"{sets:,} parameter set{'' if sets == 1 else 's'}{' in each window' if asked.kind != 'sweep' else ''} will be tried."
        )
    return ""


def _start(asked: Asked, *, problem: str) -> None:
    if not flows_available(asked.kind).available:
        show_no_flows(asked.kind, command(asked))
        return
    pressed = st.button(
        f"Start the {asked.kind}", type="primary", icon=":material/play_arrow:", disabled=bool(problem) or not may_act(),
        help=None if may_act() else MAY_NOT,
    )  # fmt: skip
    if pressed:
        with told("Started."):
            lead({STARTED: wishes.start(asked)}, alone=True)
            look_again()
            st.rerun()
    st.caption("The command that does the same:")
    st.code(command(asked), language="bash", wrap_lines=True)


def _place(text: str) -> int:
    return [str(each) for each in TIMEFRAMES].index(text)
