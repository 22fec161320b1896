"""What a worker asks of the database at its start."""

import asyncio
from collections.abc import Callable
from random import Random
from typing import Any

import pytest

from db.claims import Claims, Purpose
from exchanges import OKX
from market.errors import InputError
from simulation import loop as virtual
from streaming.persistence import Persistence
from streaming.reads import Reads
from tests.generators import START_US

pytestmark = pytest.mark.postgres
BTC = "OKX:BTC-USDT"


async def at_once(work: Callable[..., Any], *arguments: Any) -> Any:
    return work(*arguments)


def test_a_symbol_that_another_worker_follows_is_refused_after_a_while(database):
    other, mine = Claims(database.engine, Purpose.FOLLOW), Claims(database.engine, Purpose.FOLLOW)
    other.claim([BTC])
    reads = Reads(Persistence(database.transaction, OKX([BTC])), at_once, owner=mine, rng=Random(1))

    with pytest.raises(InputError, match="OKX:BTC-USDT is followed by another worker on this database"):
        virtual.run(reads.resume(BTC), virtual.VirtualLoop(), START_US)

    other.close()
    mine.close()


def test_a_worker_that_is_ending_is_waited_for(database):
    other, mine = Claims(database.engine, Purpose.FOLLOW), Claims(database.engine, Purpose.FOLLOW)
    other.claim([BTC])
    reads = Reads(Persistence(database.transaction, OKX([BTC])), at_once, owner=mine, rng=Random(1))

    async def take_over() -> None:
        asyncio.get_running_loop().call_later(5.0, other.close)
        assert await reads.resume(BTC) is None

    virtual.run(take_over(), virtual.VirtualLoop(), START_US)

    assert other.claim([BTC]) == [BTC]
    other.close()
    mine.close()
