"""Files of bots for tests: 50 that can be used, and 50 that cannot with the fields that have to be named."""

import json
from typing import Any

GOOD: dict[str, Any] = {"id": "a-bot", "strategy": "ema_cross", "symbols": ["OKX:BTC-USDT"], "balance": 10_000}


def text(values: dict[str, Any] | None = None, *, without: str = "", **more: Any) -> bytes:
    """Return a file that can be used, with some fields changed or one left out."""
    whole = {**GOOD, **(values or {}), **more}
    whole.pop(without, None)
    return json.dumps(whole).encode()


def raw(field: str, value: str) -> bytes:
    """Return a file with one field as it is written, beside those that it needs."""
    kept = {name: each for name, each in GOOD.items() if name != field}
    return f'{json.dumps(kept)[:-1]}, "{field}": {value}}}'.encode()


_VALID: list[bytes] = [
    text(),
    text(id="0"),
    text(id="a" * 63),
    text(id="ema_btc-2"),
    text(name="Bitcoin, schnell und günstig 📈"),
    text(name=""),
    text(strategy="EmaCross"),
    text(strategy="ema-cross"),
    text(parameters={}),
    text(parameters={"fast": 3, "slow": 9}),
    text(parameters={"fast": 3.0, "slow": "9"}),
    text(parameters={"short": True}),
    text(strategy="buy_and_hold"),
    text(strategy="donchian_breakout", parameters={"enter": 30, "leave": 10}),
    text(strategy="rsi"),
    text(symbols=["OKX:BTC-USDT", "OKX:ETH-USDT", "OKX:SOL-USDT"]),
    text(symbols=["OKX:BTC-USDT", "BINANCE:BTC-USDT"]),
    text(symbols=["KRAKEN:BTC-USD"]),
    text(symbols=["BINANCEUSDM:BTC-USDT-240927"]),
    text(symbols=["NOVENUE:1INCH-USDT"]),
    text(timeframe="1m"),
    text(timeframe="15m"),
    text(timeframe="1d"),
    text(timeframe="1w"),
    text(balance=0.01),
    text(balance=123_456.78),
    text(balance="250.50"),
    raw("balance", "1e6"),
    raw("balance", "10000.000"),
    text(mode="paper"),
    text(autostart=True),
    text(sizing={"kind": "value", "size": 500}),
    text(sizing={"kind": "volatility", "size": 0.4, "volatility_bars": 50}),
    text(sizing={"short": True, "leverage": 3}),
    text(sizing={}),
    text(orders={"fill_at": "close"}),
    text(orders={"fill_at": "next-open", "limit_offset": 0.002, "limit_bars": 3}),
    text(orders={"fill_at": "close", "limit_offset": 0.99, "volume_share": 0.05}),
    text(fees={"maker": -0.0001, "taker": 0.0005}),
    text(fees={"maker": 0, "taker": 0.1}),
    text(fees=None),
    text(slippage={"kind": "spread", "amount": 0.02}),
    text(slippage={"kind": "impact", "amount": 0.1}),
    text(stops={"stop_loss": 0.05, "take_profit": 0.1, "trailing_stop": 0.03, "time_exit": 48}),
    text(stops={"stop_loss": 0.999, "take_profit": 1_000}),
    text(protections={"guard_stops": 3}),
    text(protections={"cooldown_bars": 5, "max_drawdown": 1, "drawdown_pause_bars": 0, "daily_loss": 0.02}),
    text(limits={"time_limit_seconds": 0.5, "memory_limit_mb": 256}),
    b"\xef\xbb\xbf" + text(),
    json.dumps({**GOOD, "stops": {"time_exit": 5.0}}, indent=4).replace("\n", "\r\n").encode(),
]
VALID = dict(enumerate(_VALID))
"""By number."""

_TOO_DEEP, _TOO_LARGE = b"[" * 200_000, text(name="x" * 262_144)

