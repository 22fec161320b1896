"""The report of a run in the terminal: one screen, the same at 80 columns and without colour."""

import sys
from collections.abc import Iterator, Mapping, Sequence
from types import ModuleType
from typing import Any

from rich.console import Console
from rich.measure import Measurement
from rich.segment import Segments
from rich.table import Table
from rich.text import Text

from app.charts.parts import month_rows, year_gains
from app.reports.figures import day, money, percent, price, quote_of, told_of
from app.reports.honesty import coverage_words, warnings

Document = Mapping[str, Any]

GAIN, LOSS, DOUBT, HEAD = "cyan", "red", "yellow", "bold"
_MONTHS = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")
_WIDE, _UNBOUND = 120, 10_000
_SHOWN = 2
_MOST_AT_HOLES = 4
# Beside each other: what the strategy did, and what buying and holding or the costs did.
_FIGURES = (
    (("total_return", "return"), ("benchmark_return", "buy and hold")),
    (("cagr", "a year (CAGR)"), ("excess_return", "beyond holding")),
    (("max_drawdown", "max drawdown"), ("benchmark_drawdown", "drawdown of holding")),
    (("sharpe_ratio", "Sharpe ratio"), ("sortino_ratio", "Sortino ratio")),
    (("total_trades", "trades"), ("win_rate", "win rate")),
    (("profit_factor", "profit factor"), ("exposure_time", "time in the market")),
    (("fees", "fees"), ("expectancy", "profit a trade")),
)  # fmt: skip


def print_report(document: Document, *, console: Console | None = None, top: int = 15) -> None:
    """Print what came of a run.

    Args:
        document: Of a backtest, a sweep or a walk-forward run; `kind` says which.
        console: Where to; the terminal if None.
        top: How many of the best sets of a sweep.
    """
    where, kind = console or terminal(), document.get("kind")
    if kind == "sweep":
        _search().print_sweep(document, where, top=top)
    elif kind == "walk-forward":
        _search().print_walk_forward(document, where)
    else:
        print_backtest(document, where)


def _search() -> ModuleType:
    """Return the module of searches, which takes its parts from here."""
    from cli import report_search

    return report_search


class _Terminal(Console):
    def on_broken_pipe(self) -> None:
        raise BrokenPipeError  # rich would end with exit code 1; `main` knows better


def terminal() -> Console:
    """Return the terminal: colours only where it has them and NO_COLOR is not set, and nothing read into texts."""
    return _Terminal(file=sys.stdout, markup=False, highlight=False, emoji=False)


def print_backtest(document: Document, console: Console) -> None:
    """Print what came of a backtest."""
    print_head(document, console, "Backtest")
    print_figures(document, console)
    print_months(document, console)
    print_trades(document, console)
    _search().print_monte_carlo(document, console)


def print_head(document: Document, console: Console, what: str, *more: str) -> None:
    """Print what was run, on which data, and what has to be known before the figures."""
    symbols = ", ".join(map(str, document.get("symbols") or ()))
    title = f"{what} of {document['strategy']} on {symbols} {document.get('timeframe', '')}"
    console.print(line(title, HEAD), soft_wrap=True)
    named = ", ".join(f"{name} = {value}" for name, value in (document.get("parameters") or {}).items())
    told = [
        f"{day(document['start'])} to {day(document['end'])} UTC, balance {money(document['balance'], quote_of(document))}",
        *([named] if named else []), *more, f"data {coverage_words(document)}",
    ]  # fmt: skip
    for each in told:
        console.print(line(each))
    for each in warnings(document):
        console.print(line(f"! {each}", DOUBT))


def print_figures(document: Document, console: Console) -> None:
    """Print the figures that are looked at first, buying and holding beside them."""
    figures, quote = document.get("metrics") or {}, quote_of(document)
    pairs = ((("final_value", "final value"), ("net_profit", "profit")), *_FIGURES)
    rows = [
        [line(left), _figure(figures, name, quote), line(right), _figure(figures, other, quote)]
        for (name, left), (other, right) in pairs
    ]
    console.print()
    show(console, table(["", "", "", ""], rows, right=(1, 3), gap=3))


def _figure(figures: Mapping[str, Any], name: str, quote: str) -> Text:
    text = told_of(figures, name, quote=quote)
    coloured = name in {"total_return", "cagr", "benchmark_return", "excess_return", "net_profit", "expectancy"}
    return line(text, sign_style(figures.get(name)) if coloured else "")


def print_months(document: Document, console: Console) -> None:
    """Print the returns by month, in percent; nothing where there is none."""
    gains = {(row.year, row.month): float(str(row.gain)) for row in month_rows(document).itertuples()}
    rows = [
        [line(year), *(_month(gains.get((year, month))) for month in _MONTHS), _month(total)]
        for year, total in year_gains(document).items()
    ]
    if rows:
        console.print()
        show(console, table(["%", *_MONTHS, "year"], rows, right=range(1, 14), gap=1))


