"""Kraken's documented frames, and frames made like them."""

import json

from exchanges import Kraken

BTC, DOGE = "KRAKEN:BTC-USD", "KRAKEN:DOGE-BTC"
CODEC = Kraken([BTC, DOGE])
NOW = 1_700_000_000_000_000
DOCUMENTED = (
    b'{"channel":"trade","type":"update","data":[{"symbol":"BTC/USD","side":"sell","price":60123.4,"qty":0.0031,'
    b'"ord_type":"market","trade_id":4665906,"timestamp":"2026-03-25T07:49:37.708706Z"}]}'
)


def row(**changes: object) -> dict[str, object]:
    fields = {"symbol": "BTC/USD", "side": "buy", "price": 60123.4, "qty": 0.0031, "ord_type": "limit", "trade_id": 7}
    return fields | {"timestamp": "2026-03-25T07:49:37.708706Z"} | changes


def push(*rows: dict[str, object], kind: str = "update") -> bytes:
    return json.dumps({"channel": "trade", "type": kind, "data": list(rows)}).encode()


ACK = (
    b'{"method":"subscribe","result":{"channel":"trade","snapshot":false,"symbol":"BTC/USD"},"success":true,'
    b'"time_in":"2026-03-25T07:49:37.000001Z","time_out":"2026-03-25T07:49:37.000031Z","req_id":1}'
)
NO_SUCH_PAIR = (
    b'{"error":"Currency pair not supported DOGE/BTC","method":"subscribe","req_id":1,"success":false,"symbol":"DOGE/BTC",'
    b'"time_in":"2026-03-25T07:49:37.000001Z","time_out":"2026-03-25T07:49:37.000031Z"}'
)
STATUS = (
    '{"channel":"status","type":"update","data":[{"version":"2.0.10","system":"%s","api_version":"v2",'
    '"connection_id":6447481662169813000}]}'
)
OHLC = (
    b'{"channel":"ohlc","type":"update","timestamp":"2023-10-04T16:26:30.524394914Z","data":[{"symbol":"BTC/USD","open":0.5624,'
    b'"high":0.5628,"low":0.5622,"close":0.5627,"trades":12,"volume":30927.6,"vwap":0.5626,'
    b'"interval_begin":"2023-10-04T16:25:00.000000000Z","interval":5,"timestamp":"2023-10-04T16:30:00.000000Z"}]}'
)
