"""Files of a user's strategies that misbehave, each in its own way, and questions to them."""

from collections.abc import Iterable
from pathlib import Path
from typing import Any

import msgspec
import numpy as np
import pandas as pd

from tests.trading.bars import walk
from trading.bots.hosts import Answer, Hosts, Question
from trading.frames import timestamps_us
from trading.registry import Registry
from trading.signal import Signal

SYMBOL = "OKX:BTC-USDT"
HANGS = 0.3
_HEAD = """
import os, random, signal, sys, threading, time, warnings
import numpy as np
from trading import Action, BaseStrategy, Signal

class {name}(BaseStrategy):
    def __init__(self, parameters):
        super().__init__(parameters)
        self.number("number", 1.0)

    @property
    def lookback(self):
        return 20

    def process_data(self, data):
"""


def write(folder: Path, name: str, body: str) -> None:
    """Write a strategy; `body` are the lines of its `process_data`, after which it goes long."""
    lines = [*body.strip("\n").splitlines(), "return self.signal(data, Action.BUY, target=1.0)"]
    text = _HEAD.format(name=name) + "".join(f"        {line}\n" for line in lines)
    (folder / f"{name.lower()}.py").write_text(text, encoding="utf-8")


def question(bot: str, strategy: str, *, seed: int = 1, symbol: str = SYMBOL, length: int = 40, **parameters: Any) -> Question:
    """Return a question about candles of a random walk."""
    data = walk(length, seed=seed)
    return Question(
        bot=bot,
        strategy=strategy,
        parameters=parameters,
        symbol=symbol,
        timestamps_us=timestamps_us(data),
        prices=data.to_numpy().copy(),
    )


def direct(asked: Question, folder: Path | None = None) -> Signal:
    """Return what the strategy of a question says when it is called in this process."""
    strategy = Registry(folder).create(asked.strategy, asked.parameters)
    strategy.symbol = asked.symbol
    index = pd.DatetimeIndex(asked.timestamps_us.view("datetime64[us]"), name="timestamp").tz_localize("UTC")
    columns = ["open", "high", "low", "close", "volume"]
    return strategy.process_data(pd.DataFrame(np.asarray(asked.prices), index=index, columns=columns))


def bits(signal: Signal | None) -> bytes:
    """Return a signal as bytes, so that NaN equals NaN and nothing else does that differs in its last bit."""
    return msgspec.msgpack.encode(signal)


def ask_all(hosts: Hosts, questions: Iterable[Question], *, limit_seconds: float = 30.0, **limits: Any) -> list[Answer]:
    """Ask questions and return their answers as they come."""
    asked = list(questions)
    for each in asked:
        hosts.ask(each, limit_seconds=limit_seconds, **limits)
    return wait_for(hosts, len(asked))


def wait_for(hosts: Hosts, number: int) -> list[Answer]:
    """Return so many answers as they come."""
    found: list[Answer] = []
    while len(found) < number:
        found += hosts.answers(60.0)
    return found
