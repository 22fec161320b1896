"""What tells on each page that it is of use now: not a frame or a skeleton, but what people open it for."""

_MAIN = "[data-testid='stMain']"
_TABLE, _CHART, _TEXT = "[data-testid='stDataFrame'] canvas", ".stVegaLiteChart :is(svg, canvas)", "[data-testid='stAlert']"
_FIRST = ".first-sight"

USEFUL = {
    "overview": f"{_MAIN} [data-testid='stMetricValue']",
    "market": f"{_MAIN} :is({_FIRST}, {_CHART})",
    "data": f"{_MAIN} :is({_FIRST}, {_CHART}, {_TEXT})",
    "bots": f"{_MAIN} :is({_FIRST}, {_TABLE}, {_TEXT})",
    "backtests": f"{_MAIN} :is({_FIRST}, {_TABLE}, {_TEXT})",
    "system": f"{_MAIN} :is({_FIRST}, {_TABLE})",
}
"""By page, a selector of its first content that is worth looking at; where a demo may have none yet, also of what says so."""


def path_of(name: str) -> str:
    """Return where a page is: the first one at `/`."""
    return "/" if name == next(iter(USEFUL)) else f"/{name}"
