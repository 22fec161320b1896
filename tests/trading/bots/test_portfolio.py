import pytest

from trading.bots.portfolio import Portfolio, PortfolioLimits

BTC, ETH = "OKX:BTC-USDT", "OKX:ETH-USDT"


def holding(*exposures, equity=100.0, began=100.0, **limits):
    portfolio = Portfolio(PortfolioLimits(**limits))
    portfolio.update(exposures, equity=equity, began=began)
    return portfolio


def test_without_limits_everything_is_allowed():
    assert PortfolioLimits().are_none
    assert holding({BTC: 1e12}).refusal(BTC, 1e12) == ""


@pytest.mark.parametrize(
    ("more", "told"), [(40.0, ""), (40.01, "all bots hold 60.00; 40.01 more is beyond 100.00 (bots.max_exposure)")]
)
def test_long_and_short_positions_count_together_up_to_the_limit(more, told):
    assert holding({BTC: 50.0}, {ETH: -10.0}, exposure=100.0).refusal(ETH, more) == told


def test_each_symbol_has_its_limit():
    portfolio = holding({BTC: 50.0}, {BTC: -10.0}, symbol_exposure=70.0)

    assert portfolio.refusal(ETH, 70.0) == ""
    assert portfolio.refusal(BTC, 11.0) == f"all bots hold 60.00 of {BTC}; 11.00 more is beyond 70.00 (bots.max_symbol_exposure)"


def test_what_was_allowed_counts_until_what_is_held_is_read_again():
    portfolio = holding(exposure=100.0)

    assert [bool(portfolio.refusal(BTC, 60.0)) for _ in range(2)] == [False, True]
    portfolio.update([], equity=0.0, began=0.0)
    assert portfolio.refusal(BTC, 60.0) == ""


@pytest.mark.parametrize(("equity", "has_lost"), [(89.99, True), (90.01, False), (110.0, False)])
def test_a_loss_of_the_day_ends_what_may_be_entered(equity, has_lost):
    portfolio = holding(equity=equity, began=100.0, daily_loss=0.1)

    assert (portfolio.has_lost, bool(portfolio.refusal(BTC, 0.0))) == (has_lost, has_lost)


def test_nothing_was_lost_of_nothing():
    assert not holding(equity=0.0, began=0.0, daily_loss=0.1).has_lost
