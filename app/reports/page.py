"""The frame and the parts of an html report: escaped by construction, and loading nothing from anywhere."""

from collections.abc import Iterable, Sequence

from markupsafe import Markup

# No script at all, and nothing from any host: what a name or a symbol may hold cannot run, and no request leaves the file.
_POLICY = Markup("default-src 'none'; style-src 'unsafe-inline'; base-uri 'none'; form-action 'none'")

_STYLE = Markup("""
:root { color-scheme: light dark; --line: #c8ccd2; --ok: #1a7f37; --failed: #b3261e; --warning: #8a5a00; --quiet: #5f6670;
  --soft: #8a8f9818; }
@media (prefers-color-scheme: dark) {
  :root { --line: #444b55; --ok: #57c26f; --failed: #ff8a80; --warning: #f0b354; --quiet: #a3abb6; }
}
body { font: 15px/1.5 system-ui, sans-serif; margin: 2rem auto; max-width: 75rem; padding: 0 1rem; }
body { background: Canvas; color: CanvasText; }
h1 { font-size: 1.5rem; } h2 { font-size: 1.15rem; margin-top: 2.5rem; } h3 { font-size: 1rem; margin-bottom: .3rem; }
table { border-collapse: collapse; width: 100%; }
caption { text-align: left; color: var(--quiet); padding-bottom: .3rem; }
th, td { text-align: left; vertical-align: top; padding: .3rem .6rem; border-bottom: 1px solid var(--line); }
td.number, th.number { text-align: right; font-variant-numeric: tabular-nums; white-space: nowrap; }
.ok { color: var(--ok); } .failed { color: var(--failed); font-weight: 600; }
.warning { color: var(--warning); font-weight: 600; } .quiet { color: var(--quiet); }
.wide { overflow-x: auto; } code { font-size: .85em; overflow-wrap: anywhere; }
.banner { border-left: .35rem solid var(--warning); background: var(--soft); padding: .5rem 1rem; margin: 1rem 0; }
.banner p { margin: .2rem 0; }
.badge { border: 1px solid currentColor; border-radius: .3rem; padding: 0 .4rem; font-size: .8em; vertical-align: middle; }
.tiles { display: grid; grid-template-columns: repeat(auto-fill, minmax(10.5rem, 1fr)); gap: .8rem; padding: 0; }
.tiles > div { border: 1px solid var(--line); border-radius: .4rem; padding: .5rem .8rem; }
.tiles dt { color: var(--quiet); font-size: .85em; }
.tiles dd { margin: 0; font-size: 1.25rem; font-variant-numeric: tabular-nums; }
.tiles dd small { display: block; font-size: .7em; color: var(--quiet); }
time { white-space: nowrap; } .pairs th { width: 14rem; } .wide { margin-bottom: 1rem; }
.columns { columns: 24rem; column-gap: 2rem; } .columns section { break-inside: avoid; }
figure { margin: 1.2rem 0; } figure svg { max-width: 100%; height: auto; } figure svg text { font-family: inherit; }
[title] { text-decoration: underline dotted var(--quiet); text-underline-offset: .2em; cursor: help; }
summary { cursor: pointer; }
@media print {
  body { margin: 0; max-width: none; font-size: 11px; }
  h2 { break-after: avoid; } figure, tr { break-inside: avoid; }
}
""")


def page(title: str, body: Iterable[str]) -> str:
    """Return a whole html page; parts of the body that are no `Markup` are escaped."""
    frame = Markup(
        '<!doctype html>\n<html lang="en">\n<head>\n<meta charset="utf-8">\n'
        '<meta name="viewport" content="width=device-width, initial-scale=1">\n'
        '<meta http-equiv="Content-Security-Policy" content="{}">\n'
        "<title>{}</title>\n<style>{}</style>\n</head>\n<body>\n<main>\n{}\n</main>\n</body>\n</html>\n"
    )
    return str(frame.format(_POLICY, title, _STYLE, Markup("\n").join(body)))


def tag(name: str, *inside: str, **attributes: str) -> Markup:
    """Return an element; `class_` is its class, an underscore in other names a hyphen, and all texts are escaped."""
    named = Markup("").join(
        Markup(' {}="{}"').format(key.rstrip("_").replace("_", "-"), text) for key, text in attributes.items() if text
    )
    return Markup("<{0}{1}>{2}</{0}>").format(Markup(name), named, Markup("").join(inside))  # noqa: S704 - a name of our own


def table(
    header: Sequence[str], rows: Iterable[Sequence[str]], *, numbers: Sequence[str] = (), caption: str = "", label: str = ""
) -> Markup:
    """Return a table that can be scrolled sideways.

    Args:
        header: Names of the columns.
        rows: As many cells each; the first one is the head of its row.
        numbers: Columns that stand at the right.
        caption: Above the table.
        label: What a screen reader calls it where there is no caption.
    """
    kinds = ["number" if name in numbers else "" for name in header]
    head = tag("tr", *(tag("th", name, class_=kind, scope="col") for name, kind in zip(header, kinds, strict=True)))
    lines = [
        tag("tr", *(_cell(cell, kind, first=not at) for at, (cell, kind) in enumerate(zip(row, kinds, strict=True))))
        for row in rows
    ]
    told = [tag("caption", caption)] if caption else []
    whole = tag("table", *told, tag("thead", head), tag("tbody", *lines), aria_label="" if caption else label)
    return tag("div", whole, class_="wide", tabindex="0", role="region", aria_label=caption or label)


def _cell(text: str, kind: str, *, first: bool) -> Markup:
    return tag("th", text, class_=kind, scope="row") if first else tag("td", text, class_=kind)


def pairs(rows: Iterable[tuple[str, str]], *, label: str) -> Markup:
    """Return a table of names and what they are."""
    lines = [tag("tr", tag("th", name, scope="row"), tag("td", text)) for name, text in rows]
    return tag("div", tag("table", tag("tbody", *lines), aria_label=label), class_="wide pairs")


def banner(*sentences: str) -> Markup:
    """Return what has to be read first; nothing without a sentence."""
    return tag("div", *(tag("p", each) for each in sentences), class_="banner", role="note") if sentences else Markup("")


def section(title: str, *parts: str) -> Markup:
    """Return a part of the page under its heading."""
    return tag("section", tag("h2", title), *parts)


def explained(text: str, why: str) -> Markup:
    """Return words that explain themselves when the mouse rests on them."""
    return tag("span", text, title=why)
