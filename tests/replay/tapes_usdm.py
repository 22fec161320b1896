"""Frames of Binance's USD-M futures, written by hand."""


def usdm_aggregate(
    number: int,
    time_ms: int,
    fills: tuple[int, int] | None = None,
    *,
    wire: str = "BTCUSDT",
    price: str = "28145.10",
    size: str = "0.004",
) -> str:
    first, last = fills or (10 * number, 10 * number)
    return (
        f'{{"stream":"{wire.lower()}@aggTrade","data":{{"e":"aggTrade","E":{time_ms + 9},"a":{number},"s":"{wire}","p":"{price}",'
        f'"q":"{size}","f":{first},"l":{last},"T":{time_ms},"m":true}}}}'
    )


def usdm_fill(number: int, time_ms: int, *, price: str = "28145.10", size: str = "0.002", kind: str = "MARKET") -> str:
    return (
        f'{{"stream":"btcusdt@trade","data":{{"e":"trade","E":{time_ms + 3},"T":{time_ms},"s":"BTCUSDT","t":{number},"p":"{price}",'
        f'"q":"{size}","X":"{kind}","m":true}}}}'
    )


def bare(frame: str) -> str:
    """Return a combined frame as a raw stream has it."""
    return frame[frame.index('"data":') + len('"data":') : -1]
