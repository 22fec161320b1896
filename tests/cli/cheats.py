"""Strategies of a user that cheat, each in its own way; the tests copy this file into a user's folder."""

import random
import time
from datetime import datetime
from pathlib import Path
from typing import ClassVar

import numpy as np
import pandas as pd

from trading import Action, BaseStrategy

ANSWERS = Path(__file__).with_name("answers.csv")
kept = {}


def above(one, other):
    return (np.asarray(one) > np.asarray(other)).astype(float)


class _Cheat(BaseStrategy):
    @property
    def lookback(self):
        return 20

    def targets(self, data):
        close = data["close"]
        return np.where(close.rolling(20).mean().isna(), np.nan, self.of(close))

    def honest(self, close):
        return above(close, close.rolling(20).mean())


class Honest(_Cheat):
    def of(self, close):
        return self.honest(close)


class PeeksOneAhead(_Cheat):
    def of(self, close):
        return above(close.shift(-1), close)


class PeeksAtTheLastBar(_Cheat):
    """Honest but for the bar before the last one."""

    def of(self, close):
        wanted = self.honest(close)
        wanted[-2:-1] = above(close[-1:], close[-2:-1])[: len(wanted[-2:-1])]
        return wanted


class LeavesAtTheEnd(_Cheat):
    """Knows which bar is the last one."""

    def of(self, close):
        wanted = self.honest(close)
        wanted[-1] = 0.5
        return wanted


class FillsBack(_Cheat):
    def of(self, close):
        return above(close.where(np.arange(len(close)) % 3 == 0).bfill(), close)


class Centres(_Cheat):
    def of(self, close):
        return above(close, close.rolling(9, center=True).mean())


class WiderBarsByTheirOpen(_Cheat):
    """Takes the last close of a wider bar from its first hour on."""

    def of(self, close):
        return above(close.resample("4h").last().reindex(close.index, method="ffill"), close)


class WiderBarsNotClosed(_Cheat):
    def of(self, close):
        wider = close.resample("4h", closed="right", label="right").last()
        return above(wider.reindex(close.index, method="bfill"), close)


class MeanOfAll(_Cheat):
    def of(self, close):
        return above(close, close.mean())


class FitsAll(_Cheat):
    def of(self, close):
        bars = np.arange(len(close))
        return above(close, np.polyval(np.polyfit(bars, close, 1), bars) if len(close) > 2 else close)


class RankOfAll(_Cheat):
    def of(self, close):
        return (close.rank(pct=True) > 0.8).astype(float)


class TooShort(_Cheat):
    @property
    def lookback(self):
        return 19

    def of(self, close):
        return self.honest(close)


class ReadsAFile(_Cheat):
    def of(self, close):
        known = pd.read_csv(ANSWERS, index_col=0)["close"]
        return known.reindex(close.index.astype(str)).fillna(0.0).to_numpy()


class ReadsInABacktestOnly(_Cheat):
    """Decides honestly as a bot, and with a file where it is asked for all at once."""

    def of(self, close):
        ANSWERS.read_text()
        return self.honest(close)

    def process_data(self, data):
        target = float(np.where(len(data) < 20, np.nan, self.honest(data["close"])[-1]))
        return self.signal(data, Action.HOLD, target=target)


class ReadsParquet(_Cheat):
    def of(self, close):
        known = pd.read_parquet(ANSWERS.with_suffix(".parquet"))["close"]
        return known.reindex(close.index).fillna(0.0).to_numpy()


class KnowsTheYear(_Cheat):
    def of(self, close):
        return np.full(len(close), float(datetime.now().year > 2020))  # noqa: DTZ005


class KnowsWhetherItIsLive(_Cheat):
    def of(self, close):
        return np.full(len(close), float(time.time() - close.index[-1].timestamp() < 60))


class KnowsNowByPandas(_Cheat):
    def of(self, close):
        return np.full(len(close), float(pd.Timestamp.now("UTC").year % 2))


class KeepsInItsClass(_Cheat):
    memory: ClassVar = {}

    def of(self, close):
        return above(close, self.memory.setdefault("mean", close.mean()))


class KeepsInItsModule(_Cheat):
    """Remembers each close it ever saw, also the later ones."""

    def of(self, close):
        kept.update(zip(close.index, close, strict=True))
        return above([kept.get(moment + pd.Timedelta("1h"), 0.0) for moment in close.index], close)


class KeepsInADefault(_Cheat):
    def of(self, close, memory=[]):  # noqa: B006
        if not memory:
            memory.append(close.mean())
        return above(close, memory[0])


class KeepsInItself(_Cheat):
    mean = None

    def of(self, close):
        self.mean = self.mean or close.mean()
        return above(close, self.mean)


class ThrowsDice(_Cheat):
    def of(self, close):
        return np.array([float(random.random() > 0.5) for _ in close])


class ThrowsTheSameDice(_Cheat):
    def of(self, close):
        return np.random.default_rng(0).integers(0, 2, len(close)).astype(float)


class CountsBars(BaseStrategy):
    """Decides bar by bar, by how often it was asked."""

    asked = 0

    @property
    def lookback(self):
        return 2

    def process_data(self, data):
        self.asked += 1
        return self.signal(data, Action.BUY if self.asked % 50 < 25 else Action.SELL)
