"""What all bots have and won: each currency for itself, and a new or a reset account is neither a gain nor a loss."""

from dataclasses import replace
from decimal import Decimal

import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.portfolio import gain_of, portfolio_curve, purse_of, purses, worth_of
from db.bot_rows import StoredBot
from db.repositories.bot_sums import BotGlance

BOT = StoredBot(id="a", config={"symbols": ["OKX:BTC-USDT"]}, config_digest="", config_file="", equity=Decimal(1010))
GLANCE = BotGlance(bot=BOT, at_us=9, owed_us=None, day_us=5, base=1000.0, ended=0.0)


def glance(bot: str, symbol: str = "OKX:BTC-USDT", *, equity: str | None = "1010", **changes) -> BotGlance:
    stored = replace(BOT, id=bot, config={"symbols": [symbol]}, equity=None if equity is None else Decimal(equity))
    return replace(GLANCE, bot=stored, **changes)


def account(bot: str, values: dict[int, float], *, run: int = 1, amount: float, begun: int, over: int = 99) -> list[tuple]:
    return [(bot, run, _at(minute), value, amount, _at(begun), minute > over) for minute, value in values.items()]


def _at(minute: int) -> pd.Timestamp:
    return pd.Timestamp("2024-08-09", tz="UTC") + pd.Timedelta(minutes=minute)


def curve(*rows: list[tuple]) -> pd.DataFrame:
    columns = ["bot", "run", "timestamp", "equity", "amount", "begun", "over"]
    return portfolio_curve(pd.DataFrame([each for of in rows for each in of], columns=columns))


class TestPurses:
    def test_what_is_reckoned_in_other_money_or_was_made_on_an_invented_market_is_apart(self):
        bots = [glance("a"), glance("b", "OKX:ETH-BTC"), glance("c", "SYNTHETIC:BTC-USDT"), glance("d", "BYBIT:X-USDT")]

        found = {name: [each.bot.id for each in of] for name, of in purses(bots).items()}

        assert found == {"USDT": ["a", "d"], "BTC": ["b"], "USDT SYNTHETIC": ["c"]}
        assert list(found) == ["USDT", "BTC", "USDT SYNTHETIC"]
        assert purse_of({"symbols": []}) == ""

    @pytest.mark.parametrize(
        ("symbol", "purse"),
        [
            ("OKX:BTC-USDT-SWAP", "USDT"),
            ("OKX:BTC-USD-SWAP", "USD"),
            ("OKX:BTC-USD-240927", "USD"),
            ("SYNTHETIC:BTC-USDT-SWAP", "USDT SYNTHETIC"),
        ],
    )
    def test_a_derivative_is_reckoned_in_its_quote_currency_as_spot_is(self, symbol: str, purse: str):
        assert purse_of({"symbols": [symbol]}) == purse


class TestToday:
    def test_the_gain_is_against_the_begin_of_the_day_with_the_live_equity_where_there_is_one(self):
        worth = worth_of([glance("a"), glance("b")], {"b": {"equity": 990.5}})

        assert (worth.equity, worth.gain, worth.base, worth.accounts, worth.day_us) == (2000.5, 0.5, 2000.0, 2, 5)
        assert worth.fraction == 0.00025

    def test_an_account_that_was_reset_today_keeps_what_it_won_and_the_new_one_wins_nothing_by_being_there(self):
        worth = worth_of([glance("a", equity="5000", base=5000.0, ended=-30.0)], {})

        assert (worth.equity, worth.gain) == (5000.0, -30.0)

    def test_a_bot_that_never_began_has_nothing_even_if_an_old_word_of_it_is_on_redis(self):
        never = glance("a", equity=None, base=None)

        worth = worth_of([never], {"a": {"equity": 10_000.0}})

        assert (worth.equity, worth.gain, worth.accounts, worth.fraction) == (0, 0, 0, None)
        assert gain_of(never, {}) is None
        assert gain_of(replace(never, ended=3.0), {}) == 3.0


class TestCurve:
    def test_two_accounts_from_the_begin_on(self):
        found = curve(
            account("a", {0: 100, 1: 110, 2: 105}, amount=50, begun=-9), account("b", {0: 10, 1: 10, 2: 12}, amount=10, begun=-5)
        )

        assert found["equity"].tolist() == [110, 120, 117]
        assert found["gain"].tolist() == [0, 10, 7]
        assert found["put_in"].tolist() == [110, 110, 110]
        assert found["level"].tolist() == [110, 120, 117]
        assert found["accounts"].tolist() == [2, 2, 2]

    def test_a_new_bot_is_no_gain(self):
        found = curve(account("a", {0: 100, 1: 100, 2: 100}, amount=100, begun=-9), account("b", {2: 51}, amount=50, begun=2))

        assert found["equity"].tolist() == [100, 100, 151]
        assert found["gain"].tolist() == [0, 0, 1]
        assert found["put_in"].tolist() == [100, 100, 150]
        assert found["level"].tolist() == [150, 150, 151]

    def test_a_reset_is_neither_a_gain_nor_a_loss_and_what_was_lost_before_it_stays_lost(self):
        found = curve(
            account("a", {0: 100, 1: 80, 2: 80, 3: 80}, amount=100, begun=-9, over=1),
            account("a", {3: 100}, run=2, amount=100, begun=3),
        )

        assert found["equity"].tolist() == [100, 80, 0, 100]
        assert found["gain"].tolist() == [0, -20, -20, -20]
        assert found["put_in"].tolist() == [100, 100, 20, 120]
        assert found["level"].tolist() == [120, 100, 100, 100]
        assert found["accounts"].tolist() == [1, 1, 0, 1]

    def test_of_nothing_there_is_none(self):
        assert curve().empty

    @given(
        st.lists(
            st.tuples(st.integers(0, 3), st.lists(st.integers(1, 1000), min_size=4, max_size=4), st.booleans()),
            min_size=1,
            max_size=5,
        )
    )
    def test_whenever_accounts_begin_or_end_only_what_they_win_moves_the_level(self, accounts):
        rows = []
        for number, (begin, values, ends) in enumerate(accounts):
            worth = {minute: float(values[minute]) for minute in range(begin, 4)}
            if ends:
                worth |= dict.fromkeys(range(2, 4), worth.get(1, worth[max(begin, 1)])) if begin <= 1 else {}
            over = 1 if ends and begin <= 1 else 99
            rows.append(account(str(number), worth, amount=float(values[begin]), begun=begin, over=over))

        found = curve(*rows)

        moves = pd.DataFrame([{each[2]: each[3] for each in of} for of in rows]).T.sort_index().diff().sum(axis=1)
        assert found["level"].diff().dropna().tolist() == pytest.approx(moves.loc[found["timestamp"]].iloc[1:].tolist())
        assert found["level"].iloc[-1] == pytest.approx(found["equity"].iloc[-1])
