"""What was found of each rule so far, over all pieces of what is checked."""

import math
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from db.repositories.quality import QualityResult
from history.quality.expectations import MOST_SHOWN, Finding, Judge
from history.quality.rules import Rule
from market.clock import isoformat

if TYPE_CHECKING:
    import pandas as pd

_MOMENTS = ("timestamp", "start", "end")


class Tally:
    """Counts of what is wrong, some of the rows, and what was not checked.

    Attributes:
        rows: Rows that were looked at.
    """

    def __init__(self) -> None:
        self.rows = 0
        self._rules: dict[str, Rule] = {}
        self._counts: dict[str, int] = {}
        self._samples: dict[str, list[dict[str, Any]]] = {}
        self._observed: dict[str, dict[str, Any]] = {}
        self._skipped: dict[str, str] = {}

    def judge(self, judge: Judge, rules: Sequence[Rule], table: "pd.DataFrame") -> None:
        """Hold a table against rules and note what is wrong."""
        found = judge.judge(table)
        for rule in rules:
            finding = found.get(rule.name, Finding(0, []))
            self.note(rule, finding.times, [_shown(table, row, rule) for row in finding.rows])

    def note(
        self, rule: Rule, count: int = 0, sample: Sequence[dict[str, Any]] = (), *, observed: Mapping[str, Any] | None = None
    ) -> None:
        """Note that a rule was checked, how often it is broken, rows that are wrong, and figures."""
        self._rules[rule.name] = rule
        self._counts[rule.name] = self._counts.get(rule.name, 0) + count
        kept = self._samples.setdefault(rule.name, [])
        kept += list(sample)[: MOST_SHOWN - len(kept)]
        self._observed.setdefault(rule.name, {}).update(observed or {})

    def skip(self, rule: Rule, why: str) -> None:
        """Note that a rule was not checked."""
        self._rules[rule.name] = rule
        self._skipped[rule.name] = why

    def results(self) -> list[QualityResult]:
        """Return what came of each rule."""
        return [self._result(rule) for rule in self._rules.values()]

    def _result(self, rule: Rule) -> QualityResult:
        count = self._counts.get(rule.name)
        return QualityResult(
            rule=rule.name,
            severity=str(rule.severity),
            success=None if count is None else count == 0,
            unexpected_count=count or 0,
            observed=self._observed.get(rule.name, {}),
            sample=self._samples.get(rule.name, []),
            details=rule.says if count is not None else f"Not checked: {self._skipped[rule.name]}.",
        )


def _shown(table: "pd.DataFrame", row: int, rule: Rule) -> dict[str, Any]:
    names = dict.fromkeys(name for name in ("timestamp", *rule.shows) if name in table)
    return {name: plain(name, table[name].iloc[row]) for name in names}


def plain(name: str, value: Any) -> Any:
    """Return a cell as JSON has it: moments as text, and what is no number as null."""
    value = value.item() if hasattr(value, "item") else value
    if name in _MOMENTS and isinstance(value, int):
        return isoformat(value)
    if isinstance(value, float) and not math.isfinite(value):
        return None if math.isnan(value) else str(value)
    return value