def _month(gain: float | None) -> Text:
    if gain is None:
        return line("")
    # Few characters, so that a year fits into 80 columns.
    return line(f"{gain * 100:+.1f}" if abs(gain) < 0.0995 else f"{gain * 100:+.0f}", sign_style(gain))


def print_trades(document: Document, console: Console) -> None:
    """Print the best, the worst and the last trades, and those that touch a hole."""
    trades: Sequence[Mapping[str, Any]] = document.get("trades") or ()
    if not trades:
        console.print(line("\nno trade was closed" if document.get("open") else "\nno trade was made"))
        print_open(document, console)
        return
    wide, several = console.width >= _WIDE, len({each["symbol"] for each in trades}) > 1
    names = ["", "trade", "side", "entered (UTC)", "bars", "profit", "return", "reason", ""]
    more = ["left (UTC)", "entry", "exit", "fees", *(["symbol"] if several else [])] if wide else []
    rows = [[line(what), *_trade(each), *(_more(each, several=several) if wide else [])] for what, each in _chosen(trades)]
    console.print()
    right = [
        at for at, name in enumerate([*names, *more]) if name in {"trade", "bars", "profit", "return", "entry", "exit", "fees"}
    ]
    show(console, table([*names, *more], rows, right=right, gap=1))
    print_open(document, console)


def print_open(document: Document, console: Console) -> None:
    """Print what is still held at the end: it is in the final value, and in no figure of trades."""
    for each in document.get("open") or ():
        where = f"at {price(each['entry_price'])}, now {price(each['price'])}"
        told = f"still held: {each['side']} {price(each['size'])} {each['symbol']} since {day(each['entered'])} {where}: "
        gain = money(each["profit"], quote_of(document), signed=True)
        console.print(line(told).append_text(line(gain, sign_style(each["profit"]))))


def _chosen(trades: Sequence[Mapping[str, Any]]) -> Iterator[tuple[str, Mapping[str, Any]]]:
    by_profit = sorted(trades, key=lambda each: float(each["profit"]))
    shown = min(_SHOWN, len(trades))
    chosen = [("best", by_profit[: -shown - 1 : -1]), ("worst", by_profit[:shown]), ("last", trades[-shown:])]
    touching = [each for each in trades if each["touches_hole"]]
    for what, some in [*chosen, ("holes", touching[:_MOST_AT_HOLES])]:
        yield from ((what if not at else "", each) for at, each in enumerate(some))


def _trade(trade: Mapping[str, Any]) -> list[Text]:
    style = sign_style(trade["profit"])
    gains = [line(money(trade["profit"], signed=True), style), line(percent(trade["return"], signed=True), style)]
    hole = line("hole", DOUBT) if trade["touches_hole"] else line("")
    plain = [str(trade["number"]), str(trade["side"]), day(trade["entered"]), f"{trade['bars']:,}"]
    return [*map(line, plain), *gains, line(str(trade["reason"]).replace("-", " ")), hole]


def _more(trade: Mapping[str, Any], *, several: bool) -> list[Text]:
    prices = [day(trade["left"]), price(trade["entry_price"]), price(trade["exit_price"]), money(trade["fees"])]
    return [*map(line, prices), *([line(str(trade["symbol"]))] if several else [])]


def line(text: str, style: str = "") -> Text:
    """Return words that cannot steer the terminal."""
    return Text("".join(each if each.isprintable() or each == "\n" else "?" for each in text), style=style)


def sign_style(value: float | None) -> str:
    """Return the style of a gain or a loss; the sign says the same."""
    return "" if not value else GAIN if value > 0 else LOSS


def table(header: Sequence[str], rows: Sequence[Sequence[Text | str]], *, right: Sequence[int] = (), gap: int = 2) -> Table:
    """Return a table without lines; the columns in `right` are numbers, and a header of nothing is not shown."""
    made = Table(box=None, show_header=any(header), padding=(0, gap, 0, 0), pad_edge=False, header_style=HEAD)
    for at, name in enumerate(header):
        made.add_column(line(name), justify="right" if at in right else "left", no_wrap=True)
    for row in rows:
        made.add_row(*(cell if isinstance(cell, Text) else line(cell) for cell in row))
    return made


def show(console: Console, made: Table) -> None:
    """Print a table; where it is wider than the terminal its lines run on, since half a number is a wrong number."""
    needed = Measurement.get(console, console.options.update(max_width=_UNBOUND), made).maximum
    # `console.print` takes no width above the terminal's, and would shorten cells.
    console.print(Segments(console.render(made, console.options.update(width=needed))), crop=False, end="")
