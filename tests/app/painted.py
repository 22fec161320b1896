"""What tells on each page that it is of use now: not a frame or a skeleton, but what people open it for."""

_MAIN = "[data-testid='stMain']"
_TABLE, _CHART, _TEXT = "[data-testid='stDataFrame'] canvas", ".stVegaLiteChart :is(svg, canvas)", "[data-testid='stAlert']"

WHOLE = {
    "overview": _TABLE,
    "market": _CHART,
    "data": f":is({_CHART}, {_TEXT})",
    "bots": f":is({_TABLE}, {_TEXT})",
    "backtests": f":is({_TABLE}, {_TEXT})",
    "system": _TABLE,
}
"""By page, a selector of its first table or chart, with all that can be done with it; where a demo may have none yet, also of what
says so."""

USEFUL = {
    "overview": f"{_MAIN} [data-testid='stMetricValue']",
    **{name: f"{_MAIN} :is(.first-sight, {selector})" for name, selector in WHOLE.items() if name != "overview"},
}
"""The same of its first content that is worth looking at: its tiles, or the light picture that stands there first."""


def path_of(name: str) -> str:
    """Return where a page is: the first one at `/`."""
    return "/" if name == next(iter(USEFUL)) else f"/{name}"
