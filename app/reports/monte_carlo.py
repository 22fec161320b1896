"""What else could have come of a run, in a report: how much of the result was the order in which it came."""

from collections.abc import Iterator, Mapping
from typing import Any

from markupsafe import Markup

from app.charts.monte_carlo import fan_chart
from app.charts.search import fan_rows
from app.reports.figures import quote_of
from app.reports.page import section, table, tag
from app.reports.pictures import picture
from app.reports.resamples import quantile_table, title_of, unit_of, words_of

Document = Mapping[str, Any]


def monte_carlo(document: Document) -> Markup:
    """Return what came of the resamples of a run, nothing where there are none."""
    found = document.get("monte_carlo") or ()
    return section("Monte Carlo", *(part for each in found for part in _drawn(each, quote_of(document)))) if found else Markup("")


def _drawn(found: Document, quote: str) -> Iterator[Markup]:
    yield tag("h3", title_of(found))
    yield tag("p", words_of(found))
    header, rows = quantile_table(found, quote=quote)
    yield table(header, rows, numbers=header[1:], caption="Quantiles over all runs, and what really came")
    quantiles, actual = fan_rows(found)
    chart = fan_chart(quantiles, quote=quote, unit=unit_of(found), title=f"Equity by {title_of(found).lower()}", actual=actual)
    yield picture(chart, alternative=f"Quantiles of equity over all runs; {words_of(found)}")
