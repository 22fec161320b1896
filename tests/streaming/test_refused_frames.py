"""Where ids prove nothing a frame that cannot be read is a loss like any other."""

import asyncio
from typing import Any

import httpx
import msgspec

from exchanges import Bybit
from market.clock import now_us
from tests.streaming.scripted import Stage

SYMBOL = "BYBIT:BTC-USDT"


def push(number: int, price: str) -> str:
    fill = {"T": now_us() // 1000, "s": "BTCUSDT", "S": "Buy", "v": "1", "p": price, "i": str(number), "BT": False, "seq": number}
    frame = {"topic": "publicTrade.BTCUSDT", "type": "snapshot", "ts": now_us() // 1000, "data": [fill]}
    return msgspec.json.encode(frame).decode()


class Exchange:
    """Bybit with one product; it prints one price wrong."""

    def __init__(self) -> None:
        self.stage = Stage(Bybit, [SYMBOL], lambda _: ['{"success":true,"ret_msg":"subscribe","op":"subscribe"}'], self.rest)
        self.fills: list[dict[str, Any]] = []

    def rest(self, request: httpx.Request) -> Any:
        result: dict[str, Any] = {"category": "spot", "list": []}
        match request.url.path.rpartition("/")[2]:
            case "time":
                result = {"timeSecond": str(now_us() // 1_000_000), "timeNano": str(now_us() * 1000)}
            case "recent-trade":
                result["list"] = self.fills[::-1]
        return {"retCode": 0, "retMsg": "OK", "result": result, "retExtInfo": {}, "time": now_us() // 1000}

    def trade(self, number: int, price: str, *, printed: str | None = None) -> None:
        self.fills.append(
            {
                "execId": str(number), "symbol": "BTCUSDT", "price": price, "size": "1", "side": "Buy",
                "time": str(now_us() // 1000), "isBlockTrade": False,
            }
        )  # fmt: skip
        self.stage.venue.lines[-1].push(push(number, printed or price))

    async def play(self) -> None:
        for number in range(1, 11):
            await asyncio.sleep(1.0)
            self.trade(number, "100.5", printed="0" if number == 5 else None)
        await asyncio.sleep(10.0)


def test_a_trade_that_cannot_be_read_is_noted_and_fetched():
    exchange = Exchange()

    exchange.stage.run(exchange.play)

    database = exchange.stage.database
    assert exchange.stage.worker.board.quarantined == 1
    assert sorted(database.trade_ids) == list(range(1, 11))
    holes = [(str(hole.cause), hole.first_id) for batch in database.batches for hole in batch.holes]
    assert ("sequence", None) in holes
    assert [str(step.state) for batch in database.batches for step in batch.progress][:1] == ["filled"]
