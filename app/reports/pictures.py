"""Charts as pictures in a page: drawn by Vega without a browser, readable on light and dark, with the words of their tooltips."""

import json
import re
from collections.abc import Iterator
from typing import Any
from xml.etree import ElementTree as ET

import altair as alt
from markupsafe import Markup

from app.reports.page import tag

_WIDTH = 1_160
_SVG = "http://www.w3.org/2000/svg"
_INK = "currentColor"
# The ink of the page, so that one picture serves light, dark and paper.
_CONFIG = {
    "background": None,
    "font": "system-ui, sans-serif",
    "axis": {
        "labelColor": _INK,
        "titleColor": _INK,
        "domainColor": _INK,
        "tickColor": _INK,
        "gridColor": _INK,
        "gridOpacity": 0.12,
        "titlePadding": 10,
    },
    "legend": {"labelColor": _INK, "titleColor": _INK},
    "title": {"color": _INK, "subtitleColor": _INK, "anchor": "start", "fontSize": 14},
    "text": {"color": _INK},
    "view": {"stroke": None},
}
_PLACES, _LONG = frozenset({"d", "transform", "x1", "x2", "y1", "y2"}), re.compile(r"-?\d*\.\d{3,}(?:e-?\d+)?")
_SPOKEN = frozenset({"aria-label", "aria-roledescription", "role", "aria-hidden"})


def picture(chart: alt.TopLevelMixin, *, alternative: str) -> Markup:
    """Return a chart as a figure that needs no script.

    Args:
        chart: Of `app.charts`.
        alternative: What somebody who cannot see it is told.
    """
    import vl_convert  # noqa: PLC0415 - 80 MB that only reports need

    drawing = ET.fromstring(vl_convert.vegalite_to_svg(json.dumps(_prepared(chart)), allowed_base_urls=[]))  # noqa: S314 - see above
    for element in drawing.iter():
        _tell(element)
    drawing.set("role", "img")
    drawing.set("aria-label", alternative)
    ET.register_namespace("", _SVG)
    text = ET.tostring(drawing, encoding="unicode")
    return tag("figure", Markup(text))  # noqa: S704 - written by ElementTree, which escapes


def _prepared(chart: alt.TopLevelMixin) -> dict[str, Any]:
    spec: dict[str, Any] = chart.to_dict()
    for view in _views(spec):
        if "mark" in view:
            _describe(view)
        elif "layer" in view and "width" not in view:
            view["width"] = _WIDTH
    if "layer" in spec:
        spec["autosize"] = {"type": "fit-x", "contains": "padding"}  # so that all pictures of a page end at one line
    spec["config"] = _CONFIG
    return spec


def _views(spec: dict[str, Any]) -> Iterator[dict[str, Any]]:
    yield spec
    for kind in ("layer", "vconcat"):
        for inner in spec.get(kind, ()):
            yield from _views(inner)


def _describe(view: dict[str, Any]) -> None:
    """Move what the mouse would be told into the description of each mark; a picture has no tooltips of Vega's."""
    told = view.get("encoding", {}).pop("tooltip", None)
    mark = {"type": view["mark"]} if isinstance(view["mark"], str) else view["mark"]
    view["mark"] = {**mark, "aria": told is not None}
    if told is not None:
        view["mark"]["description"] = {"expr": " + '\\n' + ".join(map(_line, told))}


def _line(channel: dict[str, Any]) -> str:
    field, title = channel["field"], channel.get("title", channel["field"])
    value = f"datum[{json.dumps(field)}]"
    shown = f"(isValid({value}) ? format({value}, {json.dumps(channel['format'])}) : '-')" if "format" in channel else value
    return f"{json.dumps(title + ': ')} + {shown}"


def _tell(element: ET.Element) -> None:
    """Turn the description of a mark into a title, which browsers show; the picture as a whole is one image to a screen reader."""
    words = element.get("aria-label")
    is_mark = element.get("role") == "graphics-symbol"
    for name in _PLACES.intersection(element.keys()):
        element.set(name, _LONG.sub(_shorter, element.attrib[name]))
    for name in _SPOKEN.intersection(element.keys()):
        del element.attrib[name]
    if is_mark and words:
        title = ET.Element(f"{{{_SVG}}}title")
        title.text = words
        element.insert(0, title)


def _shorter(number: re.Match[str]) -> str:
    """Return a coordinate to a hundredth of a pixel: nothing to be seen, and a smaller page."""
    return f"{float(number[0]):.2f}".rstrip("0").rstrip(".")
