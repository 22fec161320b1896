"""What Bybit v5 sends, as types: frames, REST answers, and the numbers that stand for its trade ids."""

import re
from hashlib import blake2b
from typing import Annotated, Generic, Literal, TypeVar

import msgspec

from exchanges.base import Amount, Millis, Positive

_uuid = re.compile(r"[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}").fullmatch

T = TypeVar("T")
_IdText = Annotated[str, msgspec.Meta(min_length=1, max_length=64)]
_Nanos = Annotated[int, msgspec.Meta(ge=0, lt=2**63 - 1)]


class TradeRow(msgspec.Struct, gc=False):
    """One trade of a push."""

    # {"T":1672304486865,"s":"BTCUSDT","S":"Buy","v":"0.001","p":"16578.50","L":"PlusTick","i":"20f43950-…","BT":false,
    #  "RPI":false,"seq":1783284617}
    T: Millis
    s: str
    S: Literal["Buy", "Sell"]
    v: Positive
    p: Positive
    i: _IdText


class Push(msgspec.Struct, gc=False):
    """A push of trades; its type is always "snapshot", which does not mean history."""

    # {"topic":"publicTrade.BTCUSDT","type":"snapshot","ts":1672304486868,"data":[…]}
    topic: str
    data: Annotated[list[TradeRow], msgspec.Meta(min_length=1)]


class Said(msgspec.Struct):
    """Any frame but a push of trades: an answer, or a topic that was not asked for."""

    # {"success":true,"ret_msg":"","conn_id":"2324d924-…","req_id":"BTCUSDT","op":"subscribe"}
    # {"success":false,"ret_msg":"error:handler not found,topic:publicTrade.FOOUSDT","conn_id":"…","req_id":"1","op":"subscribe"}
    # {"success":true,"ret_msg":"pong","conn_id":"…","req_id":"","op":"ping"}   {"args":["1672916271846"],"op":"pong"}
    # {"topic":"tickers.BTCUSDT","type":"delta","data":{…},"cs":753843907770,"ts":1786310817883}
    topic: str = ""
    op: str = ""
    success: bool | None = None
    ret_msg: str = ""
    req_id: str | None = None


class Execution(msgspec.Struct, gc=False):
    """One trade of a REST answer."""

    # {"execId":"2100000000007764263","symbol":"BTCUSDT","price":"16618.49","size":"0.00012","side":"Buy","time":"1672052955758",
    #  "isBlockTrade":false,"isRPITrade":false,"seq":"123456"}
    execId: _IdText
    symbol: str
    price: Positive
    size: Positive
    side: Literal["Buy", "Sell"]
    time: Millis


class PriceFilter(msgspec.Struct):
    """Steps of the price."""

    tickSize: str


class LotFilter(msgspec.Struct):
    """Steps of the size: `basePrecision` of a spot pair, `qtyStep` of a contract."""

    basePrecision: str = ""
    qtyStep: str = ""


class Listed(msgspec.Struct):
    """One line of the symbol list."""

    symbol: str
    baseCoin: str
    quoteCoin: str
    status: str
    priceFilter: PriceFilter
    lotSizeFilter: LotFilter


class Time(msgspec.Struct):
    """The clock."""

    timeNano: _Nanos


Bar = tuple[Millis, Positive, Positive, Positive, Positive, Amount, Amount]
"""One candle: `[start, open, high, low, close, volume, turnover]`."""


class Listing(msgspec.Struct, Generic[T]):
    """A result that is a list."""

    rows: list[T] = msgspec.field(name="list")


class Answer(msgspec.Struct, Generic[T]):
    """What every REST answer is wrapped in."""

    # {"retCode":0,"retMsg":"OK","result":{"category":"spot","list":[…]},"retExtInfo":{},"time":1672053054358}
    result: T


class Verdict(msgspec.Struct):
    """What every REST answer says of itself."""

    # {"retCode":10006,"retMsg":"Too many visits!","result":{},"retExtInfo":{},"time":1672053054358}
    retCode: int
    retMsg: str = ""
    time: int = 0


def trade_number(text: str) -> int:
    """Return the trade id that stands for the venue's own: below 2**62, the same for the same text, and without any order.

    Of a UUID the upper 62 bits, of a number the number itself; of what is neither, or does not fit, a hash.
    """
    if _uuid(text):
        return int(text[:8] + text[9:13] + text[14:18], 16) >> 2
    if text.isascii() and text.isdigit() and int(text) < 2**62:
        return int(text)
    return int.from_bytes(blake2b(text.encode(), digest_size=8).digest()) >> 2
