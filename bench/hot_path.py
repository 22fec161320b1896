"""Frame to candle in process, against decoding the same frames to a typed struct and nothing else."""

import gzip
from pathlib import Path

import msgspec

from bench.figures import best_seconds, figure, note
from exchanges.binance import Binance
from exchanges.okx import OKX
from replay import SyntheticMarket
from streaming.pipeline import Pipeline

DATA = Path(__file__).parents[2] / "shared" / "data" / "ws" / "binance"
TAPES = ("hft_spot_btcusdt_20240808.gz", "hft_spot_btcusdt_20240809.gz")
_SYMBOL = "BINANCE:BTC-USDT"
_TOGETHER = (1, 16, 256)


class Fill(msgspec.Struct, tag_field="e", tag="trade", gc=False):
    """All fields of a Binance trade that a collector can use, in their own types."""

    s: str
    t: int
    p: float
    q: float
    T: int
    m: bool


class Frame(msgspec.Struct, gc=False):
    """The envelope of a combined stream."""

    data: Fill


def frames() -> list[bytes]:
    """Return the recorded trade frames, or generated ones of the same shape where there is no recording."""
    if all((DATA / name).exists() for name in TAPES):
        lines = [line for name in TAPES for line in gzip.decompress((DATA / name).read_bytes()).splitlines()]
        found = [line[line.index(b" ") + 1 :].strip() for line in lines]
        return [frame for frame in found if b'@trade"' in frame[:40]]
    market = SyntheticMarket()
    series = market.fills(market.symbols[0])
    trades = series.newest(series.at(1_723_161_600_000_000), 20_000)
    return [
        b'{"stream":"btcusdt@trade","data":{"e":"trade","E":%d,"s":"BTCUSDT","t":%d,"p":"%.8f","q":"%.8f","T":%d,"m":%s,"M":true}}'
        % (trade.timestamp_us // 1000, trade.trade_id, trade.price, trade.size, trade.timestamp_us // 1000,
           b"true" if trade.side == "sell" else b"false")
        for trade in trades
    ]  # fmt: skip


def main() -> None:
    """Print the ratios."""
    wire = frames()
    decode = msgspec.json.Decoder(Frame, strict=False).decode

    def bare() -> None:
        for frame in wire:
            decode(frame)

    def ours(together: int) -> int:
        provider, pipeline, closed = Binance([_SYMBOL]), Pipeline([_SYMBOL]), 0
        for start in range(0, len(wire), together):
            closed += len(pipeline.take(provider.parse_all(wire[start : start + together], 1).trades).candles)
        assert pipeline.lanes[_SYMBOL].ids.last_id is not None
        return closed

    assert OKX.page  # both venues are imported, as in the worker
    bare_seconds, *our_seconds = best_seconds(bare, *[lambda n=n: ours(n) for n in _TOGETHER], rounds=9)
    note("decode a trade frame to a typed struct", bare_seconds / len(wire) * 1e6, "us")
    for together, seconds in zip(_TOGETHER, our_seconds, strict=True):
        share = bare_seconds / seconds
        if together == 1:
            note(f"frame to candle, frames alone, share of the rate of decoding ({seconds / len(wire) * 1e6:.2f} us)", share, "")
        else:
            figure(f"frame to candle, {together} frames together, share of the rate of decoding", share, 0.35)


if __name__ == "__main__":
    main()
