"""What a run was made of: the data with its holes, what was assumed, and what proves it."""

import pandas as pd
import streamlit as st

from app.backtests.rows import parameter_words
from app.charts.parts import hole_rows
from app.charts.zone import Zone
from app.data.backtests import Run
from app.reports.assumptions import assumptions
from app.reports.figures import money, price, quote_of
from app.reports.honesty import coverage_words
from research.asked import command, of_document

_MOST_HOLES = 100
_COUNTS = ("expected", "present", "missing", "incomplete", "unproven", "without_trades")
_PROOFS = ("id", "fingerprint", "code_version", "strategy_code", "seed", "flow_run")


def show_about(run: Run, zone: Zone) -> None:
    """Show the data and its holes, what was assumed, what decides the run, and its command."""
    document = run.document
    st.subheader("Data", anchor=False)
    st.write(coverage_words(document)[:1].upper() + coverage_words(document)[1:])
    rows = [
        {
            "symbol": each["symbol"],
            **{name.replace("_", " "): each.get(name) for name in _COUNTS},
            "holes": len(each.get("holes") or ()),
        }
        for each in document.get("coverage") or ()
    ]
    st.dataframe(pd.DataFrame(rows), hide_index=True, alt="Candles by symbol")
    _holes(run, zone)
    st.subheader("What was assumed", anchor=False)
    _pairs(assumptions(document["rules"], quote=quote_of(document)), "What was assumed")
    st.subheader("What was run", anchor=False)
    balance = money(document["balance"], quote_of(document))
    own = [("parameters", parameter_words(document.get("parameters") or {})), ("balance", balance)]
    _pairs([*own, *_listings(run), *_proofs(run)], "What was run")
    st.caption("The command that does the same:")
    st.code(command(of_document(document)), language="bash", wrap_lines=True)


def _holes(run: Run, zone: Zone) -> None:
    holes = hole_rows(run.document)
    touching = (run.document.get("counts") or {}).get("touching_holes", 0)
    if holes.empty:
        return
    more = f", the first {_MOST_HOLES} of {len(holes):,}" if len(holes) > _MOST_HOLES else ""
    st.write(f"Holes{more}; {touching:,} trade{'' if touching == 1 else 's'} touch{'es' if touching == 1 else ''} one.")
    shown = holes.head(_MOST_HOLES)
    words = zone.told_all(shown["begin"]) + " to " + zone.told_all(shown["end"]) + f" {zone.name}"
    shown = shown.assign(hole=words)[["symbol", "hole", "bars"]]
    st.dataframe(shown, hide_index=True, alt="Holes, the oldest first")


def _listings(run: Run) -> list[tuple[str, str]]:
    return [
        (
            f"{symbol} trades in",
            ", ".join(f"{name.replace('_', ' ')} {price(value)}" for name, value in steps.items() if value) or "any step",
        )
        for symbol, steps in (run.document.get("listings") or {}).items()
    ]


def _proofs(run: Run) -> list[tuple[str, str]]:
    told = {**run.document, "flow_run": run.kept.flow_run}
    return [(name.replace("_", " "), str(told[name])) for name in _PROOFS if told.get(name) is not None]


def _pairs(rows: list[tuple[str, str]], about: str) -> None:
    st.dataframe(pd.DataFrame(rows, columns=["what", "value"]), hide_index=True, alt=about,
                 column_config={"what": st.column_config.TextColumn(width="small")})  # fmt: skip
