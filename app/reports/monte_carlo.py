"""The report of a Monte Carlo run: how much of a result was the order in which it came."""

from collections.abc import Mapping
from typing import Any

from app.charts.monte_carlo import fan_chart
from app.charts.search import fan_rows
from app.reports import parts
from app.reports.figures import quote_of
from app.reports.page import page, section, table, tag
from app.reports.pictures import picture
from app.reports.resamples import quantile_table, unit_of, words_of

Document = Mapping[str, Any]


def monte_carlo_report(document: Document) -> str:
    """Return the document of a Monte Carlo run as a page that opens without a network.

    Beside what `app.charts.search.fan_rows` needs it has method, resamples, steps, loss_probability, ruin_probability, ruin, and as
    `distributions` by the name of a metric {"actual", "percentile", "quantiles": [one for each level]}.
    """
    quote = quote_of(document)
    header, rows = quantile_table(document)
    figures = table(header, rows, numbers=header[1:], caption="Quantiles over all runs, and what really came")
    quantiles, actual = fan_rows(document)
    chart = fan_chart(quantiles, quote=quote, unit=unit_of(document), title="Equity over all runs", actual=actual)
    words = f"Quantiles of equity over all runs; {words_of(document)}"
    found = section("Result", tag("p", words_of(document)), figures, picture(chart, alternative=words))
    title = f"Monte Carlo run of {document['strategy']}"
    return page(title, [parts.heading(document, "Monte Carlo run"), found, parts.about(document)])
