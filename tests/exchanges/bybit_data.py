"""Bybit's codecs, its documented push, and frames and answers made like the documented ones."""

import json

from exchanges import Bybit, BybitLinear

BTC, LINEAR_BTC = "BYBIT:BTC-USDT", "BYBITLINEAR:BTC-USDT"
SPOT, LINEAR = Bybit([BTC, "BYBIT:ETH-USDT"]), BybitLinear([LINEAR_BTC, "BYBITLINEAR:ETH-USDT"])
NOW = 1_700_000_000_000_000
MINUTE = 60_000
DOCUMENTED = (
    b'{"topic":"publicTrade.BTCUSDT","type":"snapshot","ts":1672304486868,"data":[{"T":1672304486865,"s":"BTCUSDT","S":"Buy",'
    b'"v":"0.001","p":"16578.50","L":"PlusTick","i":"20f43950-d8dd-5b31-9112-a178eb6023af","BT":false,"RPI":false,"seq":1783284617}]}'
)
UUID_NUMBER = 0x20F43950D8DD5B31 >> 2


def row(**changes: object) -> dict[str, object]:
    return {"T": 1672304486865, "s": "BTCUSDT", "S": "Sell", "v": "0.12", "p": "16578.5", "i": "7", "BT": False} | changes


def push(*rows: dict[str, object], topic: str = "publicTrade.BTCUSDT") -> bytes:
    return json.dumps({"topic": topic, "type": "snapshot", "ts": 1672304486868, "data": list(rows)}).encode()


def execution(**changes: object) -> dict[str, object]:
    return {
        "execId": "7", "symbol": "BTCUSDT", "price": "16618.49", "size": "0.00012", "side": "Buy", "time": "1672052955758",
        "isBlockTrade": False, "isRPITrade": True, "seq": "123456",
    } | changes  # fmt: skip


def answer(result: object, code: int = 0, message: str = "OK", **fields: object) -> bytes:
    return json.dumps(
        {"retCode": code, "retMsg": message, "result": result, "retExtInfo": {}, "time": 1672053054358} | fields
    ).encode()


def listing(*rows: object) -> bytes:
    return answer({"category": "spot", "list": list(rows)})
