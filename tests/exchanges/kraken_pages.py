"""Kraken's documented answers, and a venue that pages as Kraken does."""

import json
from collections.abc import Generator, Sequence
from typing import Any

from exchanges import Kraken
from exchanges.base import Request
from market.clock import parse_time
from market.trade import Trade

BTC = "KRAKEN:BTC-USD"
CODEC = Kraken([BTC])
NOW = 1_800_000_000_000_000
START = parse_time("2025-11-10T17:00:00")
TRADES = (
    b'{"error":[],"result":{"XXBTZUSD":[["30243.40000","0.34507674",1688669597.8277369,"b","m","",61044952],'
    b'["30243.30000","0.00376960",1688669598.2804112,"s","l","",61044953]],"last":"1688669598280411200"}}'
)
BARS = (
    b'{"error":[],"result":{"XXBTZUSD":[[1688671200,"30306.1","30306.2","30305.7","30305.7","30306.1","3.39243896",23],'
    b'[1688671260,"30305.7","30305.7","30305.7","30305.7","0.0","0.00000000",0],'
    b'[1688671320,"30300.3","30300.4","30291.4","30291.4","30294.7","2.13024789",25]],"last":1688671260}}'
)


class Venue:
    """A book with ids from 1 and times in nanoseconds, asked as Kraken is: behind a time, so many rows, oldest first."""

    def __init__(self, times_ns: Sequence[int], missing: frozenset[int] = frozenset()) -> None:
        self.rows = [(number, ns) for number, ns in enumerate(times_ns, 1) if number not in missing]
        self.asked: list[Request] = []

    def answer(self, request: Request) -> bytes:
        self.asked.append(request)
        params = dict(request.params)
        count, since = int(params["count"]), params.get("since")
        rows = self.rows[-count:] if since is None else [row for row in self.rows if row[1] > int(since)][:count]
        last = str(rows[-1][1]) if rows else since or "0"
        listed = [["1.5", "0.25", ns / 1e9, "b", "l", "", number] for number, ns in rows]
        return json.dumps({"error": [], "result": {"XXBTZUSD": listed, "last": last}}).encode()

    def ids(self, pages: Generator[Request, bytes, list[Trade]]) -> list[int]:
        return [trade.trade_id for trade in run(pages, self.answer)]

    def moment(self, trade_id: int) -> int:
        return next(ns for number, ns in self.rows if number >= trade_id) // 1000


class SmallPages(Kraken):
    page = 5


def run(pages: Generator[Request, bytes, Any], answer: Any) -> Any:
    """Return what a paging generator makes of the answers; it must come to an end."""
    request = next(pages)
    for _ in range(500):
        try:
            request = pages.send(answer(request))
        except StopIteration as done:
            return done.value
    raise AssertionError("the pages never end")


def ask(pages: Generator[Request, bytes, Any], body: bytes) -> Any:
    return run(pages, lambda _: body)
