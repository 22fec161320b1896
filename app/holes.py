"""The ledger of holes on a page: how many there are, and a table of the newest."""

from collections.abc import Mapping

import pandas as pd

from app.words import NOTHING
from db.gap_words import told_evidence, told_ids, told_length, told_states
from db.repositories.gaps import Gap
from market.clock import to_datetime


def hole_words(counts: Mapping[str, int]) -> str:
    """Return the sentence about how many holes are in which state."""
    if not counts:
        return "None: no trade is known to be missing."
    return f"{told_states(counts)}. `tcpdash gaps` lists all, `tcpdash coverage` says what they mean for each day."


def hole_table(gaps: list[Gap]) -> pd.DataFrame:
    """Return one row for each hole."""
    return pd.DataFrame(
        [
            {
                "symbol": gap.symbol,
                "from (UTC)": f"{to_datetime(gap.start_us):%Y-%m-%d %H:%M:%S}",
                "length": told_length(gap.end_us - gap.start_us),
                "cause": gap.cause,
                "state": gap.state.replace("_", " "),
                "ids": told_ids(gap) or NOTHING,
                "recovered": f"{gap.recovered:,}",
                "missing": NOTHING if gap.missing_ids is None else f"{gap.missing_ids:,}",
                "evidence": told_evidence(gap),
            }
            for gap in gaps
        ]
    )
