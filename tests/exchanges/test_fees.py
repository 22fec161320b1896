"""What venues take for a trade."""

from exchanges import VENUES
from exchanges.fees import USUAL, fees_of


def test_every_venue_has_fees_of_its_own_or_the_usual_ones():
    for venue in VENUES:
        fees = fees_of([f"{venue}:BTC-USDT"])
        assert 0.0 < fees.maker <= fees.taker < 0.01


def test_of_several_venues_the_highest_count():
    assert fees_of(["OKX:BTC-USDT", "BINANCE:BTC-USDT"]) == (0.001, 0.001)
    assert fees_of(["KRAKEN:BTC-USD", "BINANCEUSDM:BTC-USDT"]) == (0.0025, 0.004)


def test_a_venue_that_is_not_known_has_the_usual_ones():
    assert fees_of(["BITSTAMP:BTC-USD"]) == fees_of([]) == USUAL
