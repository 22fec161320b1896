"""A symbol has one owner at a time, however the other one ended."""

import pytest
import sqlalchemy as sa

from db.claims import Claims, Purpose
from market.errors import StoreUnreachable

pytestmark = pytest.mark.postgres
BTC, ETH, SOL = "OKX:BTC-USDT", "OKX:ETH-USDT", "OKX:SOL-USDT"


@pytest.fixture
def owners(engine):
    made = [Claims(engine, Purpose.FOLLOW), Claims(engine, Purpose.FOLLOW)]
    yield made
    for owner in made:
        owner.close()


def test_a_symbol_that_somebody_holds_is_refused_and_the_others_are_given(owners):
    first, second = owners

    assert first.claim([BTC, ETH]) == []
    assert second.claim([ETH, SOL]) == [ETH]
    assert first.claim([BTC, SOL]) == [SOL]


def test_what_was_let_go_can_be_claimed(owners):
    first, second = owners
    first.claim([BTC])

    first.close()

    assert second.claim([BTC]) == []


def test_after_a_lost_session_the_symbols_are_claimed_anew(owners, engine):
    first, second = owners
    first.claim([BTC, ETH])
    with engine.connect() as connection:
        others = sa.text("select pg_terminate_backend(pid) from pg_stat_activity where pid <> pg_backend_pid() and datname = :name")
        connection.execute(others, {"name": engine.url.database})

    with pytest.raises(StoreUnreachable):
        first.renew()
    second.claim([ETH])

    assert first.renew() == [ETH]
    assert first.renew() == []
    assert second.claim([BTC]) == [BTC]


def test_a_symbol_may_be_followed_and_backfilled_at_once(engine):
    following, filling = Claims(engine, Purpose.FOLLOW), Claims(engine, Purpose.BACKFILL)

    assert following.claim([BTC]) == filling.claim([BTC]) == []

    following.close()
    filling.close()
