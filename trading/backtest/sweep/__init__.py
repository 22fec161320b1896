"""Many backtests that differ in their parameters: which sets, in which chunks, what came of each, and which was best."""

from trading.backtest.sweep.chunks import Chunk, Rows
from trading.backtest.sweep.evaluation import COLUMNS, evaluate
from trading.backtest.sweep.ground import Ground, ground_of
from trading.backtest.sweep.guide import Guide
from trading.backtest.sweep.plan import Plan, Sampler, plan_of
from trading.backtest.sweep.ranking import Found, Ranking, try_chunk
from trading.backtest.sweep.search import search, search_here
from trading.backtest.sweep.space import Axis, Space, space_of

__all__ = [
    "COLUMNS", "Axis", "Chunk", "Found", "Ground", "Guide", "Plan", "Ranking", "Rows", "Sampler", "Space", "evaluate", "ground_of",
    "plan_of", "search", "search_here", "space_of", "try_chunk",
]  # fmt: skip
