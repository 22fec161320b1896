"""The codecs of Binance's USD-M futures, its documented frames, and frames made like them."""

import json

from exchanges import BinanceUsdm

BTC = "BINANCEUSDM:BTC-USDT"
CODEC = BinanceUsdm([BTC, "BINANCEUSDM:ETH-USDC"])
FILLS = BinanceUsdm([BTC], channel="trade")
NOW = 1_700_000_000_000_000
AGGREGATE = (
    b'{"e":"aggTrade","E":123456789,"s":"BTCUSDT","a":5933014,"p":"0.001","q":"100","nq":"90","f":100,"l":105,'
    b'"T":123456785,"m":true,"st":1}'
)
FILL = (
    b'{"e":"trade","E":1680652700455,"T":1680652700452,"s":"BTCUSDT","t":3535186032,"p":"28145.10","q":"0.002","X":"MARKET",'
    b'"m":false}'
)
PLACEHOLDER = (
    b'{"e":"trade","E":1785780046072,"T":1785780046071,"s":"BTCUSDT","t":7950493454,"p":"0","q":"0","X":"NA","m":true,"st":1}'
)
SHUTDOWN = b'{"e":"serverShutdown","E":1770123456789}'


def changed(frame: bytes, **changes: object) -> bytes:
    return json.dumps(json.loads(frame) | changes).encode()


def without(frame: bytes, name: str) -> bytes:
    return json.dumps({key: value for key, value in json.loads(frame).items() if key != name}).encode()


def combined(inner: bytes, stream: bytes = b"btcusdt@aggTrade") -> bytes:
    return b'{"stream":"%s","data":%s}' % (stream, inner)
