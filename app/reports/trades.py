"""The trades of a run in a report: their charts, and a list that stays short enough to be read."""

from collections.abc import Mapping, Sequence
from typing import Any

from markupsafe import Markup

from app.charts.parts import hole_rows, trade_rows
from app.charts.trades import profit_chart, trade_marks_chart
from app.reports.figures import day, money, percent, plural, price, quote_of
from app.reports.page import section, table, tag
from app.reports.pictures import picture

Document = Mapping[str, Any]

_ENDS = 50
_MOST_DRAWN = 400
_HEADER = (
    "trade",
    "side",
    "entered (UTC)",
    "left (UTC)",
    "bars",
    "size",
    "entry",
    "exit",
    "profit",
    "return",
    "fees",
    "reason",
    "hole",
)
_NUMBERS = ("bars", "size", "entry", "exit", "profit", "return", "fees")


def trades(document: Document) -> Markup:
    """Return the trades of a run: drawn, and listed."""
    rows: Sequence[Mapping[str, Any]] = document.get("trades") or ()
    if not rows:
        return section("Trades", tag("p", "No trade was made."), *_open(document))
    return section("Trades", tag("p", _told(document, rows)), *_pictures(document, rows), *_lists(document, rows), *_open(document))


def _told(document: Document, rows: Sequence[Mapping[str, Any]]) -> str:
    won = sum(each["profit"] > 0 for each in rows)
    touching = sum(bool(each["touches_hole"]) for each in rows)
    holes = f"; {touching:,} touch a hole and are marked" if touching else ""
    return f"{plural(len(rows), 'trade')}, {won:,} of them won; profits in {quote_of(document)} after fees{holes}."


def _pictures(document: Document, rows: Sequence[Mapping[str, Any]]) -> list[Markup]:
    frame, holes, quote = trade_rows(document), hole_rows(document), quote_of(document)
    best, worst = max(each["profit"] for each in rows), min(each["profit"] for each in rows)
    words = f"Profit of each trade, from {money(worst, quote, signed=True)} to {money(best, quote, signed=True)}."
    pictures = [picture(profit_chart(frame, holes, quote=quote, most=_MOST_DRAWN), alternative=words)]
    for symbol, own in frame.groupby("symbol"):
        title = f"Trades of {symbol}: from entry to exit"
        chart = trade_marks_chart(None, own, holes[holes["symbol"] == symbol], symbol=str(symbol), title=title, most=_MOST_DRAWN)
        pictures.append(picture(chart, alternative=f"{title}; the list below has the prices."))
    return pictures


def _lists(document: Document, rows: Sequence[Mapping[str, Any]]) -> list[Markup]:
    several = len(document["symbols"]) > 1
    if len(rows) <= 2 * _ENDS:
        return [_list(rows, "All trades", several=several)]
    between = [each for each in rows[_ENDS:-_ENDS] if each["touches_hole"]]
    told = f"{min(len(between), _ENDS):,} of {len(between):,} between them that touch a hole"
    marked = [_list(between[:_ENDS], told, several=several)] if between else []
    rest = tag("p", f"{len(rows) - 2 * _ENDS:,} more lie between them; all are in ", tag("code", all_trades(document)), ".")
    first, last = rows[:_ENDS], rows[-_ENDS:]
    return [
        _list(first, f"The first {_ENDS} trades", several=several), rest, *marked,
        _list(last, f"The last {_ENDS} trades", several=several),
    ]  # fmt: skip


def all_trades(document: Document) -> str:
    """Return the command that prints all trades of a run."""
    return f"tcpdash backtests {document.get('id', '')} --json"


def _list(rows: Sequence[Mapping[str, Any]], caption: str, *, several: bool) -> Markup:
    header = [*_HEADER, "symbol"] if several else _HEADER
    cells = [[*_cells(each), str(each["symbol"])] if several else _cells(each) for each in rows]
    return table(header, cells, numbers=_NUMBERS, caption=caption)


def _cells(trade: Mapping[str, Any]) -> list[str]:
    # Signs tell gains from losses, so that no colour has to.
    return [
        str(trade["number"]), str(trade["side"]), tag("time", day(trade["entered"])), tag("time", day(trade["left"])),
        f"{trade['bars']:,}", price(trade["size"]), price(trade["entry_price"]), price(trade["exit_price"]),
        money(trade["profit"], signed=True), percent(trade["return"], signed=True), money(trade["fees"]),
        str(trade["reason"]).replace("-", " "),
        tag("strong", "touches a hole", class_="warning") if trade["touches_hole"] else "",
    ]  # fmt: skip


def _open(document: Document) -> list[Markup]:
    """What was still held at the end; it is in the equity and in no trade."""
    header = ("symbol", "side", "entered (UTC)", "size", "entry", "last price", "profit so far")
    rows = [
        [
            str(each["symbol"]), str(each["side"]), tag("time", day(each["entered"])), price(each["size"]),
            price(each["entry_price"]), price(each["price"]), money(each["profit"], signed=True),
        ]
        for each in document.get("open") or ()
    ]  # fmt: skip
    return [table(header, rows, numbers=header[3:], caption="Still open at the end, and in no figure of trades")] if rows else []
