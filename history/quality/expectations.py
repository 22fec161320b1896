"""Great Expectations: the only place that knows it. Rules become a suite, a table is validated, findings come back."""

import os
import warnings
from collections.abc import Iterator, Sequence
from functools import cache
from math import isfinite
from typing import TYPE_CHECKING, Any, NamedTuple

from history.quality.rules import AtLeast, Between, Check, Present, QualityError, Rule, Same, Unique

if TYPE_CHECKING:
    import pandas as pd

MOST_SHOWN = 20
"""So many rows that are wrong are kept of each rule."""

_ROW = "row"


class Finding(NamedTuple):
    """How often a rule is broken in a table, and the positions of some of the rows."""

    times: int
    rows: list[int]


class Judge:
    """Some rules, ready to be held against any number of tables; making one costs the import of Great Expectations, seconds.

    Args:
        rules: All on the columns of one table.
    """

    def __init__(self, rules: Sequence[Rule]) -> None:
        gx, names = _great_expectations(), [rule.name for rule in rules]
        context = _context()
        suite = gx.ExpectationSuite(
            name=" ".join(names),
            expectations=[_expectation(check, rule) for rule in rules for check in rule.checks],
        )
        table = context.data_sources.add_pandas("memory").add_dataframe_asset("rows")
        batch = table.add_batch_definition_whole_dataframe("all")
        context.suites.add(suite)
        self._definition = context.validation_definitions.add(gx.ValidationDefinition(name="rules", data=batch, suite=suite))

    def judge(self, table: "pd.DataFrame") -> dict[str, Finding]:
        """Return the rules that a table breaks. It gets a column `row`, the positions of its rows.

        Raises:
            QualityError: If a check could not be done.
        """
        if table.empty:
            return {}
        table[_ROW] = range(len(table))
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # they are the library's own affair
            done = self._definition.run(
                batch_parameters={"dataframe": table},
                result_format={
                    "result_format": "SUMMARY",
                    "partial_unexpected_count": MOST_SHOWN,
                    "unexpected_index_column_names": [_ROW],
                },
            )
        found: dict[str, Finding] = {}
        for rule, count, rows in map(_finding, done.results):
            if count:
                known = found.get(rule, Finding(0, []))
                merged = dict.fromkeys([*known.rows, *rows])
                found[rule] = Finding(known.times + count, list(merged)[:MOST_SHOWN])
        return found


def _finding(result: Any) -> tuple[str, int, list[int]]:
    config = result.expectation_config
    rule = str(config.meta["rule"])
    if "unexpected_count" not in result.result:
        raise QualityError(f"rule {rule}: {config.type} could not be checked: {' '.join(_reasons(result.exception_info))}")
    places = result.result.get("partial_unexpected_index_list") or []
    return rule, int(result.result["unexpected_count"]), [int(place[_ROW]) for place in places]


def _reasons(info: Any) -> Iterator[str]:
    # Of one exception the message is in it, of several they are in dictionaries by their metric.
    if isinstance(info, dict):
        if info.get("exception_message"):
            yield str(info["exception_message"])
        for part in info.values():
            yield from _reasons(part)


def _expectation(check: Check, rule: Rule) -> Any:
    gxe = _great_expectations().expectations
    common: dict[str, Any] = {"meta": {"rule": rule.name}, "severity": str(rule.severity)}
    match check:
        case Present(column):
            return gxe.ExpectColumnValuesToNotBeNull(column=column, **common)
        case Unique(column):
            return gxe.ExpectColumnValuesToBeUnique(column=column, **common)
        case Between(column, low, high, above):
            return gxe.ExpectColumnValuesToBeBetween(
                column=column, min_value=_bound(low), max_value=_bound(high), strict_min=above, **common
            )
        case AtLeast(larger, smaller):
            return gxe.ExpectColumnPairValuesAToBeGreaterThanB(
                column_A=larger, column_B=smaller, or_equal=True, ignore_row_if="either_value_is_missing", **common
            )
        case Same(first, second):
            return gxe.ExpectColumnPairValuesToBeEqual(column_A=first, column_B=second, **common)


def _bound(value: float) -> float | None:
    return value if isfinite(value) else None


def _context() -> Any:
    from great_expectations.data_context.types.base import ProgressBarsConfig  # noqa: PLC0415 - see below

    context = _great_expectations().get_context(mode="ephemeral")
    context.variables.progress_bars = ProgressBarsConfig(globally=False, metric_calculations=False)
    return context


@cache
def _great_expectations() -> Any:
    # The import takes seconds of a core: nobody who does not check anything pays for it.
    os.environ.setdefault("GX_ANALYTICS_ENABLED", "false")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # it imports a module that Python has deprecated
        import great_expectations  # noqa: PLC0415
        import great_expectations.expectations  # noqa: PLC0415
    return great_expectations
