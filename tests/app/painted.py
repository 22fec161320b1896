"""What tells on each page that it is of use now: not a frame or a skeleton, but what people open it for."""

_DATA = "[data-testid='stMain'] :is(.stVegaLiteChart svg, [data-testid='stDataFrame'] canvas, [data-testid='stMetricValue'])"
_HEADING = "[data-testid='stMain'] h2"

USEFUL = {
    "overview": _HEADING,
    "market": "[data-testid='stMain'] .stVegaLiteChart svg",
    "data": _HEADING,
    "bots": _HEADING,
    "backtests": _HEADING,
    "system": "[data-testid='stMain'] [data-testid='stDataFrame'] canvas",
}
"""By page, a selector of its first content that is worth looking at. Those that are a heading alone are not built yet."""


def path_of(name: str) -> str:
    """Return where a page is: the first one at `/`."""
    return "/" if name == next(iter(USEFUL)) else f"/{name}"