BROKEN: dict[str, tuple[bytes, list[str]]] = {
    # what no JSON schema sees
    "empty": (b"", [""]),
    "blank": (b" \n\n", [""]),
    "cut off": (text()[:-9], [""]),
    "a comma too many": (text()[:-1] + b",}", [""]),
    "a comment": (text() + b"// mine", [""]),
    "Latin-1": ('{"id": "a-bot", "name": "günstig"}'.encode("latin-1"), [""]),
    "UTF-16": (text().decode().encode("utf-16"), [""]),
    "too deep": (_TOO_DEEP, [""]),
    "too large": (_TOO_LARGE, [""]),
    "thousands of digits": (raw("balance", "1" * 5_000), [""]),
    "a list": (b"[" + text() + b"]", [""]),
    "an id twice": (raw("name", '"x", "id": "other"'), ["id"]),
    "a stop twice": (raw("stops", '{"stop_loss": 0.1, "stop_loss": 0.2}'), ["stops.stop_loss"]),
    "NaN": (raw("sizing", '{"size": NaN}'), ["sizing.size"]),
    "Infinity": (raw("balance", "Infinity"), ["balance"]),
    "minus Infinity": (raw("parameters", '{"fast": -Infinity}'), ["parameters.fast"]),
    "beyond a float": (raw("stops", '{"take_profit": 1e999}'), ["stops.take_profit"]),
    "an exponent beyond all": (raw("stops", '{"take_profit": 1e99999999999999999999}'), ["stops.take_profit"]),
    "a whole number beyond 64 bits": (raw("protections", f'{{"cooldown_bars": {10**19}}}'), ["protections.cooldown_bars"]),
    "half a character": (raw("name", r'"\ud83d"'), ["name"]),
    "a control character": (text(name="a\x00b"), ["name"]),
    "another one": (text(name="a\x7fb"), ["name"]),
    "a field with a control character": (text({"na\nme": "x"}), [""]),
    # what a JSON schema sees
    "nothing": (b"{}", ["id", "strategy", "symbols", "balance"]),
    "no balance": (text(without="balance"), ["balance"]),
    "upper case": (text(id="A-Bot"), ["id"]),
    "too long": (text(id="a" * 64), ["id"]),
    "an id with a new line": (text(id="a-bot\n"), ["id"]),
    "an id that begins with -": (text(id="-bot"), ["id"]),
    "a number for an id": (text(id=7), ["id"]),
    "an unknown field": (text(simbols=["OKX:BTC-USDT"]), ["simbols"]),
    "an unknown stop": (text(stops={"stoploss": 0.1}), ["stops.stoploss"]),
    "a percentage": (text(stops={"stop_loss": "5%"}), ["stops.stop_loss"]),
    "a number as a text": (text(sizing={"size": "0.5"}), ["sizing.size"]),
    "a loss of more than all": (text(stops={"stop_loss": 1, "trailing_stop": -0.1}), ["stops.stop_loss", "stops.trailing_stop"]),
    "half a bar": (text(stops={"time_exit": 2.5}), ["stops.time_exit"]),
    "a flag as a number": (text(autostart=1), ["autostart"]),
    "real money": (text(mode="live"), ["mode"]),
    "seconds": (text(timeframe="30s"), ["timeframe"]),
    "an unknown timeframe": (text(timeframe="60m"), ["timeframe"]),
    "no symbols": (text(symbols=[]), ["symbols"]),
    "a text for symbols": (text(symbols="OKX:BTC-USDT"), ["symbols"]),
    "a symbol without its venue": (text(symbols=["OKX:BTC-USDT", "ETH-USDT"]), ["symbols[1]"]),
    "a symbol twice": (text(symbols=["OKX:BTC-USDT", "OKX:ETH-USDT", "OKX:BTC-USDT"]), ["symbols[2]"]),
    "no money": (text(balance=0), ["balance"]),
    "money in words": (text(balance="ten thousand"), ["balance"]),
    "half of the fees": (text(fees={"maker": 0.5}), ["fees.maker", "fees.taker"]),
    "more than was traded": (text(orders={"volume_share": 1.5, "fill_at": "open"}), ["orders.fill_at", "orders.volume_share"]),
    "no list of rules": (text(protections=[1]), ["protections"]),
    # what only the program knows
    "a symbol in lower case": (text(symbols=["okx:btc-usdt"]), ["symbols[0]"]),
    "two currencies": (text(symbols=["OKX:BTC-USDT", "OKX:ETH-USDT", "KRAKEN:BTC-EUR"]), ["symbols[2]"]),
    "too much money": (text(balance="1e20"), ["balance"]),
    "more digits than can be kept": (raw("balance", "0.1000000000000000000001"), ["balance"]),
    "an unknown strategy": (text(strategy="ema_kross"), ["strategy"]),
    "parameters": (text(parameters={"fast": 0, "slow": "x", "fst": 3}), ["parameters.fast", "parameters.slow", "parameters.fst"]),
    "fast above slow": (text(parameters={"fast": 30, "slow": 20}), ["parameters.fast"]),
}
"""What is wrong: the file, and all fields that have to be named, in any order."""
