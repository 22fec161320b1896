"""Bulk rows on a real server: what breaks while they are made is what the caller sees."""

from collections.abc import Iterator

import pytest
import sqlalchemy as sa

from db.bulk import copy_in
from market.errors import InputError

pytestmark = pytest.mark.postgres
HEADER = b"PGCOPY\n\xff\r\n\x00" + bytes(8)


@pytest.mark.parametrize("error", [KeyboardInterrupt(), InputError("line 7 is no candle")], ids=["Ctrl-C", "a bad row"])
def test_what_making_the_rows_raises_comes_through_and_nothing_is_written(database, error):
    def pieces() -> Iterator[bytes]:
        yield HEADER
        raise error

    with pytest.raises(type(error)) as raised, database.engine.begin() as connection:
        copy_in(connection, "symbols", ["symbol"], data=pieces())

    assert raised.value is error
    with database.engine.begin() as connection:
        assert connection.scalar(sa.text("select count(*) from symbols")) == 0
