"""Metrics of round trips: how many, how often won, how much."""

import numpy as np

from trading.backtest.metrics.arithmetic import ratio
from trading.backtest.metrics.facts import Basics
from trading.backtest.metrics.registry import Unit, metric
from trading.backtest.metrics.run import Floats


@metric("Trades", Unit.COUNT)
def total_trades(facts: Basics) -> Floats:
    """Return the number of round trips; a position still open at the end is none.

    Formula: round trips.
    """
    return facts.totals.count


@metric("Long trades", Unit.COUNT)
def long_trades(facts: Basics) -> Floats:
    """Return the number of round trips that were long.

    Formula: round trips with side +1.
    """
    return facts.totals.longs


@metric("Short trades", Unit.COUNT)
def short_trades(facts: Basics) -> Floats:
    """Return the number of round trips that were short.

    Formula: round trips with side -1.
    """
    return facts.totals.count - facts.totals.longs


@metric("Winning trades", Unit.COUNT, higher_is_better=True)
def winning_trades(facts: Basics) -> Floats:
    """Return the number of round trips that won after fees; one that broke even neither won nor lost.

    Formula: round trips with profit > 0.
    """
    return facts.totals.wins


@metric("Losing trades", Unit.COUNT, higher_is_better=False)
def losing_trades(facts: Basics) -> Floats:
    """Return the number of round trips that lost after fees.

    Formula: round trips with profit < 0.
    """
    return facts.totals.losses


@metric("Win rate", Unit.FRACTION, higher_is_better=True)
def win_rate(facts: Basics) -> Floats:
    """Return the share of round trips that won after fees; NaN without any.

    Formula: wins / round trips.
    """
    return ratio(facts.totals.wins, facts.totals.count)


@metric("Win rate of long trades", Unit.FRACTION, higher_is_better=True)
def long_win_rate(facts: Basics) -> Floats:
    """Return the share of long round trips that won after fees; NaN without any.

    Formula: long wins / long round trips.
    """
    return ratio(facts.totals.long_wins, facts.totals.longs)


@metric("Win rate of short trades", Unit.FRACTION, higher_is_better=True)
def short_win_rate(facts: Basics) -> Floats:
    """Return the share of short round trips that won after fees; NaN without any.

    Formula: short wins / short round trips.
    """
    return ratio(facts.totals.wins - facts.totals.long_wins, short_trades(facts))


@metric("Gross profit", Unit.QUOTE, higher_is_better=True)
def gross_profit(facts: Basics) -> Floats:
    """Return what the winning round trips won, after fees.

    Formula: sum(max(profit, 0)).
    """
    return facts.totals.gross_profit


@metric("Gross loss", Unit.QUOTE, higher_is_better=False)
def gross_loss(facts: Basics) -> Floats:
    """Return what the losing round trips lost, fees among it, positive.

    Formula: sum(max(-profit, 0)).
    """
    return facts.totals.gross_loss


@metric("Profit factor", Unit.RATIO, higher_is_better=True)
def profit_factor(facts: Basics) -> Floats:
    """Return what was won for each unit lost; NaN where nothing was lost.

    Formula: gross_profit / gross_loss.
    """
    return ratio(facts.totals.gross_profit, facts.totals.gross_loss)


@metric("Expectancy", Unit.QUOTE, higher_is_better=True)
def expectancy(facts: Basics) -> Floats:
    """Return the mean profit of a round trip, after fees.

    Formula: mean(profit).
    """
    return ratio(facts.totals.gross_profit - facts.totals.gross_loss, facts.totals.count)


@metric("Expectancy per unit risked", Unit.RATIO, higher_is_better=True, source="Tharp 1998, Trade Your Way to Financial Freedom")
def expectancy_per_risk(facts: Basics) -> Floats:
    """Return the mean profit for each unit that a losing round trip costs on average; NaN where none lost.

    Formula: mean(profit) / average_loss.
    """
    return ratio(expectancy(facts), average_loss(facts))


@metric("Average return of a trade", Unit.FRACTION, higher_is_better=True)
def average_trade_return(facts: Basics) -> Floats:
    """Return the mean profit of a round trip as a fraction of its value at the entry.

    Formula: mean(profit / value).
    """
    return ratio(facts.totals.returns, facts.totals.count)


@metric("Average win", Unit.QUOTE, higher_is_better=True)
def average_win(facts: Basics) -> Floats:
    """Return the mean profit of the round trips that won; NaN where none did.

    Formula: gross_profit / wins.
    """
    return ratio(facts.totals.gross_profit, facts.totals.wins)


@metric("Average loss", Unit.QUOTE, higher_is_better=False)
def average_loss(facts: Basics) -> Floats:
    """Return the mean loss of the round trips that lost, positive; NaN where none did.

    Formula: gross_loss / losses.
    """
    return ratio(facts.totals.gross_loss, facts.totals.losses)


@metric("Payoff ratio", Unit.RATIO, higher_is_better=True)
def payoff_ratio(facts: Basics) -> Floats:
    """Return how large a win is beside a loss; NaN where all won or all lost.

    Formula: average_win / average_loss.
    """
    return ratio(average_win(facts), average_loss(facts))


@metric("Kelly fraction", Unit.FRACTION, higher_is_better=True, source="Kelly 1956, A New Interpretation of Information Rate")
def kelly_fraction(facts: Basics) -> Floats:
    """Return the fraction of the account to stake for the fastest growth, if the future were like these round trips.

    The stake is what an average loss costs, not the value of a position. Below 0: do not play. NaN where all won or all lost.

    Formula: p - (1 - p) / payoff_ratio, p = wins / (wins + losses): what breaks even changes nothing.
    """
    won = ratio(facts.totals.wins, facts.totals.wins + facts.totals.losses)
    return won - ratio(1 - won, payoff_ratio(facts))


@metric(
    "System quality number",
    Unit.RATIO,
    higher_is_better=True,
    source="Tharp 2008, Definitive Guide to Position Sizing; profits, no cap",
)
def system_quality_number(facts: Basics) -> Floats:
    """Return how steadily round trips win: the t-statistic of their profits; NaN where profits do not vary.

    Formula: sqrt(round trips) * mean(profit) / std(profit, ddof 1).
    """
    return ratio(np.sqrt(facts.totals.count) * expectancy(facts), np.sqrt(facts.totals.variance))


@metric("Average holding time", Unit.SECONDS)
def average_holding(facts: Basics) -> Floats:
    """Return how long a round trip lasted on average, in bars held times their width.

    Formula: mean(bars held) * bar_seconds.
    """
    return ratio(facts.totals.bars, facts.totals.count) * facts.bar_seconds
